import threading

from engine.audio.clock import CATCH_UP_TICKS, MixClock
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
