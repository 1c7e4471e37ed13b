"""Discord's REST API as the wizard asks it: what it reads, what each refusal is called, and where tokens go."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from simulator.server import Simulator
from tray.wizard.discord_api import LARGEST_ANSWER, USER_AGENT, BotApi, Site

SECRET = "invented.token.for-this-test"
ALPHA = Secret("token-alpha")


class Waits:
    """Takes the place of sleeping and notes for how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with Site(simulator.api_base, simulator.ca_file).open() as session:
        yield session


def api_of(http: aiohttp.ClientSession, base: str, waits: Waits | None = None, token: Secret = ALPHA) -> BotApi:
    return BotApi(http, Site(base), token, "Red", sleep=waits or Waits())


async def refusal(question: Awaitable[object]) -> DiscordError:
    with pytest.raises(DiscordError) as caught:
        await question
    return caught.value


async def test_a_bot_reads_itself_its_servers_and_their_channels(alpha: BotApi, simulator: Simulator):
    guild = str(simulator.cast.guild.id)
    me = await alpha.me()
    assert (me.username, me.bot, me.id) == ("alpha", True, str(simulator.cast.account("alpha")))
    assert (await alpha.application()).id == me.id
    assert [(each.id, each.name) for each in await alpha.guilds()] == [(guild, "杯")]
    assert [role.name for role in (await alpha.guild(guild)).roles] == ["@everyone", "Relay", "Mover", "Quiet"]
    assert {each.name: each.user_limit for each in await alpha.channels(guild)}["Red"] == 5
    assert len((await alpha.member(guild, me.id)).roles) == 1


async def test_a_refused_token_is_named(ask_as):
    error = await refusal(ask_as(Secret("token-wrong"), "Blue").me())
    assert (error.code, error.details) == (ErrorCode.TOKEN_INVALID, {"bot": "Blue"})


@pytest.mark.parametrize("token", ["", "two words", "トークン", "line\nbreak"])
async def test_what_no_header_can_carry_is_no_token(ask_as, simulator: Simulator, token: str):
    assert (await refusal(ask_as(Secret(token), "Blue").me())).code is ErrorCode.TOKEN_INVALID
    assert simulator.rest.requests == {}


async def test_a_server_the_bot_is_not_in_is_named(alpha: BotApi, simulator: Simulator):
    stranger = simulator.world.add_guild("other", simulator.cast.account("akari"), 0)
    for question in (alpha.guild(str(stranger.id)), alpha.channels("5"), alpha.member("5", "6")):
        assert (await refusal(question)).code is ErrorCode.GUILD_UNKNOWN


async def test_a_short_rate_limit_is_waited_out(http: aiohttp.ClientSession, simulator: Simulator):
    simulator.faults.rate_limit(count=2, retry_after=1.5, path="/users")
    waits = Waits()
    assert (await api_of(http, simulator.api_base, waits).me()).username == "alpha"
    assert waits.seconds == [1.5, 1.5]


@pytest.mark.parametrize(("count", "retry_after", "waited"), [(1, 30.0, []), (9, 2.0, [2.0, 2.0])])
async def test_a_long_rate_limit_is_told_instead(
    http: aiohttp.ClientSession, simulator: Simulator, count: int, retry_after: float, waited: list[float]
):
    simulator.faults.rate_limit(count=count, retry_after=retry_after, path="/users")
    waits = Waits()
    error = await refusal(api_of(http, simulator.api_base, waits).me())
    assert (error.code, error.details["seconds"]) == (ErrorCode.RATE_LIMITED, f"{retry_after:.0f}")
    assert waits.seconds == waited


async def test_nobody_there_is_unreachable(http: aiohttp.ClientSession, unused_tcp_port: int):
    error = await refusal(api_of(http, f"https://127.0.0.1:{unused_tcp_port}").me())
    assert error.code is ErrorCode.DISCORD_UNREACHABLE
    assert "token" not in str(error)


async def test_an_unknown_authority_is_unreachable(simulator: Simulator):
    async with Site(simulator.api_base).open() as http:
        error = await refusal(api_of(http, simulator.api_base).me())
    assert error.code is ErrorCode.DISCORD_UNREACHABLE
    assert "Certificate" in error.details["reason"]


async def test_a_third_name_in_an_hour_is_told_as_that(alpha: BotApi):
    await alpha.edit_user(username="one")
    await alpha.edit_user(username="two")
    assert (await refusal(alpha.edit_user(username="three"))).code is ErrorCode.RENAMED_TOO_OFTEN
    error = await refusal(alpha.edit_user(username="my discord"))
    assert error.code is ErrorCode.BOT_NAME_REFUSED
    assert "discord" in error.details["reason"]


Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def answering() -> AsyncIterator[Callable[[Answering], Awaitable[str]]]:
    """Serves one handler on loopback, for what the simulator's Discord never does."""
    runners = []

    async def serve(handler: Answering) -> str:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handler)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_the_token_is_in_the_header_only_and_we_say_who_we_are(http: aiohttp.ClientSession, answering):
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"id": "1", "username": "x", "new_field": {"a": 1}})

    await api_of(http, await answering(note), token=Secret(SECRET)).me()
    assert seen[0].headers["Authorization"] == f"Bot {SECRET}"
    assert seen[0].headers["User-Agent"] == USER_AGENT
    others = {name: value for name, value in seen[0].headers.items() if name != "Authorization"}
    assert SECRET not in f"{seen[0].url} {others}"


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession, answering):
    calls: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=302, headers={"Location": "/stolen"})

    error = await refusal(api_of(http, await answering(elsewhere)).me())
    assert (error.code, error.details["reason"], calls) == (ErrorCode.DISCORD_UNREACHABLE, "http 302", ["/users/@me"])


ODD = [
    (502, b"<html>Bad gateway</html>"),
    (200, b"<html>a hotel's login page</html>"),
    (200, b'{"id": 5, "username": "a number instead of a string"}'),
    (200, b'{"id": "five", "username": "x"}'),
    (200, b'{"username": "no id"}'),
    (400, json.dumps({"code": 50035, "errors": {"avatar": 7}}).encode()),
    (200, b" " * (LARGEST_ANSWER + 1)),
]


@pytest.mark.parametrize(("status", "body"), ODD)
async def test_what_is_not_understood_is_unreachable(http: aiohttp.ClientSession, answering, status: int, body: bytes):
    async def odd(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    assert (await refusal(api_of(http, await answering(odd)).me())).code is ErrorCode.DISCORD_UNREACHABLE
