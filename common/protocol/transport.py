"""Messages over a WebSocket: through a Unix socket in a folder that only its owner can enter, or loopback TCP.

Windows' Python has no Unix sockets for asyncio, so there the engine listens on 127.0.0.1; the code above the address
is the same. One message is one text frame.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp import web

from common.paths import private_folder
from common.protocol.address import LOOPBACK, Address
from common.protocol.codec import MAX_BYTES

CLOSE_SECONDS: Final = 1.0
"""Time for the other side to answer a close."""
_PATH: Final = "/control"


class Connection:
    """One peer's messages; the same on both sides."""

    def __init__(
        self,
        socket: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._socket = socket
        self._session = session

    async def send(self, data: bytes) -> None:
        """Send one message; raises ConnectionError when the peer is gone. Waits while the peer doesn't read."""
        try:
            await self._socket.send_str(data.decode())
        except aiohttp.ClientConnectionResetError as error:
            raise ConnectionResetError("the peer is gone") from error

    async def receive(self) -> bytes | None:
        """Return the next message; ``None`` when the connection has ended, also by a message that was too long."""
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        return None

    async def close(self) -> None:
        """Say goodbye; never raises."""
        with suppress(OSError, aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close()
        if self._session is not None:
            await self._session.close()


class Listener:
    """Accepts connections until closed; ``address`` is where, with the port that was found."""

    def __init__(self, runner: web.AppRunner, address: Address) -> None:
        self._runner = runner
        self.address = address

    async def close(self) -> None:
        """Stop accepting, end the connections, remove the socket (asyncio does so itself only from Python 3.13 on)."""
        await self._runner.cleanup()
        if self.address.path is not None:
            self.address.path.unlink(missing_ok=True)


async def listen(address: Address, serve: Callable[[Connection], Awaitable[None]]) -> Listener:
    """Call ``serve`` with each new connection, which ends when ``serve`` returns.

    Raises OSError when the address can't be had, PermissionError when the socket's folder is not ours alone.
    """

    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_BYTES, timeout=CLOSE_SECONDS, compress=False)
        await socket.prepare(request)
        connection = Connection(socket)
        try:
            await serve(connection)
        finally:
            await connection.close()
        return socket

    app = web.Application()
    app.router.add_get(_PATH, accept)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        return Listener(runner, await _bind(runner, address))
    except BaseException:
        await runner.cleanup()
        raise


async def connect(address: Address, *, timeout: float) -> Connection:  # noqa: ASYNC109 - bounds the whole of it
    """Connect to a listener; raises ConnectionError, also when it does not answer within ``timeout`` seconds."""
    connector = aiohttp.TCPConnector() if address.path is None else aiohttp.UnixConnector(path=str(address.path))
    session = aiohttp.ClientSession(connector=connector, trust_env=False)
    url = f"http://{LOOPBACK}:{address.port}{_PATH}" if address.path is None else f"http://localhost{_PATH}"
    try:
        async with asyncio.timeout(timeout):
            closing = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)
            socket = await session.ws_connect(url, max_msg_size=MAX_BYTES, timeout=closing)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        await session.close()
        raise ConnectionRefusedError(f"nobody answers at {address}") from error
    except BaseException:
        await session.close()
        raise
    return Connection(socket, session)


async def _bind(runner: web.AppRunner, address: Address) -> Address:
    if address.path is None:
        await web.TCPSite(runner, LOOPBACK, address.port).start()
        return Address(port=runner.addresses[0][1])
    private_folder(address.path.parent)
    await web.UnixSite(runner, address.path).start()
    return address
