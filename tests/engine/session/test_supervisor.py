"""The supervisor with a line that does what the test says, in jumping time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from common.errors import DiscordError, ErrorCode
from common.protocol.state import LinkState
from common.types import BotKey, ChannelId, GuildId
from engine.gateway.events import OwnVoice
from engine.session.outages import OutageLog
from engine.session.recovery import UPDATE_WAIT, Cause, Trouble
from engine.session.supervisor import Supervisor, VoiceLost
from tests.engine.session.conftest import Play

GUILD, RED, BLUE, ELSEWHERE = GuildId(1), ChannelId(10), ChannelId(20), ChannelId(30)
ABORT = Cause(Trouble.ABORT)


def close(code: int):
    return Cause(Trouble.CLOSE, code)


class FakeLine:
    """Notes every call with the moment; answers with what was put on the list for it, else success."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.times: list[float] = []
        self.answers: dict[str, list[Exception | asyncio.Event]] = {}

    async def join(self, channel: ChannelId | None):
        await self._do("join", channel)

    async def handshake(self, channel: ChannelId | None):
        await self._do("handshake", channel)

    async def resume(self):
        await self._do("resume")

    async def close(self, *, leave: bool):
        await self._do("leave" if leave else "drop")

    async def _do(self, name: str, *what: object) -> None:
        self.calls.append(" ".join([name, *map(str, what)]))
        self.times.append(asyncio.get_running_loop().time())
        answers = self.answers.get(name)
        answer = answers.pop(0) if answers else None
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer is not None:
            raise answer


