"""Bots against the simulated Discord: real discord.py, real TLS, real websocket."""

import asyncio
import socket

import pytest

from common.errors import CombinedError, DiscordError, ErrorCode
from common.secret import Secret
from common.types import BotKey, ChannelId
from engine.gateway import client
from engine.gateway.budget import LIMIT, IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.gateway.events import GatewayBack, GatewayLost, MemberChanged, OwnVoice, Stopped
from engine.gateway.pool import Pool, equal_tokens
from engine.gateway.views import ChannelKind, VoiceMember
from tests.engine.gateway.conftest import Bench


def own_tasks() -> set[str]:
    return {
        task.get_name() for task in asyncio.all_tasks() if "bot-" in task.get_name() or "discord" in task.get_name()
    }


def test_intents_are_exactly_the_two_unprivileged_ones():
    assert client.intents().value == 129


async def test_a_bot_sees_the_guild_in_order_with_its_own_permissions(bench: Bench):
    bot, _ = bench.bot()
    await bot.start()
    view = await bot.guild(bench.guild)
    assert [(channel.name, channel.kind, channel.category) for channel in view.channels] == [
        ("lobby", ChannelKind.OTHER, ""),
        ("Locked", ChannelKind.VOICE, ""),
        ("Stage", ChannelKind.STAGE, ""),
        ("Red", ChannelKind.VOICE, "Teams"),
        ("Blue", ChannelKind.VOICE, "Teams"),
    ]
    red = view.channel(bench.simulator.cast.channel("Red"))
    assert (red.user_limit, red.denied_by("SPEAK"), red.denied_by("SET_VOICE_CHANNEL_STATUS")) == (5, "", "")
    locked = view.channel(bench.simulator.cast.channel("Locked"))
    assert locked.denied_by("CONNECT") == "channel overwrite: @everyone"


async def test_a_guild_the_bot_is_not_in_is_unknown(bench: Bench):
    bot, _ = bench.bot()
    await bot.start()
    assert await bot.guild(12345) is None


async def test_people_in_voice_are_seen_by_nickname_and_gone_when_they_leave(bench: Bench):
    bot, heard = bench.bot()
    cast, world = bench.simulator.cast, bench.simulator.world
    red, blue, akari = cast.channel("Red"), cast.channel("Blue"), cast.account("akari")
    await bot.start()
    await bot.guild(bench.guild)
    world.join(bench.guild, akari, red)
    await heard.wait(lambda event: event == MemberChanged(bench.guild, akari, None, red))
    assert bot.members(bench.guild, red) == (VoiceMember(akari, "RED Akari", red),)
    world.guilds[bench.guild].members[akari].nickname = "Akari two"
    world.move(bench.guild, akari, blue)
    await heard.wait(lambda event: event == MemberChanged(bench.guild, akari, red, blue))
    assert bot.members(bench.guild, red) == ()
    assert [member.name for member in bot.members(bench.guild, blue)] == ["Akari two"]
    world.leave(bench.guild, akari)
    await heard.wait(lambda event: event == MemberChanged(bench.guild, akari, blue, None))
    assert bot.members(bench.guild, blue) == ()


async def test_people_who_were_there_before_the_bot_are_seen(bench: Bench):
    red, ben = bench.simulator.cast.channel("Red"), bench.simulator.cast.account("ben")
    bench.simulator.world.join(bench.guild, ben, red)
    bot, _ = bench.bot()
    await bot.start()
    await bot.guild(bench.guild)
    assert bot.members(bench.guild, red) == (VoiceMember(ben, "Ben", red),)


async def test_bots_are_flagged(bench: Bench):
    red, beta = bench.simulator.cast.channel("Red"), bench.simulator.cast.account("beta")
    bench.simulator.world.join(bench.guild, beta, red)
    bot, _ = bench.bot()
    await bot.start()
    await bot.guild(bench.guild)
    assert [member.bot for member in bot.members(bench.guild, red)] == [True]


