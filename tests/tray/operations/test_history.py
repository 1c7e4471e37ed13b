import sqlite3

from common.protocol.state import OutageState
from tray.operations import history
from tray.operations.history import HistoryFile

LOST = OutageState("red", "abort", 1_500, None, ("resume",), None)
BACK = OutageState("red", "abort", 1_500, 700, ("resume", "reconnect"), recovered=True)


def test_a_session_is_kept_with_its_outages(tmp_path):
    file = HistoryFile(tmp_path / "deep" / "history.sqlite")
    number = file.begin(1_000, "大会", ("赤", "青"), ("実況",))
    file.see(number, 2_000, (LOST,), restarts=0)
    file.see(number, 3_000, (BACK,), restarts=1)
    (found,) = file.latest()
    assert (found.guild_name, found.sources, found.destinations) == ("大会", ("赤", "青"), ("実況",))
    assert (found.started_ms, found.ended_ms, found.restarts) == (1_000, None, 1)
    assert found.outages == (BACK,)
    file.see(number, 9_000, (BACK,), restarts=1, running=False)
    assert file.latest()[0].ended_ms == 9_000
    file.close()


def test_what_ran_when_the_power_went_ended_when_it_was_last_seen(tmp_path):
    file = HistoryFile(tmp_path / "history.sqlite")
    file.see(file.begin(1_000, "", ("a",), ("b",)), 5_000, (), restarts=0)
    again = HistoryFile(tmp_path / "history.sqlite")  # the first one was never closed
    assert again.latest()[0].ended_ms == 5_000
    again.close()
    file.close()


def test_the_newest_come_first_and_the_oldest_go_with_their_outages(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "MOST_SESSIONS", 3)
    file = HistoryFile(tmp_path / "history.sqlite")
    for started in range(5):
        file.see(file.begin(started, "", (), ()), started, (LOST,), restarts=0)
    assert [session.started_ms for session in file.latest()] == [4, 3, 2]
    file.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as base:
        assert base.execute("SELECT count(*) FROM outage").fetchone() == (3,)
    base.close()
