"""Events on their way to one reader, bounded: a slow reader loses moments, never the truth.

Of meters only the newest waits. When too many changes wait they are dropped together and one snapshot takes their
place, made when it is taken out. What was dropped is counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from common.protocol.messages import Changed, Event, Meters, Snapshot

CAPACITY: Final = 64
"""Changes that may wait for one reader."""


class EventQueue:
    """The events of one reader; it begins with a snapshot. Belongs to one event loop."""

    def __init__(self, snapshot: Callable[[], Snapshot], capacity: int = CAPACITY) -> None:
        self.dropped_changes = 0
        self.dropped_meters = 0
        self._snapshot = snapshot
        self._capacity = capacity
        self._changes: deque[Changed | Snapshot] = deque()
        self._meters: Meters | None = None
        self._resync = True
        self._closed = False
        self._news = asyncio.Event()
        self._news.set()

    def put(self, event: Event) -> None:
        """Add an event; never blocks. Nothing is taken after ``close``."""
        if self._closed:
            return
        if isinstance(event, Meters):
            self.dropped_meters += self._meters is not None
            self._meters = event
        elif self._resync:
            pass  # the snapshot that waits will hold it
        elif len(self._changes) < self._capacity:
            self._changes.append(event)
        else:
            self.dropped_changes += len(self._changes) + 1
            self._changes.clear()
            self._resync = True
        self._news.set()

    def close(self) -> None:
        """Let the reader take what waits, and end."""
        self._closed = True
        self._news.set()

    async def get(self) -> Event | None:
        """Wait for the next event; ``None`` after ``close``, once everything was taken."""
        while (event := self._next()) is None and not self._closed:
            self._news.clear()
            await self._news.wait()
        return event

    def _next(self) -> Event | None:
        if self._resync:
            self._resync = False
            return self._snapshot()
        if self._changes:
            return self._changes.popleft()
        meters, self._meters = self._meters, None
        return meters

    def __aiter__(self) -> "EventQueue":
        return self

    async def __anext__(self) -> Event:
        event = await self.get()
        if event is None:
            raise StopAsyncIteration
        return event
