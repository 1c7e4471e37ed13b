"""The control socket: nobody gets past the handshake, everybody else gets a Peer."""

import asyncio
import logging
import os
from contextlib import suppress
from typing import Final

from common.protocol import codec, transport
from common.protocol.handshake import EngineSide, Stage
from common.protocol.transport import Address, Connection, Listener
from common.secret import Secret
from common.tasks import Tasks
from common.version import VERSION
from engine.control.handlers import Desk
from engine.control.peer import Peer

HELLO_SECONDS: Final = 5.0
"""Time for a client's first message."""

MOST_CLIENTS: Final = 32
"""Clients at once: panel windows, docks, integrations; more is a fault of theirs."""

log = logging.getLogger(__name__)


class ControlServer:
    """Serves clients that know ``token``."""

    def __init__(self, desk: Desk, token: Secret) -> None:
        self._desk = desk
        self._token = token
        self._peers: set[Peer] = set()
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
        if len(self._peers) >= MOST_CLIENTS or not await self._greet(connection):
            return
        peer = Peer(connection, self._desk, self._commands)
        self._peers.add(peer)
        self._empty.clear()
        try:
            await peer.serve()
        finally:
            self._peers.discard(peer)
            if not self._peers:
                self._empty.set()

    async def _greet(self, connection: Connection) -> bool:
        """Answer the first message; return whether the client may go on."""
        side = EngineSide(self._token, engine=VERSION, pid=os.getpid())
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                first = await connection.receive()
                if first is None:
                    return False
                await connection.send(codec.encode(side.receive(first)))
        except (TimeoutError, ConnectionError):
            return False
        if side.stage is Stage.OPEN:
            log.info("control client %s is connected", side.client)
        return side.stage is Stage.OPEN
