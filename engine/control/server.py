"""The control socket: nobody gets past the handshake, everybody else gets a Peer."""

import asyncio
import logging
import os
from contextlib import suppress
from typing import Final

from common.errors import ErrorCode
from common.protocol import codec, transport
from common.protocol.address import Address
from common.protocol.handshake import EngineSide, Stage
from common.protocol.messages import Refused, Welcome
from common.protocol.transport import Connection, Listener
from common.secret import Secret
from common.tasks import Tasks
from common.version import VERSION
from engine.control.handlers import Desk
from engine.control.peer import Peer

HELLO_SECONDS: Final = 5.0
"""Time for a client's first message."""

MOST_CLIENTS: Final = 32
"""Clients at once: panel windows, docks, integrations; more is a fault of theirs."""

MOST_GREETING: Final = 32
"""Connections at once that have not said Hello yet; counted apart, so that strangers take no client's place."""

log = logging.getLogger(__name__)


class ControlServer:
    """Serves clients that know ``token``."""

    def __init__(self, desk: Desk, token: Secret) -> None:
        self._desk = desk
        self._token = token
        self._peers: set[Peer] = set()
        self._greeting = 0
        self._commands = Tasks()
        self._listener: Listener | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self, address: Address) -> Address:
        """Listen; return where, with the port that was found. Raises OSError."""
        self._listener = await transport.listen(address, self._serve)
        return self._listener.address

    async def close(self) -> None:
        """Let every client have what waits for it, end the commands that still run, stop listening."""
        for peer in self._peers:
            peer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(transport.CLOSE_SECONDS):
                await self._empty.wait()
        await self._commands.close()
        if self._listener is not None:
            await self._listener.close()

    async def _serve(self, connection: Connection) -> None:
        if self._greeting >= MOST_GREETING:
            await _answer(connection, _too_many(MOST_GREETING))
            return
        side = EngineSide(self._token, engine=VERSION, pid=os.getpid())
        answer = await self._greet(connection, side)
        if answer is None:
            return
        if side.stage is Stage.OPEN and len(self._peers) >= MOST_CLIENTS:
            answer = _too_many(MOST_CLIENTS)
        if isinstance(answer, Refused):
            await _answer(connection, answer)
            return
        log.info("control client %s is connected", side.client)
        await self._keep(connection, answer)

    async def _greet(self, connection: Connection, side: EngineSide) -> Welcome | Refused | None:
        """Hear the first message; return the answer to it, ``None`` when it doesn't come."""
        self._greeting += 1
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                first = await connection.receive()
        except TimeoutError:
            return None
        finally:
            self._greeting -= 1
        return None if first is None else side.receive(first)

    async def _keep(self, connection: Connection, welcome: Welcome) -> None:
        """Welcome a client and serve it; its place is taken before anybody else is looked at."""
        peer = Peer(connection, self._desk, self._commands)
        self._peers.add(peer)
        self._empty.clear()
        try:
            if await _answer(connection, welcome):
                await peer.serve()
        finally:
            self._peers.discard(peer)
            if not self._peers:
                self._empty.set()


async def _answer(connection: Connection, answer: Welcome | Refused) -> bool:
    """Send the handshake's answer; return whether it could be sent in time."""
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            await connection.send(codec.encode(answer))
    except (TimeoutError, ConnectionError):
        return False
    return True


def _too_many(limit: int) -> Refused:
    return Refused(code=ErrorCode.TOO_MANY_CLIENTS, details={"limit": str(limit)})
