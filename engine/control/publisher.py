"""One state, many views: whoever listens gets a snapshot, then every change with its revision; meters if asked for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from common.protocol import changes
from common.protocol.event_queue import EventQueue
from common.protocol.messages import Meters, Snapshot
from common.protocol.state import SessionState
from common.tasks import Tasks

METERS_HZ: Final = 25.0
"""Meters a second for those who subscribed; faster than the eye reads a level, slower than a tick."""

log = logging.getLogger(__name__)


class Publisher:
    """Publishes what ``read`` returns. :meth:`changed` may be called often: one turn of the loop makes one change."""

    def __init__(self, read: Callable[[], SessionState]) -> None:
        self._read = read
        self._latest = Snapshot(revision=0, state=SessionState())
        self._queues: set[EventQueue[Any]] = set()
        self._due: asyncio.Handle | None = None

    def snapshot(self) -> Snapshot:
        """Return the state as last published."""
        return self._latest

    def add(self, queue: EventQueue[Any]) -> None:
        """Publish into ``queue`` from now on; it must take its snapshots from :meth:`snapshot`."""
        self._queues.add(queue)

    def remove(self, queue: EventQueue[Any]) -> None:
        """Publish no more into ``queue``."""
        self._queues.discard(queue)

    def changed(self) -> None:
        """Publish in this turn of the loop what is different then; call it on the loop."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Publish what is different now, if anything is."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        state = self._read()
        change = changes.difference(self._latest.state, state, self._latest.revision + 1)
        if change is None:
            return
        self._latest = Snapshot(revision=change.revision, state=state)
        for queue in self._queues:
            queue.put(change)


class MeterStream:
    """Reads meters ``hz`` times a second as long as somebody listens; while nobody does there is no task at all.

    ``read`` returns ``None`` while there is nothing to measure. A reading that fails is left out and counted in
    ``failures``; the next one comes all the same.
    """

    def __init__(
        self,
        read: Callable[[], Meters | None],
        *,
        hz: float = METERS_HZ,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.failures = 0
        self._read = read
        self._interval = 1.0 / hz
        self._sleep = sleep
        self._queues: set[EventQueue[Any]] = set()
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether anything is being measured."""
        return self._task is not None

    def add(self, queue: EventQueue[Any]) -> None:
        """Send meters into ``queue``."""
        self._queues.add(queue)
        if self._task is None:
            self._task = self._tasks.start(self._run(), name="meters")

    def remove(self, queue: EventQueue[Any]) -> None:
        """Send none any more; the last one to leave ends the task."""
        self._queues.discard(queue)
        if not self._queues and self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """End the task whoever listens."""
        self._queues.clear()
        self._task = None
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            meters = self._measured()
            if meters is not None:
                for queue in self._queues:
                    queue.put(meters)
            await self._sleep(self._interval)

    def _measured(self) -> Meters | None:
        try:
            return self._read()
        except Exception:
            self.failures += 1
            if self.failures & (self.failures - 1) == 0:
                log.exception("meters could not be read (%d so far)", self.failures)
            return None
