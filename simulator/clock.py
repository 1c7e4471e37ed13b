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
