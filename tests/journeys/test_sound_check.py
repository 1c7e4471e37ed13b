"""A chirp is played into a destination and heard there by another bot, on the simulator."""

import asyncio
import time
from contextlib import suppress

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import Hop
from common.protocol.state import LinkState, MatchPhase, Phase
from common.secret import Secret
from engine.session import soundcheck
from simulator.network import LinkQuality

HOPS = (Hop.MIXED, Hop.SENT, Hop.RECEIVED, Hop.DECRYPTED, Hop.DECODED, Hop.HEARD)
TOKENS = {bot: Secret(f"invented-token-{bot}") for bot in ("red", "blue", "casters")}
NOBODY_TALKS = {"talkers": {}, "heard": ()}
SPARE = "invented-token-spare"


def check(show, listener="red", tokens=None):
    return show.session.sound_check(str(show.home("casters")), listener, tokens or TOKENS)


async def there(show, bot="red"):
    await show.until(lambda: show.place(bot) == show.home("casters"))


async def home_again(show, bot="red"):
    await show.until(lambda: show.state(bot).link is LinkState.CONNECTED and show.place(bot) == show.home(bot))


def outcome(result):
    """Return which hops passed, and the fault of the first that did not."""
    assert tuple(hop.hop for hop in result.hops) == HOPS
    fault = next((hop.fault.code for hop in result.hops if hop.fault is not None), None)
    return sum(hop.passed for hop in result.hops), fault


def hire(show, name="spare"):
    """Have one more bot in the guild, which the session knows nothing of."""
    account = show.discord.world.add_account(name, bot=True, token=SPARE)
    show.discord.world.add_member(show.cast.guild.id, account.id)
    return account.id


async def refused(awaitable):
    with pytest.raises(RelayError) as caught:
        await awaitable
    return caught.value.code


@pytest.mark.parametrize("settings", [NOBODY_TALKS, {}], ids=["nobody talks", "people talk"])
async def test_a_source_s_bot_hears_the_chirp_and_comes_back(on_air, settings):
    async with on_air(**settings) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(check(show))
        await show.until(lambda: show.state("red").cause is ErrorCode.CHECK_AWAY)
        assert show.session.state().phase is Phase.DEGRADED
        result = await checking
        assert outcome(result) == (6, None)
        assert result.destination == str(show.home("casters"))
        assert 0.0 < result.latency_ms < 300.0
        assert result.loss_percent < 20.0
        assert result.level_db == pytest.approx(-20.0, abs=1.5)
        assert result.encryption == 1
        await home_again(show)
        assert show.session.state().phase is Phase.RUNNING
        assert (show.outages("red", 0)[-1].cause, show.outages("red", 0)[-1].recovered) == ("sound_check", True)


async def test_a_bot_without_a_place_hears_the_chirp_and_is_gone_again(on_air):
    async with on_air() as show:
        spare = hire(show)
        since = show.mark()
        result = await check(show, "spare", TOKENS | {"spare": Secret(SPARE)})
        assert outcome(result) == (6, None)
        assert show.discord.world.voice_state(show.cast.guild.id, spare) is None
        assert [bot.bot for bot in show.session.state().bots] == ["red", "blue", "casters"]
        assert [show.outages(bot, since) for bot in ("red", "blue", "casters")] == [[], [], []]


async def test_what_the_listener_hears_is_not_mixed(on_air):
    async with on_air(talkers={"en_2": "Blue", "en_3": "Casters"}, heard=("blue",)) as show:
        guest = str(show.cast.people["en_3"].id)
        red = show.session._running.seats["red"]
        pushed = []
        mixing = show.session._running._mixing
        push, mixing._pipeline.push = mixing._pipeline.push, lambda packet: (pushed.append(packet.user), push(packet))
        assert outcome(await check(show)) == (6, None)
        await home_again(show)
        assert guest not in {talker.user for talker in show.session.state().talkers}
        assert set(pushed) <= {show.cast.people["en_2"].id}
        assert red.supervisor.place == show.home("red")


async def test_loss_and_latency_are_the_network_s(on_air):
    async with on_air(**NOBODY_TALKS) as show:
        show.faults.set_link(show.user("casters"), LinkQuality(delay_ms=80.0, loss=0.2))
        result = await check(show)
        assert outcome(result) == (6, None)
        assert 80.0 < result.latency_ms < 200.0
        assert 4.0 < result.loss_percent < 45.0
        assert result.level_db == pytest.approx(-20.0, abs=2.0)


