"""What the engine writes to its standard output and standard error, one JSON object or sentence a line."""

import asyncio
import sys
from contextlib import suppress
from typing import Never

import msgspec

from common.errors import CombinedError, ErrorCode, RelayError
from common.line_writer import LineWriter
from common.protocol import codec
from common.protocol.event_queue import EventQueue
from common.protocol.messages import Message
from common.sentences import sentences_of, system_language


class Error(Message, frozen=True):
    """Why the engine did not start, or could not do something; a line for each reason."""

    code: ErrorCode
    details: dict[str, str] = msgspec.field(default_factory=dict)


class Output:
    """Standard output. A reader that is slow or gone holds up nothing: see :class:`EventQueue` for what it misses."""

    def __init__(self, descriptor: int) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = asyncio.Event()
        self._writer = LineWriter(descriptor, name="output", written=self._written)

    async def follow(self, queue: EventQueue[Never]) -> None:
        """Write what comes out of ``queue``, the next only when the one before is written; ends with either end."""
        self._loop = asyncio.get_running_loop()
        async for event in queue:
            self._done.clear()
            self._writer.write(codec.encode(event))
            if self._writer.broken:
                return
            await self._done.wait()

    def tell(self, error: RelayError) -> None:
        """Write what is wrong as codes; as sentences it goes to standard error."""
        for each in error.errors if isinstance(error, CombinedError) else (error,):
            self._writer.write(msgspec.json.encode(Error(code=each.code, details=each.details)))
        complain(error)

    def close(self) -> None:
        """Write what waits, as far as it is read within half a second."""
        self._writer.close()

    def _written(self) -> None:
        """Let ``follow`` go on; after the end of the loop there is nobody to tell."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._done.set)


def complain(error: RelayError) -> None:
    """Say on standard error what is wrong, in the user's language."""
    for sentence in sentences_of(error, system_language()):
        with suppress(OSError, ValueError, AttributeError):  # closed, or there is none (Windows without a console)
            sys.stderr.write(sentence + "\n")
            sys.stderr.flush()
