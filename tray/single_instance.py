"""One tray per person: a lock that the system frees with its process, and a word from the second start to the first.

The first listens on a Unix socket in the runtime folder (0700), on Windows on 127.0.0.1, and leaves the address with a
new 256-bit token in a file that only its owner can read; the second reads it and says the token, which means "open the
panel". Whatever a killed program left behind is simply replaced: only the lock counts.
"""

import asyncio
import hmac
import os
import secrets
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from common.config.files import write_atomically
from common.errors import ErrorCode, ProtocolError, RelayError
from common.protocol.address import LOOPBACK, Address
from common.secret import Secret

LOCK_NAME: Final = "tray.lock"
NOTE_NAME: Final = "tray.address"
SOCKET_NAME: Final = "tray.sock"
READ_SECONDS: Final = 2.0
"""For a start that connected to say its token."""
HAND_OVER_SECONDS: Final = 5.0
"""For the first start, which may still be on its way, to answer the second."""
_RETRY_SECONDS: Final = 0.05
_TOKEN_BYTES: Final = 32
_LINE: Final = 128
"""Bytes of a token line at most."""
_DONE: Final = b"ok\n"


class SingleInstance:
    """The claim of this process to be the only one; ``folder`` is the runtime folder, as ``common.paths`` makes it."""

    def __init__(self, folder: Path, *, loopback: bool = sys.platform == "win32") -> None:
        self._folder = folder
        self._loopback = loopback
        self._lock: int | None = None
        self._server: asyncio.Server | None = None

    def acquire(self) -> bool:
        """Whether this is the first one; the lock is held until ``close`` or the end of the process."""
        descriptor = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor):
            os.close(descriptor)
            return False
        (self._folder / NOTE_NAME).unlink(missing_ok=True)  # of one that was killed: nobody shall wait for it
        self._lock = descriptor
        return True

    async def listen(self, on_open: Callable[[], None]) -> None:
        """Call ``on_open`` in the loop's thread whenever the program is started again; only after ``acquire``."""
        token = Secret(secrets.token_hex(_TOKEN_BYTES))

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _answer(reader, writer, token, on_open)

        address = await self._serve(answer)
        note = f"{address}\n{token.reveal()}\n"
        write_atomically(self._folder / NOTE_NAME, note.encode())

    async def close(self) -> None:
        """Stop listening and let the next one be first."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._lock is not None:
            for name in (NOTE_NAME, SOCKET_NAME):
                (self._folder / name).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    async def _serve(self, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Address:
        if self._loopback or sys.platform == "win32":
            self._server = await asyncio.start_server(answer, LOOPBACK, 0, limit=_LINE)
            return Address(port=self._server.sockets[0].getsockname()[1])
        path = self._folder / SOCKET_NAME
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(answer, path, limit=_LINE)
        return Address(path=path)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: Secret, on_open: Callable[[], None]
) -> None:
    """Hear one start out; who says anything but the token gets no answer."""
    with suppress(OSError, TimeoutError, ValueError):  # gone, silent, or a line too long
        async with asyncio.timeout(READ_SECONDS):
            said = await reader.readline()
            if hmac.compare_digest(said.rstrip(b"\n"), token.reveal().encode()):
                on_open()
                writer.write(_DONE)
                await writer.drain()
    writer.close()


def hand_over(
    folder: Path,
    *,
    seconds: float = HAND_OVER_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have the first one open its panel; raises ALREADY_OPEN_SILENT if it doesn't within ``seconds``.

    It may have the lock already and not listen yet, so this tries again meanwhile.
    """
    give_up = clock() + seconds
    while True:
        with suppress(OSError, ValueError, ProtocolError):  # not there yet, half there, or of one that was killed
            if _ask(folder):
                return
        if clock() >= give_up:
            raise RelayError(ErrorCode.ALREADY_OPEN_SILENT)
        sleep(_RETRY_SECONDS)


def _ask(folder: Path) -> bool:
    address, token = (folder / NOTE_NAME).read_text("utf-8").splitlines()
    with _connect(Address.parse(address)) as connection:
        connection.sendall(f"{token}\n".encode())
        return connection.recv(len(_DONE)) == _DONE


def _connect(address: Address) -> socket.socket:
    if address.path is None:
        return socket.create_connection((LOOPBACK, address.port), timeout=READ_SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(READ_SECONDS)
        connection.connect(str(address.path))
    except OSError:
        connection.close()
        raise
    return connection


def _lock(descriptor: int) -> bool:
    """Take the lock unless another process has it; the system frees it however that process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - only there

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - not on Windows

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