async def test_a_player_without_a_way_out_is_not_received(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(check(show))
        await there(show)
        show.faults.cut_link(show.user("casters"), 10.0)
        result = await checking
        assert outcome(result) == (2, ErrorCode.CHECK_NOT_RECEIVED)
        assert (result.latency_ms, result.loss_percent, result.level_db) == (0.0, 100.0, -120.0)
        await home_again(show)


async def test_live_no_check_begins_and_none_goes_on(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        show.session.set_match(MatchPhase.READY)
        checking = group.create_task(refused(check(show)))
        await there(show)
        assert await refused(check(show, "blue")) is ErrorCode.CHECK_BUSY
        show.session.set_match(MatchPhase.LIVE)
        assert await checking is ErrorCode.CHECK_LIVE
        assert await refused(check(show)) is ErrorCode.CHECK_LIVE
        await home_again(show)


async def test_a_kill_ends_the_chirp(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(refused(check(show)))
        await there(show)
        show.session.faders.kill(active=True)
        assert await checking is ErrorCode.CHECK_KILLED
        assert await refused(check(show)) is ErrorCode.CHECK_KILLED
        await home_again(show)


@pytest.mark.parametrize("moment", ["on its way", "there"])
async def test_who_gives_up_waiting_gets_the_bot_back(on_air, moment):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(check(show))
        if moment == "there":
            await there(show)
        else:
            await show.until(lambda: show.state("red").cause is ErrorCode.CHECK_AWAY)
        checking.cancel()
        with suppress(asyncio.CancelledError):
            await checking
        await home_again(show)
        assert outcome(await check(show)) == (6, None)


async def test_a_listener_whom_somebody_throws_out_stays_out(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        began = time.monotonic()
        checking = group.create_task(check(show))
        await show.until(lambda: show._last_heard > began)  # the chirp: nobody talks
        show.faults.kick(show.user("red"))
        assert outcome(await checking)[0] >= 2
        await show.until(lambda: show.state("red").link is LinkState.KICKED)
        assert show.place("red") is None


async def test_a_destination_that_is_taken_to_players_plays_no_chirp_there(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(refused(check(show)))
        await there(show)
        show.faults.move(show.user("casters"), show.home("blue"))
        assert await checking is ErrorCode.CHANNEL_DUPLICATE
        assert await refused(check(show)) is ErrorCode.CHANNEL_DUPLICATE
        await home_again(show)


async def test_the_end_of_the_session_is_the_end_of_the_check(on_air):
    async with on_air(**NOBODY_TALKS) as show, asyncio.TaskGroup() as group:
        checking = group.create_task(refused(check(show)))
        await there(show)
        began = time.monotonic()
        await show.session.stop()
        assert time.monotonic() - began < 5.0
        assert await checking is ErrorCode.NOT_RUNNING
        await show.until(lambda: show.place("red") is None)


async def test_who_can_not_listen_is_not_sent(on_air):
    async with on_air(**NOBODY_TALKS) as show:
        assert await refused(check(show, "casters")) is ErrorCode.CHECK_LISTENER
        assert await refused(check(show, "nobody")) is ErrorCode.TOKEN_MISSING
        assert await refused(check(show, "twin", TOKENS | {"twin": TOKENS["blue"]})) is ErrorCode.TOKEN_DUPLICATE
        assert await refused(check(show, "wrong", TOKENS | {"wrong": Secret("x")})) is ErrorCode.TOKEN_INVALID
        assert await refused(show.session.sound_check("1", "red", TOKENS)) is ErrorCode.CHANNEL_UNKNOWN
        show.faults.kick(show.user("red"))
        await show.until(lambda: show.state("red").link is LinkState.KICKED)
        assert await refused(check(show)) is ErrorCode.CHECK_LISTENER
        assert show.state("blue").link is LinkState.CONNECTED


async def test_a_check_has_an_end(on_air, monkeypatch):
    monkeypatch.setattr(soundcheck, "CHECK_SECONDS", 0.5)
    async with on_air(**NOBODY_TALKS) as show:
        assert await refused(check(show)) is ErrorCode.VOICE_TIMEOUT
        await home_again(show)
