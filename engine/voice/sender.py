"""A destination's sender: Opus in, encrypted datagrams out, with time that never stands still.

The RTP timestamp advances with every tick, through silence, pauses and lost connections alike: frozen timestamps
make listeners' buffers grow to seconds within an hour. The sequence number counts packets sent (RFC 3550 section 5.1).
"""

import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from common.types import Ssrc
from engine.audio.frame import FRAME_SAMPLES, TICK_MS, tick_samples
from engine.metrics import Counters
from engine.voice import rtp
from engine.voice.aead import NonceExhaustedError, TransportCipher
from engine.voice.dave import SILENCE, DaveGroup

SILENCE_FRAMES = 5
"""Silence frames after sound, so that listeners' decoders don't invent a continuation (Discord's documentation)."""

HELD_MS = 100
"""So much sound waits for its announcement, no more."""

_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Transport:
    """What a voice session gives a sender.

    ``announce`` says on the loop that speaking begins or ended, and calls what it is given once that is on its way.
    """

    socket: socket.socket
    cipher: TransportCipher
    ssrc: Ssrc
    dave: DaveGroup
    announce: Callable[[bool, Callable[[], None]], None]


class Sender:
    """Called once a tick of ``tick_ms`` by the mix thread; connections come and go beneath it (from the loop).

    ``counters``: ``sent``, and why packets were not: ``not_connected``, ``dave_not_ready``, ``socket_full``,
    ``socket_error``, ``nonce_exhausted``.
    """

    def __init__(self, tick_ms: int = TICK_MS) -> None:
        self.counters = Counters()
        self._step = tick_samples(tick_ms)
        self._most_held = HELD_MS // tick_ms
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._transport: Transport | None = None
        self._silence_due = 0
        self._quiet = 0
        """Samples of silence since the last packet."""
        self._speaking = False
        self._held: list[bytes] | None = None
        # The loop ends the sound of a connection while the mix thread may be in the middle of a packet.
        self._lock = threading.RLock()

    def __call__(self, opus: bytes | None) -> None:
        """Send one tick's packet; ``None`` is silence."""
        with self._lock:
            self._timestamp = (self._timestamp + self._step) & _MASK
            if opus is not None:
                self._silence_due, self._quiet = SILENCE_FRAMES, 0
                self._send(opus, self._timestamp)
            elif self._silence_due:
                self._stay_silent()

    def attach(self, transport: Transport) -> None:
        """Send through ``transport`` from now on."""
        with self._lock:
            self._transport, self._speaking, self._held = transport, False, None

    def finish(self) -> None:
        """End the sound now, with the silence frames that are due, and let go of the transport; time goes on."""
        with self._lock:
            while self._silence_due and self._transport is not None:
                self._timestamp = (self._timestamp + self._step) & _MASK
                self._stay_silent()
            if self._transport is not None:
                self._release(self._transport)
            self._transport = None

    def _stay_silent(self) -> None:
        """Send a silence frame when its 20 ms are over, with the time at which they began.

        A tick of 10 ms is half of one. Sent when it begins, it would overlap with sound that comes back in its second
        half, and listeners drop what is older than what they have played.
        """
        self._quiet += self._step
        if self._quiet < FRAME_SAMPLES:
            return
        began = (self._timestamp + self._step - self._quiet) & _MASK
        self._quiet = 0
        self._silence_due -= 1
        self._send(SILENCE, began)
        if not self._silence_due and self._speaking and self._transport is not None:
            self._speaking = False
            self._transport.announce(False, lambda: None)

    def _send(self, opus: bytes, timestamp: int) -> None:
        transport = self._transport
        if transport is None:
            self.counters.add("not_connected")
            return
        frame = transport.dave.encrypt(opus)
        if frame is None:
            self.counters.add("dave_not_ready")
            return
        try:
            header = rtp.write(self._sequence, timestamp, transport.ssrc)
            datagram = transport.cipher.encrypt(header, frame)
        except NonceExhaustedError:
            self.counters.add("nonce_exhausted")
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        if not self._speaking:
            self._begin(transport)
        if self._held is None:
            self._put(transport, datagram)
            return
        self._held.append(datagram)
        if len(self._held) >= self._most_held:
            self._release(transport)

    def _begin(self, transport: Transport) -> None:
        """Hold packets until their announcement is on its way: a packet that is quicker comes from nobody."""
        self._speaking = True
        held: list[bytes] = []
        self._held = held

        def follow() -> None:
            with self._lock:
                if self._held is held:
                    self._release(transport)

        transport.announce(True, follow)

    def _release(self, transport: Transport) -> None:
        held, self._held = self._held or [], None
        for datagram in held:
            self._put(transport, datagram)

    def _put(self, transport: Transport, datagram: bytes) -> None:
        """Send one datagram and count what became of it."""
        try:
            transport.socket.send(datagram)
        except BlockingIOError:
            self.counters.add("socket_full")
        except OSError:
            self.counters.add("socket_error")
        else:
            self.counters.add("sent")
