"""One open page: a reader, a writer, and a bounded number of commands in between."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, IntEnum
from typing import Final, Protocol

import aiohttp
from aiohttp import web

from common.errors import ErrorCode, ProtocolError, RelayError
from common.protocol import messages as engine
from common.protocol.event_queue import EventQueue
from common.protocol.faults import faults_of
from common.tasks import Tasks
from tray.panel import codec
from tray.panel.feed import EngineFeed
from tray.panel.messages import Answer, Call, Desk, FromTray, PanelCommand, PanelPayload, Unanswered

IN_FLIGHT: Final = 32
"""Commands of one page whose answers are not sent yet; beyond it we stop reading from that page."""

NOT_FOR_PAGES: Final = frozenset({engine.Shutdown, engine.StartSession, engine.SetToken})
"""Ending engines is the supervisor's business. Sessions start by Start, which knows how everybody sounded; tokens come
by SaveBot, which keeps them."""

log = logging.getLogger(__name__)


class PanelDesk(Protocol):
    """What the tray knows and does, as the panel needs it; used on the panel's own event loop only."""

    def desk(self) -> Desk:
        """Return what the tray knows now."""

    async def carry_out(self, command: PanelCommand) -> PanelPayload | None:
        """Carry out a command of ours; raises RelayError."""

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after every change of :meth:`desk` and whenever there is another engine.

        Returns what ends it.
        """


class Ended(IntEnum):
    """How a page's connection ends, as WebSocket close codes."""

    GONE = 1000
    GOING_AWAY = 1001
    """The program ends."""
    NOT_UNDERSTOOD = 1008
    """The page said something that is no call."""


class _News(Enum):
    """Stands in the outbox for what is made only when it is sent."""

    DESK = "desk"


class Page:
    """Serves one connection. ``commands`` runs what was asked for and outlives the connection: a start goes on."""

    def __init__(self, socket: web.WebSocketResponse, desk: PanelDesk, feed: EngineFeed, commands: Tasks) -> None:
        self._socket = socket
        self._desk = desk
        self._feed = feed
        self._commands = commands
        self._outbox: EventQueue[Answer | Unanswered | _News] = EventQueue(feed.snapshot)
        self._desk_due = False
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def serve(self) -> Ended:
        """Return when the page is gone, says something that is no call, or :meth:`close` was called."""
        self._feed.add(self._outbox)
        tasks = Tasks()
        reader = tasks.start(self._read(), name="page-reader")
        writer = tasks.start(self._write(), name="page-writer")
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()
            self._feed.remove(self._outbox)
            self._outbox.close()
        return Ended.GOING_AWAY if reader.cancelled() or reader.exception() else reader.result()

    def close(self) -> None:
        """Send what waits, then end."""
        self._outbox.close()

    def desk_changed(self) -> None:
        """Send what the tray knows; as often as it changes, one waits at most."""
        if not self._desk_due:
            self._desk_due = True
            self._outbox.put_answer(_News.DESK)

    async def _read(self) -> Ended:
        while (data := await self._receive()) is not None:
            await self._room.acquire()
            try:
                call = codec.decode(data)
            except ProtocolError as error:
                number = codec.call_id(data)
                if number is None:
                    return Ended.NOT_UNDERSTOOD
                self._outbox.put_answer(Unanswered(id=number, faults=faults_of(error)))
                continue
            self._commands.start(self._answer(call), name=f"panel-{type(call.command).__name__}")
        return Ended.GONE

    async def _receive(self) -> bytes | None:
        """Return the next message; ``None`` at the end. Bytes that are not text are no message of ours either."""
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode("utf-8", "surrogatepass")
        return b"" if message.type is aiohttp.WSMsgType.BINARY else None

    async def _write(self) -> None:
        await self._send(self._desk.desk())
        async for message in self._outbox:
            if isinstance(message, _News):
                self._desk_due = False
                await self._send(self._desk.desk())
                continue
            await self._send(message)
            if isinstance(message, Answer | Unanswered):
                self._room.release()

    async def _send(self, message: FromTray) -> None:
        with suppress(ConnectionError):  # the reader ends with the connection
            await self._socket.send_str(codec.encode(message).decode())

    async def _answer(self, call: Call) -> None:
        """Carry out a call; the changes it made are queued before its answer."""
        try:
            payload = await self._carry_out(call.command)
        except RelayError as error:
            answer: Answer | Unanswered = Unanswered(id=call.id, faults=faults_of(error))
        except Exception as error:
            log.exception("command %s failed", type(call.command).__name__)
            fault = engine.Fault(code=ErrorCode.INTERNAL, details={"reason": type(error).__name__})
            answer = Unanswered(id=call.id, faults=(fault,))
        else:
            answer = Answer(id=call.id, payload=payload)
        self._outbox.put_answer(answer)

    async def _carry_out(self, command: engine.Command | PanelCommand) -> PanelPayload | engine.Payload | None:
        if type(command) in NOT_FOR_PAGES:
            raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$.command.type", reason="not for pages")
        if isinstance(command, engine.SubscribeMeters):
            await self._feed.want_meters(self._outbox, wanted=command.active)
            return None
        if isinstance(command, engine.Command):
            return await self._feed.call(command)
        return await self._desk.carry_out(command)