class Stage:
    """A supervisor that has joined, and what is around it."""

    def __init__(self, *, listens: bool = True) -> None:
        self.line = FakeLine()
        self.outages = OutageLog(self.clock)
        self.supervisor = Supervisor(
            bot=BotKey("red"),
            home=RED,
            listens=listens,
            line=self.line,
            outages=self.outages,
            clock=self.clock,
            random=Random(1),
            on_change=lambda: None,
        )

    def clock(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    async def settle(self, seconds: float = 60.0) -> None:
        await asyncio.sleep(seconds)

    def place(self, channel: ChannelId | None, **flags: bool) -> None:
        self.supervisor.own_voice(OwnVoice(GUILD, channel, **flags))

    @property
    def calls(self) -> list[str]:
        return self.line.calls

    @property
    def outage(self):
        return self.outages.states()[-1]


@asynccontextmanager
async def stage(*, listens: bool = True) -> AsyncIterator[Stage]:
    made = Stage(listens=listens)
    await made.supervisor.start(4)
    made.place(RED)
    await made.settle()
    made.calls.clear()
    made.line.times.clear()
    yield made
    await made.supervisor.close()
    assert {task.get_name() for task in asyncio.all_tasks() if "supervisor" in task.get_name()} == set()


def test_a_broken_line_is_resumed_at_once(play: Play):
    async def scene() -> None:
        async with stage() as it:
            start = asyncio.get_running_loop().time()
            it.supervisor.lost(ABORT)
            await it.settle()
            assert it.calls == ["resume"]
            assert it.line.times == [start]
            assert it.supervisor.link is LinkState.CONNECTED
            assert (it.outage.cause, it.outage.actions, it.outage.recovered) == ("abort", ("resume",), True)

    play(scene())


def test_a_refused_resume_becomes_a_full_reconnect(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.line.answers["resume"] = [VoiceLost(close(4006))]
            it.supervisor.lost(ABORT)
            await it.settle()
            assert it.calls == ["resume", "join 10"]
            assert it.outage.duration_ms < 1000

    play(scene())


@pytest.mark.parametrize("code", [4006, 4009, 1000])
def test_an_invalid_session_backs_off_shortly_and_joins(play: Play, code: int):
    async def scene() -> None:
        async with stage() as it:
            start = asyncio.get_running_loop().time()
            it.supervisor.lost(close(code))
            await it.settle()
            assert it.calls == ["join 10"]
            assert 0.2 <= it.line.times[0] - start <= 0.3
            assert it.outage.cause == f"close_{code}"

    play(scene())


def test_backoff_doubles_until_it_works_and_each_try_is_recorded(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.line.answers["join"] = [TimeoutError()] * 5
            it.supervisor.lost(close(4006))
            await it.settle()
            assert it.calls == ["join 10"] * 6
            gaps = [later - earlier for earlier, later in zip(it.line.times, it.line.times[1:], strict=False)]
            for gap, steady in zip(gaps, [0.25, 0.5, 1, 2, 4], strict=True):
                assert 0.8 * steady <= gap <= 1.2 * steady
            assert it.outage.actions == ("full",) * 6

    play(scene())


def test_a_server_move_is_a_handshake(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.server_updated(available=True)
            await it.settle()
            assert it.calls == ["handshake 10"]
            assert it.outage.cause == "server_update"

    play(scene())


def test_a_server_that_is_gone_is_waited_for(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.server_updated(available=False)
            await it.settle(1.0)
            it.supervisor.server_updated(available=True)
            await it.settle()
            assert it.calls == ["handshake 10"]
            assert it.outage.actions == ("wait_then_full", "handshake_new_server")

    play(scene())


def test_a_move_by_an_admin_is_followed(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.lost(close(4014))
            await it.settle(0.05)
            it.place(BLUE)
            await it.settle(0.05)
            it.supervisor.server_updated(available=True)
            await it.settle()
            assert it.calls == ["handshake 20"]
            assert (it.supervisor.place, it.supervisor.home) == (BLUE, RED)
            assert it.outage.recovered is True

    play(scene())


def test_a_move_whose_server_came_first_needs_no_second_one(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.server_updated(available=True)
            it.place(BLUE)
            await it.settle()
            assert it.calls == ["handshake 20"]
            assert it.outage.duration_ms == 0

    play(scene())


def test_a_move_without_a_server_ends_in_a_full_reconnect_there(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.place(BLUE)
            await it.settle()
            assert it.calls == ["join 20"]
            assert it.outage.duration_ms < 3000

    play(scene())


@pytest.mark.parametrize("socket_first", [True, False])
def test_a_kick_is_respected(play: Play, socket_first: bool):
    async def scene() -> None:
        async with stage() as it:
            if socket_first:
                it.supervisor.lost(close(4014))
                await it.settle(0.5)
            it.place(None)
            await it.settle(0.5)
            if not socket_first:
                it.supervisor.lost(close(4014))
            await it.settle()
            assert it.calls == ["drop"]
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.KICKED, ErrorCode.KICKED)
            assert (it.outage.recovered, it.outage.duration_ms) == (None, None)

    play(scene())


def test_a_kick_in_the_middle_of_a_reconnect_ends_it(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.line.answers["join"] = [TimeoutError(), TimeoutError(), TimeoutError(), TimeoutError()]
            it.supervisor.lost(close(4006))
            await it.settle(1.2)
            it.place(None)
            await it.settle()
            assert it.supervisor.link is LinkState.KICKED
            assert it.calls[-1] == "drop"
            assert len(it.calls) < 5

    play(scene())


def test_one_click_brings_the_bot_back_home(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.place(BLUE)
            it.supervisor.server_updated(available=True)
            await it.settle()
            it.place(None)
            await it.settle()
            it.calls.clear()
            it.supervisor.rejoin()
            await it.settle()
            assert it.calls == ["join 10"]
            assert (it.supervisor.link, it.supervisor.cause, it.supervisor.place) == (LinkState.CONNECTED, None, RED)
            assert it.outage.recovered is True

    play(scene())


def test_our_own_leave_is_no_kick(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.place(None, asked=True)
            await it.settle()
            assert it.calls == []

    play(scene())


@pytest.mark.parametrize("code", [4014, 4022])
def test_an_unexplained_end_waits_for_an_explanation_then_joins(play: Play, code: int):
    async def scene() -> None:
        async with stage() as it:
            start = asyncio.get_running_loop().time()
            it.supervisor.lost(close(code))
            await it.settle()
            assert it.calls == ["join 10"]
            assert UPDATE_WAIT <= it.line.times[0] - start <= UPDATE_WAIT + 0.3

    play(scene())


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4004, ErrorCode.VOICE_REFUSED), (4017, ErrorCode.ENCRYPTION_REQUIRED), (4021, ErrorCode.RATE_LIMITED)],
)
def test_a_final_refusal_stops_this_bot(play: Play, code: int, reason: ErrorCode):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.lost(close(code))
            await it.settle()
            assert it.calls == ["leave"]
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.STOPPED, reason)

    play(scene())


def test_a_revoked_token_stops_for_good(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.stopped(DiscordError(ErrorCode.TOKEN_REVOKED, bot="red"))
            await it.settle()
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.STOPPED, ErrorCode.TOKEN_REVOKED)
            with pytest.raises(DiscordError):
                it.supervisor.rejoin()

    play(scene())


def test_voice_goes_on_without_the_gateway_and_joins_when_it_is_back(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.gateway_lost()
            await it.settle()
            assert it.calls == []
            it.supervisor.lost(close(4006))
            await it.settle()
            assert it.calls == []
            assert it.supervisor.link is LinkState.RECOVERING
            it.supervisor.gateway_back(resumed=True)
            await it.settle()
            assert it.calls == ["join 10"]

    play(scene())


def test_a_resumed_gateway_changes_nothing(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.gateway_lost()
            it.supervisor.gateway_back(resumed=True)
            await it.settle()
            assert it.calls == []
            assert it.outages.states() == ()

    play(scene())


@pytest.mark.parametrize("null_seen", [True, False])
def test_a_new_gateway_session_joins_again_and_takes_the_loss_for_no_kick(play: Play, null_seen: bool):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.gateway_lost()
            it.supervisor.gateway_back(resumed=False)
            if null_seen:
                it.place(None)
            await it.settle()
            it.place(RED)
            assert it.calls == ["join 10"]
            assert it.supervisor.link is LinkState.CONNECTED

    play(scene())


@pytest.mark.parametrize(
    ("listens", "matters", "does_not", "cause"),
    [(True, "deaf", "mute", ErrorCode.SERVER_DEAFENED), (False, "mute", "deaf", ErrorCode.SERVER_MUTED)],
)
def test_what_a_moderator_takes_away_is_told_where_it_matters_and_not_fought(
    play: Play, listens: bool, matters: str, does_not: str, cause: ErrorCode
):
    async def scene() -> None:
        async with stage(listens=listens) as it:
            it.place(RED, **{does_not: True})
            assert it.supervisor.cause is None
            it.place(RED, **{matters: True})
            assert it.supervisor.cause is cause
            await it.settle()
            assert it.calls == []
            it.place(RED)
            assert it.supervisor.cause is None

    play(scene())


def test_a_move_is_seen_before_it_is_followed(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.place(BLUE)
            assert (it.supervisor.seen_in, it.supervisor.place) == (BLUE, RED)
            await it.settle()
            assert (it.supervisor.seen_in, it.supervisor.place) == (BLUE, BLUE)

    play(scene())


def test_an_unforeseen_exception_does_not_end_the_watching(play: Play, caplog: pytest.LogCaptureFixture):
    async def scene() -> None:
        async with stage() as it:
            it.line.answers["resume"] = [RuntimeError("surprise")]
            it.supervisor.lost(ABORT)
            await it.settle()
            assert it.calls == ["resume", "join 10"]
            assert it.supervisor.link is LinkState.CONNECTED
            assert "surprise" in caplog.text

    play(scene())


def test_a_line_that_breaks_again_at_once_does_not_hammer(play: Play):
    async def scene() -> None:
        async with stage() as it:
            for _ in range(40):
                it.supervisor.lost(close(4006))
                await it.settle(0.3)
            assert len(it.calls) < 20

    play(scene())


def test_a_resume_that_breaks_again_at_once_does_not_hammer_either(play: Play):
    async def scene() -> None:
        async with stage() as it:
            for _ in range(400):
                it.supervisor.lost(ABORT)
                await it.settle(0.02)
            assert it.calls[:2] == ["resume", "resume"]
            assert len(it.calls) < 40

    play(scene())


def test_a_fault_soon_after_another_still_recovers_within_three_seconds(play: Play):
    async def scene() -> None:
        async with stage() as it:
            for cause in [close(4006), close(4014), ABORT, close(4022), close(4009), close(4014)] * 3:
                it.supervisor.lost(cause)
                await it.settle(3.0)
                assert it.supervisor.link is LinkState.CONNECTED
            assert all(outage.duration_ms < 3000 for outage in it.outages.states())

    play(scene())


def test_a_start_without_an_answer_is_a_time_out_and_a_refusal_is_named(play: Play):
    async def scene() -> None:
        for answer, code in [
            (asyncio.Event(), ErrorCode.VOICE_TIMEOUT),
            (VoiceLost(close(4017)), ErrorCode.ENCRYPTION_REQUIRED),
            (VoiceLost(ABORT), ErrorCode.VOICE_REFUSED),
        ]:
            it = Stage()
            it.line.answers["join"] = [answer]
            with pytest.raises(DiscordError) as failed:
                await it.supervisor.start(4)
            assert failed.value.code is code
            assert failed.value.details["channel"] == "10"
            await it.supervisor.close()

    play(scene())


def test_another_login_brings_a_stopped_bot_back(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.stopped(DiscordError(ErrorCode.TOKEN_REVOKED, bot="red"))
            await it.settle()
            assert it.supervisor.is_over
            it.calls.clear()
            it.supervisor.revive()
            await it.settle()
            assert it.calls == ["join 10"]
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.CONNECTED, None)
            assert not it.supervisor.is_over
            assert [outage.recovered for outage in it.outages.states()] == [True]

    play(scene())


def test_a_lent_bot_says_so_hears_no_trouble_and_comes_back(play: Play):
    async def scene() -> None:
        async with stage() as it:
            await it.supervisor.lend(BLUE)
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.CONNECTING, ErrorCode.CHECK_AWAY)
            it.place(None, asked=True)
            it.place(BLUE)
            it.supervisor.server_updated(available=True)
            it.supervisor.lost(ABORT)
            await it.settle()
            assert it.calls == ["leave"]
            assert (it.supervisor.place, it.supervisor.seen_in) == (RED, RED)
            it.place(None, asked=True)
            it.supervisor.take_back()
            await it.settle()
            assert it.calls == ["leave", "join 10"]
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.CONNECTED, None)
            assert (it.outage.cause, it.outage.actions, it.outage.recovered) == ("sound_check", ("full",), True)
            it.supervisor.take_back()
            await it.settle()
            assert it.calls == ["leave", "join 10"]

    play(scene())


def test_late_news_of_a_sound_check_does_not_lead_a_bot_there(play: Play):
    async def scene() -> None:
        async with stage() as it:
            await it.supervisor.lend(BLUE)
            it.supervisor.take_back()
            it.place(BLUE)
            it.place(None, asked=True)
            await it.settle()
            it.place(RED)
            assert it.calls == ["leave", "join 10"]
            assert it.supervisor.place == RED
            it.place(BLUE)  # an administrator, this time
            it.supervisor.server_updated(available=True)
            await it.settle()
            assert it.supervisor.place == BLUE

    play(scene())


def test_who_is_thrown_out_while_lent_stays_out(play: Play):
    async def scene() -> None:
        async with stage() as it:
            await it.supervisor.lend(BLUE)
            it.place(None, asked=True)
            it.place(BLUE)
            it.place(None)
            it.supervisor.take_back()
            await it.settle()
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.KICKED, ErrorCode.KICKED)
            it.supervisor.rejoin()
            await it.settle()
            assert it.supervisor.link is LinkState.CONNECTED

    play(scene())


def test_what_is_in_trouble_is_not_lent(play: Play):
    async def scene() -> None:
        async with stage() as it:
            it.supervisor.lost(ABORT)
            with pytest.raises(DiscordError) as refused:
                await it.supervisor.lend(BLUE)
            assert refused.value.code is ErrorCode.CHECK_LISTENER
            await it.settle()
            assert it.supervisor.link is LinkState.CONNECTED

    play(scene())


def test_a_token_revoked_while_lent_stops_for_good(play: Play):
    async def scene() -> None:
        async with stage() as it:
            await it.supervisor.lend(BLUE)
            it.supervisor.stopped(DiscordError(ErrorCode.TOKEN_REVOKED, bot="red"))
            await it.settle()
            it.supervisor.take_back()
            await it.settle()
            assert (it.supervisor.link, it.supervisor.cause) == (LinkState.STOPPED, ErrorCode.TOKEN_REVOKED)
            it.supervisor.revive()
            await it.settle()
            assert it.supervisor.link is LinkState.CONNECTED

    play(scene())
