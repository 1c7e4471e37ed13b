import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import OutageState, Phase, SessionState
from tray.operations.history import HistoryFile
from tray.operations.session_log import SEEN_MS, SessionLog

SPEC = SessionSpec(
    guild="1",
    sources=(SourceSpec(channel="2", bot="red", name="Red"),),
    destinations=(DestinationSpec(channel="3", bot="cast"),),
)
LOST = OutageState("red", "abort", 1_500, None, (), None)


class Evening:
    def __init__(self, path):
        self.now = 1_000
        self.log = SessionLog(lambda: HistoryFile(path), lambda: self.now)

    def see(self, phase, now, outages=()):
        self.now = now
        state = SessionState(phase=phase, spec=None if phase is Phase.IDLE else SPEC, outages=outages)
        self.log.follow(state, guild_name="Cup", restarts=2)

    def sessions(self):
        return self.log.latest()


@pytest.fixture
def evening(tmp_path):
    made = Evening(tmp_path / "history.sqlite")
    yield made
    made.log.close()


def test_a_session_begins_when_it_runs_and_ends_when_it_stops(evening):
    for phase, now in ((Phase.IDLE, 0), (Phase.STARTING, 10), (Phase.RUNNING, 20), (Phase.DEGRADED, 30)):
        evening.see(phase, now)
    (session,) = evening.sessions()
    assert (session.started_ms, session.ended_ms, session.sources, session.destinations) == (20, None, ("Red",), ("3",))
    evening.see(Phase.STOPPING, 40)
    assert evening.sessions()[0].ended_ms == 40
    evening.see(Phase.IDLE, 50)
    assert evening.sessions()[0].ended_ms == 40


def test_an_engine_that_is_replaced_is_one_session_still(evening):
    for phase, now in ((Phase.RUNNING, 20), (Phase.STARTING, 30), (Phase.RUNNING, 40)):
        evening.see(phase, now)
    (session,) = evening.sessions()
    assert (session.started_ms, session.ended_ms, session.restarts) == (20, None, 2)


def test_outages_are_noted_at_once_and_time_now_and_then(evening):
    evening.see(Phase.RUNNING, 20)
    evening.see(Phase.RUNNING, 30, (LOST,))
    assert evening.sessions()[0].outages == (LOST,)
    evening.see(Phase.RUNNING, 31 + SEEN_MS, (LOST,))
    assert evening.log._noted_ms == 31 + SEEN_MS


def test_a_history_that_can_t_be_written_costs_nobody_the_show(tmp_path, caplog):
    (tmp_path / "history.sqlite").write_bytes(b"this is no database" * 100)
    evening = Evening(tmp_path / "history.sqlite")
    evening.see(Phase.RUNNING, 20)
    evening.log.close()
    assert "the history could not be written" in caplog.text


def test_a_history_that_can_t_be_read_says_so(tmp_path):
    (tmp_path / "history.sqlite").write_bytes(b"this is no database" * 100)
    evening = Evening(tmp_path / "history.sqlite")
    with pytest.raises(RelayError) as caught:
        evening.sessions()
    assert caught.value.code is ErrorCode.HISTORY_UNREADABLE
    evening.log.close()
