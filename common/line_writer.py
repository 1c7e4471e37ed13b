"""Lines to a file descriptor that may block or be closed, without ever holding up who writes them."""

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CAPACITY: Final = 1024
"""Lines that wait for a slow reader; beyond it new ones are dropped and counted."""


class LineWriter:
    """A daemon thread that writes lines in order. ``dropped`` counts lines that found the queue full or no reader.

    ``written`` is called in that thread after every line, so that a source with a better idea of what to drop can
    hand over the next line only then.
    """

    def __init__(
        self, descriptor: int, *, name: str, capacity: int = CAPACITY, written: Callable[[], None] | None = None
    ) -> None:
        self.dropped = 0
        self._written = written
        self._descriptor = descriptor
        self._broken = False
        self._lines: queue.Queue[bytes | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether the reader is gone; every further line is dropped."""
        return self._broken

    def write(self, line: bytes) -> None:
        """Hand over one line without its newline; returns at once. Call it from one thread, or guard the count."""
        if self._broken:
            self.dropped += 1
            return
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout: float = 0.5) -> None:
        """Wait at most ``timeout`` seconds for what is queued; a blocked reader does not get the rest."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=timeout)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write_all(line + b"\n")
            except OSError:
                self._broken = True
                self.dropped += 1
            if self._written is not None:
                self._written()

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
