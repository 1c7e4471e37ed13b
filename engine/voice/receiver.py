"""The receive thread: one for the sockets of all bots."""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable

from engine.metrics import Counters

LARGEST_DATAGRAM = 2_048

Handler = Callable[[bytes, int], None]
"""Takes a datagram and its arrival (``perf_counter_ns``), in the receive thread."""

log = logging.getLogger(__name__)


class Receiver:
    """Reads every registered socket and hands each datagram to its handler.

    ``counters``: ``handler_failed`` for datagrams whose handler raised, ``socket_error`` for refused reads.
    """

    def __init__(self) -> None:
        self.counters = Counters()
        self._selector = selectors.DefaultSelector()
        self._changes: list[tuple[socket.socket, Handler | None, threading.Event]] = []
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="voice-receive", daemon=True)
        self._thread.start()

    def add(self, source: socket.socket, handler: Handler) -> None:
        """Read ``source`` (non-blocking UDP) from now on."""
        self._change(source, handler)

    def remove(self, source: socket.socket) -> None:
        """Stop reading ``source``; when this returns the thread no longer touches it, so it may be closed."""
        done = self._change(source, None)
        if threading.current_thread() is not self._thread:
            done.wait(1.0)

    def close(self) -> None:
        """End the thread and wait for it."""
        self._closing = True
        self._wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _change(self, source: socket.socket, handler: Handler | None) -> threading.Event:
        done = threading.Event()
        self._changes.append((source, handler, done))
        self._wake()
        return done

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"\0")
        except (BlockingIOError, OSError):
            # Full means that the thread has a wake-up to read anyway; closed means that it has ended.
            return

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
        finally:
            self._apply_changes()
            self._selector.close()
            self._wake_in.close()
            self._wake_out.close()

    def _turn(self) -> None:
        for key, _ in self._selector.select():
            if key.data is None:
                self._drain_wake()
            else:
                self._read(key.fileobj, key.data)  # type: ignore[arg-type]  # only sockets are registered
        self._apply_changes()

    def _read(self, source: socket.socket, handler: Handler) -> None:
        """Read all that is there, so that one wake-up serves a burst."""
        while True:
            try:
                data = source.recv(LARGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP refusal of something we sent, or a socket closed under us; the connection notices by itself.
                self.counters.add("socket_error")
                return
            self._handle(handler, data)

    def _handle(self, handler: Handler, data: bytes) -> None:
        try:
            handler(data, time.perf_counter_ns())
        except Exception:
            self.counters.add("handler_failed")
            failures = self.counters.get("handler_failed")
            if failures & (failures - 1) == 0:
                log.exception("a datagram's handler failed (%d so far)", failures)

    def _drain_wake(self) -> None:
        try:
            self._wake_out.recv(4_096)
        except BlockingIOError:
            return

    def _apply_changes(self) -> None:
        while self._changes:
            source, handler, done = self._changes.pop(0)
            self._apply(source, handler)
            done.set()

    def _apply(self, source: socket.socket, handler: Handler | None) -> None:
        try:
            known = source in self._selector.get_map()
            if handler is None and known:
                self._selector.unregister(source)
            elif handler is not None and known:
                self._selector.modify(source, selectors.EVENT_READ, handler)
            elif handler is not None:
                self._selector.register(source, selectors.EVENT_READ, handler)
        except (KeyError, ValueError, OSError, RuntimeError):
            self.counters.add("socket_error")
