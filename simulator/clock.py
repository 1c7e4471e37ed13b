"""The clock that limits, time-outs and time lines are read from, so that a test can turn it by hand."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only go forward, from an arbitrary zero."""

    def now(self) -> float:
        """Read it."""

    async def sleep_until(self, moment: float) -> None:
        """Come back at ``moment`` or soon after; at once if it has passed."""


class RealClock:
    """The computer's monotonic clock."""

    def now(self) -> float:
        """Read it."""
        return time.monotonic()

    async def sleep_until(self, moment: float) -> None:
        """Come back at ``moment`` or soon after; at once if it has passed."""
        await asyncio.sleep(max(0.0, moment - self.now()))


class HandClock:
    """A clock for tests that stands still until it is turned."""

    def __init__(self) -> None:
        self._time = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Read it."""
        return self._time

    async def sleep_until(self, moment: float) -> None:
        """Come back when the clock has been turned to ``moment``."""
        if moment > self._time:
            future = asyncio.get_running_loop().create_future()
            self._sleepers.append((moment, future))
            await future

    def turn(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._time += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._time]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._time]
        for _, future in due:
            if not future.done():
                future.set_result(None)
