"""When a dead engine is started again, and when not."""

from hypothesis import given
from hypothesis import strategies as st

from tray.restart_policy import (
    CRASHES,
    LONGEST_DELAY,
    RESTORE_TRIES,
    WINDOW_SECONDS,
    GiveUp,
    History,
    Restart,
    crashed,
    restore_delay,
)


def decisions(times):
    history, made = History(), []
    for time in times:
        history, decision = crashed(history, time)
        made.append(decision)
    return made


def test_the_first_restarts_are_quick_and_each_waits_longer():
    assert decisions([0, 1, 2, 3]) == [Restart(0.25), Restart(0.5), Restart(1.0), Restart(2.0)]


def test_five_crashes_within_a_minute_are_a_loop():
    assert decisions([0, 10, 20, 30, 40])[-1] == GiveUp(crashes=5)
    assert decisions([0, 10, 20, 30, 60])[-1] == Restart(2.0)


def test_a_crash_a_quarter_of_an_hour_never_gives_up():
    assert set(decisions(range(0, 90_000, 900))) == {Restart(0.25)}


@given(st.lists(st.floats(0, 1e5), max_size=60).map(sorted))
def test_it_gives_up_exactly_when_the_window_is_full(times):
    for index, decision in enumerate(decisions(times)):
        recent = sum(times[index] - time < WINDOW_SECONDS for time in times[: index + 1])
        assert isinstance(decision, GiveUp) == (recent >= CRASHES)
        if isinstance(decision, Restart):
            assert 0 < decision.delay <= LONGEST_DELAY


def test_a_session_is_tried_again_for_a_bounded_time():
    delays = [restore_delay(failures) for failures in range(1, RESTORE_TRIES + 1)]
    assert delays[-1] is None
    assert sorted(delays[:-1]) == delays[:-1]
    assert 30 < sum(delays[:-1]) < 60
