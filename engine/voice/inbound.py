"""A datagram's way to an Opus packet; the receive thread's part of a packet's walk."""

from collections.abc import Callable

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.frame import OpusPacket
from engine.metrics import Counters
from engine.voice import rtp
from engine.voice.aead import TransportCipher
from engine.voice.dave import DaveGroup
from engine.voice.rtp import RtpHeader
from engine.voice.ssrc import SsrcTable

OnPacket = Callable[[OpusPacket], None]


class Inbound:
    """Turns one voice connection's datagrams into packets; each that ends on the way is counted by reason.

    ``cipher`` is set when the session's key is known, ``counters`` has ``received`` and ``decrypted`` besides the
    reasons. Called by the receive thread only.
    """

    def __init__(self, dave: DaveGroup, ssrcs: SsrcTable, counters: Counters, on_packet: OnPacket) -> None:
        self.cipher: TransportCipher | None = None
        self._dave = dave
        self._ssrcs = ssrcs
        self._counters = counters
        self._on_packet = on_packet

    def datagram(self, data: bytes, arrival: int) -> None:
        """Take in one datagram with its arrival time in ns."""
        header = rtp.parse(data)
        if isinstance(header, str):
            self._counters.add(header)
            return
        self._counters.add("received")
        user = self._ssrcs.user(header.ssrc)
        if user is None:
            self._ssrcs.park(header.ssrc, data, arrival)
            return
        self._open(header, data, arrival, user)

    def release(self, ssrc: Ssrc) -> None:
        """Open what waited for the owner of ``ssrc`` to be known, oldest first."""
        user = self._ssrcs.user(ssrc)
        for data, arrival in self._ssrcs.parked(ssrc) if user is not None else ():
            header = rtp.parse(data)
            if user is not None and not isinstance(header, str):
                self._open(header, data, arrival, user)

    def _open(self, header: RtpHeader, data: bytes, arrival: int, user: UserId) -> None:
        """Transport off, extension and padding off, DAVE off."""
        plain = self.cipher.decrypt(data, header.size) if self.cipher is not None else None
        if plain is None:
            self._counters.add("transport_refused")
            return
        frame = rtp.body(header, plain)
        if frame is None:
            self._counters.add("bad_padding")
            return
        if not frame:
            # Some of Discord's voice servers send packets of padding only.
            self._counters.add("empty")
            return
        opus = self._dave.decrypt(user, frame)
        if isinstance(opus, str):
            self._counters.add(opus)
            return
        self._counters.add("decrypted")
        self._on_packet(OpusPacket(user, header.ssrc, header.sequence, header.timestamp, opus, Nanoseconds(arrival)))
