"""The engine as its clients see it: commands that return or raise, and one stream of states."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, Never

from common.errors import ErrorCode, ProtocolError, RelayError
from common.protocol import changes, codec, transport
from common.protocol.address import Address
from common.protocol.event_queue import EventQueue
from common.protocol.faults import error_of
from common.protocol.handshake import ClientSide
from common.protocol.messages import (
    Changed,
    Command,
    EngineMessage,
    Failure,
    Meters,
    Payload,
    Reply,
    Request,
    Snapshot,
    Welcome,
)
from common.protocol.state import SessionState
from common.protocol.transport import Connection
from common.secret import Secret
from common.tasks import Tasks

CONNECT_SECONDS: Final = 5.0
CALL_SECONDS: Final = 15.0
"""How long a command may take; starting a session is the longest and tells within 5 s what is wrong."""

log = logging.getLogger(__name__)


class ControlClient:
    """One connection to the engine. Make it with :meth:`connect`; close it when done."""

    def __init__(self, connection: Connection, welcome: Welcome) -> None:
        self.welcome = welcome
        self.lost = asyncio.Event()
        """Set when the connection has ended, whoever ended it."""
        self._connection = connection
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Payload | None]] = {}
        self._latest: Snapshot | None = None
        self._queues: set[EventQueue[Never]] = set()
        self._seen = asyncio.Event()
        self._tasks = Tasks()
        self._tasks.start(self._read(), name="control-client")

    @classmethod
    async def connect(
        cls,
        address: Address,
        token: Secret,
        *,
        client: str = "",
        timeout: float = CONNECT_SECONDS,  # noqa: ASYNC109 - one bound for connecting, greeting and the first state
    ) -> "ControlClient":
        """Connect, greet, wait for the first snapshot.

        Raises ENGINE_LOST when nobody answers, or what the engine refuses with (PROTOCOL_VERSION, NOT_AUTHENTICATED).
        """
        try:
            async with asyncio.timeout(timeout):
                connection = await transport.connect(address, timeout=timeout)
                welcome = await _greet(connection, token, client)
                joined = cls(connection, welcome)
                await joined._first_state()
        except (OSError, TimeoutError) as error:
            raise RelayError(ErrorCode.ENGINE_LOST) from error
        return joined

    async def call(
        self,
        command: Command,
        timeout: float = CALL_SECONDS,  # noqa: ASYNC109 - each command its own
    ) -> Payload | None:
        """Carry out a command and return its payload.

        Raises what the engine answered as RelayError (CombinedError for several reasons), ENGINE_SILENT when it does
        not answer within ``timeout`` seconds, ENGINE_LOST when the connection ends.
        """
        if self.lost.is_set():
            raise RelayError(ErrorCode.ENGINE_LOST)
        with self._answer() as (number, answer):
            try:
                async with asyncio.timeout(timeout):
                    await self._connection.send(codec.encode(Request(id=number, command=command)))
                    return await answer
            except TimeoutError:
                raise RelayError(ErrorCode.ENGINE_SILENT, seconds=f"{timeout:g}") from None
            except ConnectionError as error:
                raise RelayError(ErrorCode.ENGINE_LOST) from error

    @property
    def state(self) -> SessionState:
        """The state as last told."""
        return self._snapshot().state

    @contextmanager
    def events(self) -> Iterator[EventQueue[Never]]:
        """Open a stream of events: a snapshot, then what comes; it ends with the connection."""
        queue: EventQueue[Never] = EventQueue(self._snapshot)
        self._queues.add(queue)
        if self.lost.is_set():
            queue.close()
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    async def states(self) -> AsyncIterator[SessionState]:
        """Yield the state now and after every change, until the connection ends."""
        with self.events() as events:
            async for event in events:
                if not isinstance(event, Meters):
                    yield event.state if isinstance(event, Snapshot) else self.state

    async def close(self) -> None:
        """End the connection; commands that wait raise ENGINE_LOST."""
        await self._tasks.close()
        self._end()
        await self._connection.close()

    @contextmanager
    def _answer(self) -> Iterator[tuple[int, asyncio.Future[Payload | None]]]:
        number = next(self._ids)
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            yield number, answer
        finally:
            del self._pending[number]
            answer.cancel()

    async def _first_state(self) -> None:
        """Wait for the first snapshot; the caller bounds the time."""
        try:
            await self._seen.wait()
        except BaseException:
            await self.close()
            raise
        if self._latest is None:
            await self.close()
            raise RelayError(ErrorCode.ENGINE_LOST)

    def _snapshot(self) -> Snapshot:
        if self._latest is None:
            raise RelayError(ErrorCode.ENGINE_LOST)
        return self._latest

    async def _read(self) -> None:
        """Take what comes until the connection ends, or the engine says something that can't be understood."""
        try:
            while (data := await self._connection.receive()) is not None:
                self._take(codec.decode_engine(data))
        except ProtocolError as error:
            log.warning("the engine is not understood: %s", error)
            await self._connection.close()
        finally:
            self._end()

    def _take(self, message: EngineMessage) -> None:
        if isinstance(message, Reply):
            self._settle(message.id, message.payload)
        elif isinstance(message, Failure):
            self._settle(message.id, error_of(message.faults))
        elif isinstance(message, Snapshot | Changed):
            self._follow(message)
        elif isinstance(message, Meters):
            self._tell(message)
        else:
            raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$.type", reason="the handshake is over")

    def _follow(self, event: Snapshot | Changed) -> None:
        if isinstance(event, Snapshot):
            self._latest = event
        else:
            state = changes.applied(self._snapshot().state, event)
            self._latest = Snapshot(revision=event.revision, state=state)
        self._seen.set()
        self._tell(event)

    def _tell(self, event: Snapshot | Changed | Meters) -> None:
        for queue in self._queues:
            queue.put(event)

    def _settle(self, number: int, outcome: Payload | RelayError | None) -> None:
        answer = self._pending.get(number)
        if answer is None or answer.done():
            return
        if isinstance(outcome, RelayError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def _end(self) -> None:
        self.lost.set()
        self._seen.set()
        for number in list(self._pending):
            self._settle(number, RelayError(ErrorCode.ENGINE_LOST))
        for queue in self._queues:
            queue.close()


async def _greet(connection: Connection, token: Secret, client: str) -> Welcome:
    side = ClientSide(token, client=client)
    try:
        await connection.send(side.hello())
        return side.receive(await connection.receive() or b"")
    except BaseException:
        await connection.close()
        raise
