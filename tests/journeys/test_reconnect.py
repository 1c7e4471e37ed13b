"""Each row of the reconnect table on the simulator: what is recorded, and how long nothing is heard."""

import pytest

from common.errors import ErrorCode
from common.protocol.state import LinkState, Phase
from simulator.rooms import RoomSettings
from simulator.voice_gateway import VoiceSettings

RECOVERED_SECONDS = 3.0
UNDISTURBED_SECONDS = 0.3
BOTS = ("red", "casters")
SHORT_HEARTBEAT = VoiceSettings(heartbeat_ms=300)


async def abort(show, bot):
    await show.faults.abort_voice(show.user(bot))


def close(code):
    async def closed(show, bot):
        await show.faults.close_voice(show.user(bot), code)

    return closed


async def freeze(show, bot):
    show.faults.freeze_voice(show.user(bot))


async def forget_and_abort(show, bot):
    """Cut the websocket of a session that the server no longer knows when it is to be resumed."""
    await abort(show, bot)
    for server in show.discord.real_voice_servers:
        server._drop(show.user(bot))


async def move_server(show, bot):
    await show.faults.move_voice_server(show.home(bot))


async def lose_server(show, bot):
    await show.faults.move_voice_server(show.home(bot), outage=True)


async def move(show, bot):
    show.faults.move(show.user(bot), show.second_room(bot))


ROWS = {
    "1006": (abort, {"abort"}, {("resume",)}),
    "1001": (close(1001), {"close_1001"}, {("resume",)}),
    "heartbeat": (freeze, {"heartbeat"}, {("resume",)}),
    "resume refused": (forget_and_abort, {"abort"}, {("resume", "full")}),
    "4015": (close(4015), {"close_4015"}, {("resume",)}),
    "4006": (close(4006), {"close_4006"}, {("full",)}),
    "4009": (close(4009), {"close_4009"}, {("full",)}),
    "1000": (close(1000), {"close_1000"}, {("full",)}),
    "server move": (move_server, {"server_update", "close_4014"}, {("handshake_new_server",)}),
    "server outage": (
        lose_server,
        {"server_gone", "close_4014", "server_update"},
        {("handshake_new_server",), ("wait_then_full", "handshake_new_server")},
    ),
    "moved": (move, {"moved", "close_4014"}, {("follow",), ("wait_then_full", "follow")}),
    "4014": (close(4014), {"close_4014"}, {("wait_then_full", "full")}),
    "4022": (close(4022), {"close_4022"}, {("wait_then_full", "full")}),
}


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("row", ROWS)
async def test_voice_comes_back(on_air, row, bot):
    fault, causes, ways = ROWS[row]
    async with on_air(voice=SHORT_HEARTBEAT) as show:
        since = show.mark()
        await fault(show, bot)
        outage = await show.outage(bot, since)
        await show.until_heard()
        assert outage.cause in causes
        assert outage.actions in ways
        assert outage.recovered
        assert len(show.outages(bot, since)) == 1
        assert show.gap <= RECOVERED_SECONDS
        if bot == "red":
            assert show.silent("blue") <= UNDISTURBED_SECONDS
        show.check_nothing_doubled()
        show.check_time_went_on()
        if row == "moved":
            assert show.place(bot) == show.second_room(bot)


@pytest.mark.parametrize("bot", BOTS)
async def test_who_was_kicked_stays_out_until_somebody_asks(on_air, bot):
    async with on_air() as show:
        since = show.mark()
        show.faults.kick(show.user(bot))
        await show.until(lambda: show.state(bot).link is LinkState.KICKED)
        assert show.state(bot).cause is ErrorCode.KICKED
        assert show.session.state().phase is Phase.DEGRADED
        assert show.outages(bot, since)[0].actions == ("stay_out",)
        if bot == "red":
            await show.until_heard(["blue"], steady=1.0)
            assert show.silent("blue") <= UNDISTURBED_SECONDS
        assert show.place(bot) is None
        show.mark()
        show.session.rejoin(bot)
        await show.until_heard()
        assert show.gap <= RECOVERED_SECONDS
        assert show.session.state().phase is Phase.RUNNING
        show.check_nothing_doubled()
        show.check_time_went_on()


def abort_gateway(show, bot):
    show.faults.abort_gateway(show.user(bot))


def ask_reconnect(show, bot):
    show.faults.ask_reconnect(show.user(bot))


