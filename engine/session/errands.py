"""What somebody asked of a running session and waits for while it takes seconds; it ends when the session does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from common.errors import RelayError

END_SECONDS: Final = 2.0
"""Time that errands get to clean up when the session ends; the rest of their cleaning goes on behind its back."""


class Errands:
    """The errands of one session, each in the task of whoever asked for it."""

    def __init__(self) -> None:
        self._reasons: dict[asyncio.Task[object], RelayError | None] = {}
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._ended: RelayError | None = None

    @asynccontextmanager
    async def errand(self) -> AsyncIterator[None]:
        """Count what is done inside as an errand; raises the reason with which it is ended from outside."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an errand is somebody's task")
        if self._ended is not None:
            raise self._ended
        self._reasons[task] = None
        self._none_left.clear()
        try:
            yield
            if self._reasons[task] is not None:
                await asyncio.sleep(0)  # ended at the very last moment: the cancellation comes here
        except asyncio.CancelledError:
            reason = self._reasons[task]
            if reason is None or task.uncancel():
                raise
            raise reason from None
        finally:
            del self._reasons[task]
            if not self._reasons:
                self._none_left.set()

    def end(self, reason: RelayError) -> None:
        """Cancel all errands that go on; whoever waits for one gets ``reason``."""
        for task, known in self._reasons.items():
            if known is None:
                self._reasons[task] = reason
                task.cancel()

    async def close(self, reason: RelayError) -> None:
        """End all errands, let none begin any more, and wait for their cleaning for up to ``END_SECONDS``."""
        self._ended = reason
        self.end(reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._none_left.wait()