async def test_own_voice_state_and_a_moderators_mute_are_told(bench: Bench):
    red, alpha = bench.simulator.cast.channel("Red"), bench.simulator.cast.account("alpha")
    bot, heard = bench.bot()
    await bot.start()
    await bot.guild(bench.guild)
    bench.simulator.world.join(bench.guild, alpha, red)
    await heard.wait(lambda event: event == OwnVoice(bench.guild, red))
    bench.simulator.world.set_flags(bench.guild, alpha, mute=True, deaf=True)
    await heard.wait(lambda event: event == OwnVoice(bench.guild, red, mute=True, deaf=True))
    bench.simulator.world.kick(bench.guild, alpha)
    await heard.wait(lambda event: event == OwnVoice(bench.guild, None))


async def test_a_leave_of_our_own_is_told_apart_from_a_kick(bench: Bench):
    red, alpha = bench.simulator.cast.channel("Red"), bench.simulator.cast.account("alpha")
    bot, heard = bench.bot()
    await bot.start()
    await bot.guild(bench.guild)
    bench.simulator.world.join(bench.guild, alpha, red)
    await heard.wait(lambda event: isinstance(event, OwnVoice))
    await bot.leave(bench.guild)
    gone = await heard.wait(lambda event: isinstance(event, OwnVoice) and event.channel is None)
    assert gone.asked


async def test_a_lost_gateway_is_resumed(bench: Bench):
    bot, heard = bench.bot()
    await bot.start()
    bench.simulator.faults.close_gateway(bot.user, 4000)
    await heard.wait(lambda event: event == GatewayBack(resumed=True))
    assert GatewayLost() in heard.events
    assert bench.budget.used(Secret("token-alpha")) == 1


async def test_a_wrong_token_is_invalid_and_leaves_nothing(bench: Bench):
    for wrong in ("nonsense", "", "two words", "日本語", "line\nbreak"):
        bot, _ = bench.bot("alpha", wrong)
        with pytest.raises(DiscordError) as refused:
            await bot.start()
        assert refused.value.code is ErrorCode.TOKEN_INVALID
        assert refused.value.details == {"bot": "alpha"}
    assert own_tasks() == set()


async def test_a_token_that_stops_working_is_revoked(bench: Bench):
    bot, heard = bench.bot()
    await bot.start()
    bench.simulator.faults.revoke_token(bot.user)
    stopped = await heard.wait(lambda event: isinstance(event, Stopped))
    assert stopped.error.code is ErrorCode.TOKEN_REVOKED


async def test_nobody_at_the_address_is_unreachable(bench: Bench):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        nowhere = Endpoint(f"https://127.0.0.1:{port}/api/v10", f"wss://127.0.0.1:{port}/", bench.simulator.ca_file)
        bot, _ = bench.bot(endpoint=nowhere)
        with pytest.raises(DiscordError) as failed:
            await bot.start(0.5)
    assert failed.value.code is ErrorCode.DISCORD_UNREACHABLE


async def test_a_gateway_that_is_not_there_is_unreachable(bench: Bench):
    halfway = Endpoint(bench.simulator.api_base, "wss://127.0.0.1:9/", bench.simulator.ca_file)
    bot, _ = bench.bot(endpoint=halfway)
    with pytest.raises(DiscordError) as failed:
        await bot.start()
    assert failed.value.code is ErrorCode.DISCORD_UNREACHABLE


async def test_an_unknown_authority_is_unreachable(bench: Bench):
    distrust = Endpoint(bench.simulator.api_base, bench.simulator.gateway_url, None)
    bot, _ = bench.bot(endpoint=distrust)
    with pytest.raises(DiscordError) as failed:
        await bot.start()
    assert failed.value.code is ErrorCode.DISCORD_UNREACHABLE


