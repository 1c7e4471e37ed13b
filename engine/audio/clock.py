"""The mix clock: a thread that ticks every 20 ms, or 10.

``time.sleep`` and ``perf_counter`` make ticks 0.25 ms late at the 99th percentile, an asyncio timer 2 ms.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from common.types import Nanoseconds
from engine.audio.arrivals import GRACE_NS
from engine.audio.frame import TICK_MS
from engine.audio.meter import Percentiles, Ring

CATCH_UP_TICKS = 3
"""Ticks late that are made up for one after another; later than that (a machine asleep) they are skipped."""

_POLL_SECONDS = 0.0002

log = logging.getLogger(__name__)


class Ticker(Protocol):
    """What the clock drives."""

    def awaits(self, now: Nanoseconds) -> bool:
        """Tell whether something is expected this very moment that the tick had better wait for."""

    def tick(self, now: Nanoseconds) -> None:
        """Make one frame; ``now`` is when the tick was due.

        A tick that begins late takes no other decisions for it: its packets would look as if they had waited.
        """

    def steer(self, now: Nanoseconds) -> int:
        """Return by how much (ns) the next tick should move."""

    def skip(self, ticks: int) -> None:
        """Let so many ticks pass without sound."""


def gather(ticker: Ticker, due: Nanoseconds, clock: Callable[[], int], sleep: Callable[[float], None]) -> None:
    """Let a tick wait a little, until nobody is expected any more: a moment now and then, not always for the latest.

    ``clock`` returns ns, ``sleep`` takes seconds.
    """
    while (now := clock()) < due + GRACE_NS and ticker.awaits(Nanoseconds(now)):
        sleep(_POLL_SECONDS)


class MixClock:
    """Calls ``ticker.tick`` every ``tick_ms`` in a thread of its own until stopped."""

    def __init__(self, ticker: Ticker, tick_ms: int = TICK_MS) -> None:
        self._ticker = ticker
        self._tick_ns = tick_ms * 1_000_000
        self._lateness = Ring()
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mix-clock", daemon=True)

    @property
    def lateness(self) -> Percentiles:
        """How late ticks began, what they waited for expected packets included."""
        return self._lateness.percentiles()

    @property
    def failures(self) -> int:
        """Ticks that ended in an exception; the clock goes on."""
        return self._failures

    def start(self) -> None:
        """Start ticking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present tick and wait for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        due = time.perf_counter_ns() + self._tick_ns
        while not self._stop.is_set():
            wait = due - time.perf_counter_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            due = self._beat(due)

    def _beat(self, due: int) -> int:
        """Tick once and return when the next tick is due."""
        now = time.perf_counter_ns()
        behind = max(0, now - due)
        missed = behind // self._tick_ns
        if missed <= CATCH_UP_TICKS:
            missed = 0
        due += missed * self._tick_ns
        return due + self._tick_ns + self._tick(Nanoseconds(due), missed)

    def _tick(self, now: Nanoseconds, missed: int) -> int:
        """Make one frame and return by how much the next tick should move; whatever fails, the clock goes on."""
        try:
            if missed:
                self._ticker.skip(missed)
            gather(self._ticker, now, time.perf_counter_ns, time.sleep)
            self._lateness.add(missed * self._tick_ns + max(0, time.perf_counter_ns() - now))
            self._ticker.tick(now)
            return self._ticker.steer(now)
        except BaseException:  # a panic in davey's Rust is no Exception, and no tick ends the show
            self._failures += 1
            if self._failures & (self._failures - 1) == 0:
                log.exception("tick failed (%d so far)", self._failures)
            return 0
