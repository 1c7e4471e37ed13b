"""Messages on their way to one reader, bounded: a slow reader loses moments, never the truth.

Of meters only the newest waits. When too many changes wait they are dropped together and one snapshot takes their
place, made when it is taken out. What was dropped is counted. Answers keep their place behind the changes that they
brought about and are never dropped; who puts them bounds them.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from common.protocol.messages import Changed, Meters, Snapshot

CAPACITY: Final = 64
"""Changes that may wait for one reader."""

Answer = TypeVar("Answer")


class EventQueue(Generic[Answer]):
    """What waits for one reader; it begins with a snapshot. Belongs to one event loop.

    While there is nothing to take one of, ``snapshot`` returns ``None``; changes are left out until there is.
    """

    def __init__(self, snapshot: Callable[[], Snapshot | None], capacity: int = CAPACITY) -> None:
        self.dropped_changes = 0
        self.dropped_meters = 0
        self._snapshot = snapshot
        self._capacity = capacity
        self._changes = 0
        self._waiting: deque[Changed | Answer] = deque()
        self._meters: Meters | None = None
        self._resync = True
        self._closed = False
        self._news = asyncio.Event()

    def put(self, event: Changed | Snapshot | Meters) -> None:
        """Add an event; never blocks. Nothing is taken after ``close``."""
        if self._closed:
            return
        if isinstance(event, Meters):
            self.dropped_meters += self._meters is not None
            self._meters = event
        elif not self._resync:
            self._put_change(event)
        self._news.set()

    def put_answer(self, answer: Answer) -> None:
        """Add an answer; never blocks."""
        if not self._closed:
            self._waiting.append(answer)
            self._news.set()

    def close(self) -> None:
        """Let the reader take what waits, and end."""
        self._closed = True
        self._news.set()

    async def get(self) -> Changed | Snapshot | Meters | Answer | None:
        """Wait for the next message; ``None`` after ``close``, once everything was taken."""
        while (message := self._next()) is None and not self._closed:
            self._news.clear()
            await self._news.wait()
        return message

    def _put_change(self, event: Changed | Snapshot) -> None:
        if isinstance(event, Changed) and self._changes < self._capacity:
            self._waiting.append(event)
            self._changes += 1
            return
        self.dropped_changes += self._changes + isinstance(event, Changed)
        self._waiting = deque(message for message in self._waiting if not isinstance(message, Changed))
        self._changes = 0
        self._resync = True

    def _next(self) -> Changed | Snapshot | Meters | Answer | None:
        if self._resync and (snapshot := self._snapshot()) is not None:
            self._resync = False
            return snapshot
        if self._waiting:
            message = self._waiting.popleft()
            self._changes -= isinstance(message, Changed)
            return message
        meters, self._meters = self._meters, None
        return meters

    def __aiter__(self) -> "EventQueue[Answer]":
        return self

    async def __anext__(self) -> Changed | Snapshot | Meters | Answer:
        message = await self.get()
        if message is None:
            raise StopAsyncIteration
        return message