@pytest.mark.parametrize("retry_after", [3.0, 600.0])
async def test_a_rate_limit_is_named_when_it_outlasts_the_start(bench: Bench, retry_after: float):
    bench.simulator.faults.rate_limit(count=10, retry_after=retry_after, path="/users/@me")
    bot, _ = bench.bot()
    with pytest.raises(DiscordError) as failed:
        await bot.start(0.5)
    assert failed.value.code is ErrorCode.RATE_LIMITED


async def test_a_spent_budget_stops_before_discord_is_asked(bench: Bench):
    budget = IdentifyBudget(None, lambda: 0.0)
    for _ in range(LIMIT):
        budget.spend(Secret("token-alpha"))
    bot, _ = bench.bot(budget=budget)
    with pytest.raises(DiscordError) as failed:
        await bot.start()
    assert failed.value.code is ErrorCode.IDENTIFY_BUDGET
    assert failed.value.details["bot"] == "alpha"


async def test_close_is_quick_when_discord_does_not_answer(bench: Bench):
    bot, _ = bench.bot()
    await bot.start()
    bench.simulator.faults.freeze_gateway(bot.user)
    async with asyncio.timeout(5):
        await bot.close()
    assert own_tasks() == set()


async def test_the_status_line_is_written_with_permission_only(bench: Bench):
    alpha, _ = bench.bot("alpha")
    beta, _ = bench.bot("beta")
    cast, world = bench.simulator.cast, bench.simulator.world
    for bot in (alpha, beta):
        await bot.start()
        await bot.guild(bench.guild)
    red, blue = cast.channel("Red"), cast.channel("Blue")
    world.join(bench.guild, alpha.user, red)
    world.join(bench.guild, beta.user, blue)
    await alpha.show_status(red, "on air")
    assert cast.channels["Red"].status == "on air"
    await alpha.show_status(red, None)
    assert cast.channels["Red"].status == ""
    with pytest.raises(DiscordError) as refused:
        await beta.show_status(blue, "on air")
    assert refused.value.code is ErrorCode.PERMISSION_MISSING
    assert refused.value.details["permission"] == "SET_VOICE_CHANNEL_STATUS"


async def test_a_channel_that_is_not_there_cannot_be_joined(bench: Bench):
    bot, _ = bench.bot()
    await bot.start()
    await bot.guild(bench.guild)
    with pytest.raises(DiscordError) as refused:
        await bot.join(bench.guild, ChannelId(1), None, timeout=1, self_mute=True, self_deaf=False)
    assert refused.value.code is ErrorCode.CHANNEL_UNKNOWN


async def test_a_pool_starts_all(bench: Bench):
    pool = Pool({BotKey(name): bench.bot(name)[0] for name in ("alpha", "beta")})
    await pool.start()
    assert pool.identities() == {name: bench.simulator.cast.account(name) for name in ("alpha", "beta")}
    await pool.close()
    assert own_tasks() == set()


async def test_a_pool_starts_none_when_one_fails_and_tells_of_each(bench: Bench):
    bots = {
        "alpha": bench.bot("alpha")[0],
        "bad": bench.bot("bad", "nonsense")[0],
        "worse": bench.bot("worse", "not ascii: ü")[0],
    }
    with pytest.raises(CombinedError) as failed:
        await Pool(bots).start()
    assert {(error.code, error.details["bot"]) for error in failed.value.errors} == {
        (ErrorCode.TOKEN_INVALID, "bad"),
        (ErrorCode.TOKEN_INVALID, "worse"),
    }
    assert own_tasks() == set()


def test_equal_tokens_are_found_without_a_login():
    tokens = {BotKey("a"): Secret("x"), BotKey("b"): Secret("y"), BotKey("c"): Secret("x")}
    (found,) = equal_tokens(tokens)
    assert (found.code, found.details) == (ErrorCode.TOKEN_DUPLICATE, {"bot": "a", "bots": "a, c"})
    assert equal_tokens({BotKey("a"): Secret("x")}) == []