def invalidate(show, bot):
    show.faults.invalidate_session(show.user(bot), resumable=True)


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("fault", [abort_gateway, ask_reconnect, invalidate])
async def test_voice_goes_on_without_the_main_gateway(on_air, fault, bot):
    async with on_air() as show:
        since, resumed = show.mark(), show.discord.gateway.resumed
        fault(show, bot)
        await show.until(lambda: show.discord.gateway.resumed > resumed)
        await show.until_heard()
        assert show.gap == 0.0
        assert show.outages(bot, since) == []
        show.check_nothing_doubled()
        show.check_time_went_on()


@pytest.mark.parametrize("bot", BOTS)
async def test_a_new_session_of_the_main_gateway_joins_anew(on_air, bot):
    async with on_air() as show:
        since = show.mark()
        show.faults.invalidate_session(show.user(bot))
        outage = await show.outage(bot, since)
        await show.until_heard()
        assert (outage.cause, outage.actions, outage.recovered) == ("gateway_session", ("full",), True)
        assert show.gap <= RECOVERED_SECONDS
        show.check_nothing_doubled()
        show.check_time_went_on()


@pytest.mark.parametrize("bot", BOTS)
async def test_a_broken_commit_is_answered_with_a_new_key_package(on_air, bot, monkeypatch):
    async with on_air() as show:
        call = show.room(show.home(bot)).dave
        complaints = []
        complain = call.invalid_commit
        monkeypatch.setattr(call, "invalid_commit", lambda user: (complaints.append(user), complain(user)))
        since, guest = show.mark(), show.cast.people["guest"].id
        show.faults.spoil_commit(show.home(bot), show.user(bot))
        show.discord.world.join(show.cast.guild.id, guest, show.home(bot))
        await show.until(lambda: complaints and {guest, show.user(bot)} <= call.members and not call._transitions)
        await show.until_heard(steady=0.5)
        assert complaints == [show.user(bot)]
        assert show.gap <= RECOVERED_SECONDS
        if bot == "red":
            assert show.silent("blue") <= UNDISTURBED_SECONDS
        assert show.outages(bot, since) == []
        show.check_nothing_doubled()
        show.check_time_went_on()


@pytest.mark.parametrize("bot", BOTS)
async def test_encryption_is_turned_off_and_on(on_air, bot):
    async with on_air() as show:
        since = show.mark()
        assert show.state(bot).encryption == 1
        for version, fault in ((0, show.faults.downgrade_dave), (1, show.faults.upgrade_dave)):
            fault(show.home(bot))
            await show.until(lambda version=version: show.state(bot).encryption == version)
            await show.until_heard(steady=1.0)
        assert show.gap <= RECOVERED_SECONDS
        assert show.outages(bot, since) == []
        show.check_nothing_doubled()
        show.check_time_went_on()


async def test_a_bot_that_begins_alone_without_encryption_is_upgraded(on_air):
    async with on_air(talkers={"en_2": "Blue"}, heard=["blue"], rooms=RoomSettings(lone_plain=True)) as show:
        assert show.state("red").encryption == 0
        show.discord.world.join(show.cast.guild.id, show.cast.people["guest"].id, show.home("red"))
        await show.until_heard(seconds=RECOVERED_SECONDS)
        await show.until(lambda: show.state("red").encryption == 1)
        since = show.mark()
        await show.until_heard(steady=0.5)
        assert show.gap == 0.0
        assert show.outages("red", since) == []
        assert [show.state(bot).encryption for bot in ("red", "blue", "casters")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (4004, ErrorCode.VOICE_REFUSED),
        (4011, ErrorCode.VOICE_REFUSED),
        (4012, ErrorCode.VOICE_REFUSED),
        (4016, ErrorCode.VOICE_REFUSED),
        (4017, ErrorCode.ENCRYPTION_REQUIRED),
        (4021, ErrorCode.RATE_LIMITED),
    ],
)
async def test_a_final_refusal_stops_one_bot_and_no_other(on_air, code, cause):
    async with on_air() as show:
        since = show.mark()
        await show.faults.close_voice(show.user("red"), code)
        await show.until(lambda: show.place("red") is None)
        assert (show.state("red").link, show.state("red").cause) == (LinkState.STOPPED, cause)
        assert show.outages("red", since)[0].cause == f"close_{code}"
        assert show.outages("red", since)[0].actions == ("stop",)
        await show.until_heard(["blue"], steady=1.0)
        assert show.silent("blue") <= UNDISTURBED_SECONDS
        assert show.place("red") is None
        show.check_time_went_on()
