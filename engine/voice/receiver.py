"""The receive thread: one for the sockets of all bots."""

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.metrics import Counters

LARGEST_DATAGRAM = 2_048

Handler = Callable[[bytes, int], None]
"""Takes a datagram and its arrival (ns of the receiver's clock), in the receive thread."""

log = logging.getLogger(__name__)


class Receiver:
    """Reads every registered socket and hands each datagram to its handler. ``clock`` returns monotonic ns.

    ``counters``: ``handler_failed`` for datagrams whose handler raised, ``socket_error`` for refused reads.
    """

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.counters = Counters()
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._posted: deque[Callable[[], None]] = deque()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="voice-receive", daemon=True)
        self._thread.start()

    def add(self, source: socket.socket, handler: Handler) -> None:
        """Read ``source`` (non-blocking UDP) from now on."""
        self.post(lambda: self._apply(source, handler))

    def post(self, work: Callable[[], None]) -> None:
        """Run ``work`` in the receive thread, soon and in order."""
        self._posted.append(work)
        self._wake()

    def remove(self, source: socket.socket) -> None:
        """Stop reading ``source``; when this returns the thread no longer touches it, so it may be closed."""
        done = threading.Event()
        self.post(lambda: self._apply(source, None))
        self.post(done.set)
        if threading.current_thread() is not self._thread:
            done.wait(1.0)

    def close(self) -> None:
        """End the thread and wait for it."""
        self._closing = True
        self._wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

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
            self._do_posted()
            self._selector.close()
            self._wake_in.close()
            self._wake_out.close()

    def _turn(self) -> None:
        for key, _ in self._ready():
            if key.data is None:
                self._drain_wake()
            else:
                self._read(key.fileobj, key.data)  # type: ignore[arg-type]  # only sockets are registered
        self._do_posted()

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        try:
            return self._selector.select()
        except OSError:
            # Where the system is asked by select (Windows), one closed socket spoils the wait for all others.
            self.counters.add("socket_error")
            self._drop_closed()
            return []

    def _drop_closed(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() < 0:
                self._selector.unregister(key.fileobj)

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
            handler(data, self._clock())
        except BaseException:  # a panic in davey's Rust is no Exception, and one packet ends no thread
            self.counters.add("handler_failed")
            failures = self.counters.get("handler_failed")
            if failures & (failures - 1) == 0:
                log.exception("a datagram's handler failed (%d so far)", failures)

    def _drain_wake(self) -> None:
        try:
            self._wake_out.recv(4_096)
        except BlockingIOError:
            return

    def _do_posted(self) -> None:
        while self._posted:
            work = self._posted.popleft()
            try:
                work()
            except BaseException:  # as for a datagram
                self.counters.add("handler_failed")
                log.exception("posted work failed")

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
