"""Whichever engine runs, as the pages see it: its state and changes to all, its meters to those who want them.

Pages outlive engines. When one is lost they keep what they have; the next one begins with its snapshot.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from common.errors import RelayError
from common.protocol.changes import applied
from common.protocol.client import ControlClient
from common.protocol.event_queue import EventQueue
from common.protocol.messages import Changed, Command, Meters, Payload, Snapshot, SubscribeMeters
from common.tasks import Tasks

Outbox = EventQueue[Any]
"""What waits for one page; whatever it carries besides events."""


class EngineFeed:
    """Follows the engine that ``engine`` returns (it raises while there is none) and spreads what it tells.

    It is the only one who subscribes to meters on that connection. Belongs to one event loop.
    """

    def __init__(self, engine: Callable[[], ControlClient]) -> None:
        self._engine = engine
        self._client: ControlClient | None = None
        self._latest: Snapshot | None = None
        self._outboxes: set[Outbox] = set()
        self._metered: set[Outbox] = set()
        self._subscribed = False
        self._subscribing = asyncio.Lock()
        self._news = asyncio.Event()
        self._tasks = Tasks()

    def start(self) -> None:
        """Begin to follow."""
        self._tasks.start(self._run(), name="panel-feed")

    async def close(self) -> None:
        """Follow no more."""
        await self._tasks.close()

    def look(self) -> None:
        """Look whether there is another engine; call it whenever there may be one."""
        self._news.set()

    def snapshot(self) -> Snapshot | None:
        """Return the running engine's state; ``None`` while there is none."""
        return self._latest

    def add(self, outbox: Outbox) -> None:
        """Tell ``outbox`` everything from now on; it must take its snapshots from :meth:`snapshot`."""
        self._outboxes.add(outbox)

    def remove(self, outbox: Outbox) -> None:
        """Tell ``outbox`` nothing any more; the last one that wanted meters ends them."""
        self._outboxes.discard(outbox)
        if outbox in self._metered:
            self._metered.discard(outbox)
            self._tasks.start(self._settle_quietly(), name="panel-meters")

    async def call(self, command: Command) -> Payload | None:
        """Have the engine carry out a command; raises what it answers, or why there is no engine."""
        return await self._engine().call(command)

    async def want_meters(self, outbox: Outbox, *, wanted: bool) -> None:
        """Send meters to ``outbox``, or none any more; also of engines to come.

        Raises what the engine answers; while there is no engine there is nothing to raise.
        """
        (self._metered.add if wanted else self._metered.discard)(outbox)
        await self._settle()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            client = self._alive()
            if client is None:
                await self._news.wait()
            else:
                await self._follow(client)

    def _alive(self) -> ControlClient | None:
        with suppress(RelayError):
            client = self._engine()
            return None if client.lost.is_set() else client
        return None

    async def _follow(self, client: ControlClient) -> None:
        """Spread what one engine tells until it is lost."""
        self._client, self._subscribed = client, False
        try:
            with client.events() as events:
                self._tasks.start(self._settle_quietly(), name="panel-meters")
                async for event in events:
                    self._take(event)
        finally:
            self._client, self._latest = None, None

    def _take(self, event: Snapshot | Changed | Meters) -> None:
        if isinstance(event, Snapshot):
            self._latest = event
        elif isinstance(event, Changed) and self._latest is not None:
            self._latest = Snapshot(revision=event.revision, state=applied(self._latest.state, event))
        for outbox in self._metered if isinstance(event, Meters) else self._outboxes:
            outbox.put(event)

    async def _settle_quietly(self) -> None:
        """Settle where nobody waits for it; an engine that does not obey is about to be replaced."""
        with suppress(RelayError):
            await self._settle()

    async def _settle(self) -> None:
        """Make the engine send meters if anybody wants them, and only then."""
        async with self._subscribing:
            client, wanted = self._client, bool(self._metered)
            if client is None or wanted == self._subscribed:
                return
            await client.call(SubscribeMeters(active=wanted))
            if client is self._client:
                self._subscribed = wanted
