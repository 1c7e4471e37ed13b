"""One control client after its handshake: a reader, a writer, and a bounded number of commands in between."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import msgspec

from common.errors import ErrorCode, ProtocolError, RelayError
from common.protocol import codec
from common.protocol.event_queue import EventQueue
from common.protocol.faults import faults_of
from common.protocol.messages import Failure, Fault, Refused, Reply, Request
from common.protocol.transport import Connection
from common.tasks import Tasks
from engine.control.handlers import HANDLERS, Caller, Desk

IN_FLIGHT: Final = 32
"""Commands of one client whose answers are not sent yet; beyond it we stop reading from that client."""

log = logging.getLogger(__name__)


class _AnyRequest(msgspec.Struct):
    """What a request has even when its command is not understood."""

    id: int


_ANY_REQUEST: msgspec.json.Decoder[_AnyRequest] = msgspec.json.Decoder(_AnyRequest)


class Peer:
    """Serves one connection. ``commands`` runs what was asked for and outlives the connection: a start goes on."""

    def __init__(self, connection: Connection, desk: Desk, commands: Tasks) -> None:
        self._connection = connection
        self._desk = desk
        self._commands = commands
        self._queue: EventQueue[Reply | Failure] = EventQueue(desk.publisher.snapshot)
        self._caller = Caller(self._queue)
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def serve(self) -> None:
        """Return when the client is gone, says something that is no request, or :meth:`close` was called."""
        self._desk.publisher.flush()
        self._desk.publisher.add(self._queue)
        tasks = Tasks()
        try:
            works = [tasks.start(self._read(), name="peer-reader"), tasks.start(self._write(), name="peer-writer")]
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()
            self._desk.publisher.remove(self._queue)
            self._desk.meters.remove(self._queue)
            self._queue.close()

    def close(self) -> None:
        """Send what waits, then end."""
        self._queue.close()

    async def _read(self) -> None:
        while (data := await self._connection.receive()) is not None:
            await self._room.acquire()
            try:
                request = codec.decode_client(data)
            except ProtocolError as error:
                if not self._blame(data, error):
                    await self._hang_up(error)
                    return
                continue
            if not isinstance(request, Request):
                await self._hang_up(ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$.type", reason="said twice"))
                return
            self._commands.start(self._carry_out(request), name=f"command-{type(request.command).__name__}")

    async def _write(self) -> None:
        async for message in self._queue:
            with suppress(ConnectionError):  # the reader ends with the connection
                await self._connection.send(codec.encode(message))
            if isinstance(message, Reply | Failure):
                self._room.release()

    async def _carry_out(self, request: Request) -> None:
        """Run the command; the changes it made are queued before its answer."""
        try:
            payload = await HANDLERS[type(request.command)](self._desk, self._caller, request.command)
        except RelayError as error:
            answer: Reply | Failure = Failure(id=request.id, faults=faults_of(error))
        except Exception as error:
            log.exception("command %s failed", type(request.command).__name__)
            fault = Fault(code=ErrorCode.INTERNAL, details={"reason": type(error).__name__})
            answer = Failure(id=request.id, faults=(fault,))
        else:
            answer = Reply(id=request.id, payload=payload)
        self._desk.publisher.flush()
        self._queue.put_answer(answer)

    def _blame(self, data: bytes, error: ProtocolError) -> bool:
        """Answer a request that can't be read by its id; return whether it has one."""
        try:
            number = codec.read(_ANY_REQUEST, data).id
        except ProtocolError:
            return False
        self._queue.put_answer(Failure(id=number, faults=faults_of(error)))
        return True

    async def _hang_up(self, error: ProtocolError) -> None:
        with suppress(ConnectionError):
            await self._connection.send(codec.encode(Refused(code=error.code, details=error.details)))
