"""A bot's token is reset while everybody is on air: it stops, gets a new one and comes back; the others never stop."""

import asyncio
import sys

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import SetToken, SoundCheck, SoundCheckResult, StartSession
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import LinkState, Phase
from common.secret import Secret
from simulator.server import Simulator
from tests.journeys.conftest import PLACES, scene
from tray.engine_process import EngineProcess, Place

NEW = Secret("invented-token-new")


@pytest.fixture
def logins(monkeypatch):
    """Return the list of every IDENTIFY that is sent from now on, by token."""
    sent = []
    monkeypatch.setattr("engine.gateway.budget.IdentifyBudget.spend", lambda _self, token: sent.append(token))
    return sent


async def lose(show, bot):
    """Reset a bot's token and wait until it has stopped for that."""
    show.faults.revoke_token(show.user(bot))
    await show.until(lambda: show.state(bot).link is LinkState.STOPPED)
    assert show.state(bot).cause is ErrorCode.TOKEN_REVOKED
    assert show.session.state().phase is Phase.DEGRADED


async def refused(awaitable):
    with pytest.raises(RelayError) as caught:
        await awaitable
    return caught.value.code


def others(bot):
    return [other for other in ("red", "blue", "casters") if other != bot]


@pytest.mark.parametrize("bot", ["red", "casters"])
async def test_with_a_new_token_a_bot_is_back_and_the_others_were_never_gone(on_air, logins, bot):
    async with on_air() as show:
        connections = {other: show.session._running.seats[other].line._connection for other in others(bot)}
        since = show.mark()
        logins.clear()
        await lose(show, bot)
        assert logins == []
        show.discord.world.accounts[show.user(bot)].token = NEW.reveal()
        await show.session.renew(bot, NEW)
        await show.until(lambda: show.state(bot).link is LinkState.CONNECTED)
        await show.until_heard()
        assert logins == [NEW]
        assert show.session.state().phase is Phase.RUNNING
        assert [show.outages(other, since) for other in others(bot)] == [[], []]
        assert connections == {other: show.session._running.seats[other].line._connection for other in others(bot)}
        assert [found.recovered for found in show.outages(bot, since)] == [True]
        show.check_nothing_doubled()


async def test_the_token_may_be_another_account_s(on_air):
    async with on_air() as show:
        world = show.discord.world
        successor = world.add_account("successor", bot=True, token=NEW.reveal())
        world.add_member(show.cast.guild.id, successor.id)
        await lose(show, "red")
        world.leave(show.cast.guild.id, show.user("red"))
        await show.session.renew("red", NEW)
        await show.until(lambda: show.state("red").link is LinkState.CONNECTED)
        await show.until_heard()
        assert show.state("red").user == str(successor.id)
        assert world.voice_state(show.cast.guild.id, successor.id).channel_id == show.home("red")
        assert str(successor.id) not in {talker.user for talker in show.session.state().talkers}


async def test_what_does_not_fit_is_refused_and_changes_nothing(on_air):
    async with on_air() as show:
        world, guild = show.discord.world, show.cast.guild.id
        blue = Secret("invented-token-blue")
        assert await refused(show.session.renew("red", blue)) is ErrorCode.TOKEN_DUPLICATE
        await lose(show, "red")
        assert await refused(show.session.renew("red", blue)) is ErrorCode.TOKEN_DUPLICATE
        assert await refused(show.session.renew("red", Secret("invented-token-nobody"))) is ErrorCode.TOKEN_INVALID
        world.add_account("stranger", bot=True, token=NEW.reveal())
        assert await refused(show.session.renew("red", NEW)) is ErrorCode.GUILD_UNKNOWN
        assert (show.state("red").link, show.state("red").cause) == (LinkState.STOPPED, ErrorCode.TOKEN_REVOKED)
        with pytest.raises(RelayError) as caught:
            show.session.rejoin("red")
        assert caught.value.code is ErrorCode.TOKEN_REVOKED
        assert [show.state(bot).link for bot in ("blue", "casters")] == [LinkState.CONNECTED] * 2
        world.leave(guild, show.user("red"))


async def test_the_token_of_a_bot_that_works_is_for_later(on_air, logins):
    async with on_air() as show:
        since = show.mark()
        logins.clear()
        await show.session.renew("red", NEW)
        assert logins == []
        assert show.state("red").link is LinkState.CONNECTED
        assert show.outages("red", since) == []


async def test_the_end_of_the_session_is_the_end_of_a_login(on_air):
    async with on_air() as show, asyncio.TaskGroup() as group:
        await lose(show, "red")
        show.discord.world.accounts[show.user("red")].token = NEW.reveal()
        coming = group.create_task(refused(show.session.renew("red", NEW)))
        await asyncio.sleep(0)
        await show.session.stop()
        assert await coming is ErrorCode.NOT_RUNNING
        show.discord.world.leave(show.cast.guild.id, show.user("red"))


async def test_two_who_enter_a_token_at_once_make_one_bot(on_air):
    async with on_air() as show:
        await lose(show, "red")
        show.discord.world.accounts[show.user("red")].token = NEW.reveal()
        await asyncio.gather(show.session.renew("red", NEW), show.session.renew("red", NEW))
        await show.until(lambda: show.state("red").link is LinkState.CONNECTED)
        await show.until_heard()
        show.check_nothing_doubled()


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
async def test_both_by_the_control_socket_of_a_real_engine(tmp_path, monkeypatch):
    """A bot comes back with its new token, and a bot that the engine was not started with hears that all is well."""
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    async with Simulator(scene()) as discord:
        cast, world = discord.cast, discord.world
        channels = {bot: str(cast.channel(place)) for bot, place in PLACES.items()}
        spec = SessionSpec(
            guild=str(cast.guild.id),
            sources=tuple(SourceSpec(channel=channels[bot], bot=bot) for bot in ("red", "blue")),
            destinations=(DestinationSpec(channel=channels["casters"], bot="casters"),),
        )
        bots = {bot: Secret(f"invented-token-{bot}") for bot in PLACES}
        engine = await EngineProcess.start(bots, Place(discord.api_base, discord.gateway_url, discord.ca_file))
        try:
            await engine.client.call(StartSession(spec=spec))
            discord.faults.revoke_token(cast.account("red"))
            await reached(engine.client, lambda state: state.bots[0].cause is ErrorCode.TOKEN_REVOKED)
            cast.bots["red"].token = NEW.reveal()
            await engine.client.call(SetToken(bot="red", token=NEW))
            await reached(engine.client, lambda state: state.phase is Phase.RUNNING)
            spare = world.add_account("spare", bot=True, token="invented-token-spare")
            world.add_member(cast.guild.id, spare.id)
            await engine.client.call(SetToken(bot="spare", token=Secret("invented-token-spare")))
            result = await engine.client.call(SoundCheck(destination=channels["casters"], listener="spare"))
            assert isinstance(result, SoundCheckResult)
            assert all(hop.passed for hop in result.hops)
            assert world.voice_state(cast.guild.id, spare.id) is None
        finally:
            await engine.end()


async def reached(client, holds):
    async with asyncio.timeout(10):
        async for state in client.states():
            if holds(state):
                return
