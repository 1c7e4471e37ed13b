import threading

import pytest

from engine.audio.arrivals import GRACE_NS
from engine.audio.clock import CATCH_UP_TICKS, MixClock, gather
from engine.audio.frame import FRAME_NS


class Ticks:
    def __init__(self, count=5, error=None):
        self.ticks, self.skipped, self.error = [], 0, error
        self.done, self.count = threading.Event(), count

    def tick(self, now):
        self.ticks.append(now)
        if len(self.ticks) >= self.count:
            self.done.set()
        if self.error:
            raise self.error

    def steer(self, _now):
        return 0

    def skip(self, ticks):
        self.skipped += ticks

    def awaits(self, _now):
        return False


class Hands:
    """A clock that moves only while somebody sleeps."""

    def __init__(self, now=0):
        self.now = now

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += round(seconds * 1e9)


@pytest.mark.parametrize(
    ("comes", "begins"),
    [(0, 0), (300_000, 300_000), (GRACE_NS - 100_000, GRACE_NS - 100_000), (GRACE_NS + 500_000, GRACE_NS)],
)
def test_a_tick_waits_a_little_for_who_is_expected(comes, begins):
    ticks, hands = Ticks(), Hands()
    ticks.awaits = lambda now: now < comes
    gather(ticks, 0, hands, hands.sleep)
    assert begins <= hands.now < begins + 200_000


def test_a_late_tick_waits_for_nobody():
    ticks, hands = Ticks(), Hands(GRACE_NS)
    ticks.awaits = lambda _now: True
    gather(ticks, 0, hands, hands.sleep)
    assert hands.now == GRACE_NS


def test_ticks_until_stopped():
    ticks = Ticks()
    clock = MixClock(ticks)
    clock.start()
    assert ticks.done.wait(5)
    clock.stop()
    assert clock.lateness.count >= 5
    assert clock.failures == 0


def test_a_failing_tick_does_not_end_the_show():
    ticks = Ticks(error=ValueError("tick"))
    clock = MixClock(ticks)
    clock.start()
    assert ticks.done.wait(5)
    clock.stop()
    assert clock.failures >= 5


def test_a_failing_correction_does_not_end_the_show(monkeypatch):
    ticks = Ticks()
    monkeypatch.setattr(ticks, "steer", lambda _now: 1 // 0)
    monkeypatch.setattr("time.perf_counter_ns", lambda: 0)
    clock = MixClock(ticks)
    assert clock._beat(0) == FRAME_NS
    assert clock.failures == 1


def test_a_long_sleep_is_skipped_not_made_up(monkeypatch):
    ticks = Ticks()
    clock = MixClock(ticks)
    monkeypatch.setattr("time.perf_counter_ns", lambda: 100 * FRAME_NS + 5)
    assert clock._beat(0) == 101 * FRAME_NS
    assert ticks.skipped == 100
    assert ticks.ticks == [100 * FRAME_NS]
    monkeypatch.setattr("time.perf_counter_ns", lambda: (101 + CATCH_UP_TICKS) * FRAME_NS)
    assert clock._beat(101 * FRAME_NS) == 102 * FRAME_NS
    assert ticks.skipped == 100


def test_a_skip_that_fails_does_not_end_the_show(monkeypatch):
    ticks = Ticks()
    monkeypatch.setattr(ticks, "skip", lambda _ticks: 1 // 0)
    clock = MixClock(ticks)
    monkeypatch.setattr("time.perf_counter_ns", lambda: 100 * FRAME_NS)
    assert clock._beat(0) == 101 * FRAME_NS
    assert clock.failures == 1


def test_a_panic_of_a_rust_library_does_not_end_the_show():
    class Panic(BaseException):
        pass

    ticks = Ticks(error=Panic())
    clock = MixClock(ticks)
    clock.start()
    assert ticks.done.wait(5)
    clock.stop()
    assert clock.failures >= 5
