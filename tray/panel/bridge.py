"""Pages on one side, the tray and whichever engine runs on the other."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp import web

from common.protocol.client import ControlClient
from common.protocol.codec import MAX_BYTES
from common.tasks import Tasks
from tray.panel.feed import EngineFeed
from tray.panel.page import Page, PanelDesk

MOST_PAGES: Final = 8
"""Pages at once; more is a fault of theirs."""

HEARTBEAT_SECONDS: Final = 15.0
"""How often a page is asked whether it is still there; browsers answer by themselves."""

CLOSE_SECONDS: Final = 1.0
"""Time for a page to answer a close."""


class Bridge:
    """Serves pages between :meth:`start` and :meth:`close`.

    ``engine`` returns the connection to the engine that runs now, and raises why there is none
    (``EngineSupervisor.client``). Belongs to one event loop.
    """

    def __init__(self, desk: PanelDesk, engine: Callable[[], ControlClient]) -> None:
        self._desk = desk
        self._feed = EngineFeed(engine)
        self._pages: set[Page] = set()
        self._commands = Tasks()
        self._empty = asyncio.Event()
        self._empty.set()
        self._leave: Callable[[], None] = lambda: None

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._pages)

    def start(self) -> None:
        """Begin to follow the tray and the engine."""
        self._leave = self._desk.listen(self._changed)
        self._feed.start()

    async def close(self) -> None:
        """Let every page have what waits for it, end the commands that still run."""
        self._leave()
        for page in self._pages:
            page.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._empty.wait()
        await self._commands.close()
        await self._feed.close()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one page until it is gone; whoever calls has made sure that it is ours."""
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, timeout=CLOSE_SECONDS, max_msg_size=MAX_BYTES, compress=False
        )
        await socket.prepare(request)
        if len(self._pages) >= MOST_PAGES:
            await socket.close(code=aiohttp.WSCloseCode.TRY_AGAIN_LATER, message=b"too many pages")
            return socket
        page = Page(socket, self._desk, self._feed, self._commands)
        self._pages.add(page)
        self._empty.clear()
        try:
            ended = await page.serve()
            await socket.close(code=ended)
        finally:
            self._pages.discard(page)
            if not self._pages:
                self._empty.set()
        return socket

    def _changed(self) -> None:
        self._feed.look()
        for page in self._pages:
            page.desk_changed()
