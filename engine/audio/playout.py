"""One talker's playout: packets in whatever order they come, one decision a tick; pure.

The rules, and why:

- Order is the RTP sequence; the timestamp tells a pause from a loss: numbers that go on while time jumped were
  never sent.
- A stretch of talk starts when its first packet has waited the target: 0 on a clean network, so at the next tick.
- A missing packet that a later one has overtaken is lost: conceal it (from the next packet's redundancy if that is
  there) and go on.
- Nothing there at all: conceal without going on, since the packet may only be late; if what comes next shows that it
  was lost, it has been concealed already. After four ticks, the last of them fading, give up until something comes.
- Being late costs delay that nothing gives back: when a packet and the next one were both due, two ticks in a row,
  they are played over each other (two frames in the time of one), until the delay is what the network asks for.
  Two ticks are enough since what is due already allows for the network's jitter.
"""

from enum import Enum
from typing import NamedTuple

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.arrivals import Arrivals
from engine.audio.frame import FRAME_SAMPLES, TICK_NS, OpusPacket
from engine.audio.opus import SILENCE
from engine.metrics import Counters

BUFFER_PACKETS = 50
"""Packets one talker may have queued, 1 s; more would be heard as history."""

CONCEAL_TICKS = 4
"""Ticks that are concealed in a row when nothing comes, the last one fading out: silence after 80 ms."""

_DRAIN_TICKS = 2
_DRAIN_NOW_NS = 4 * TICK_NS
_SEQUENCE_JUMP = 1_500


class Kind(Enum):
    """What a tick plays of one talker."""

    PACKET = "packet"
    OVERLAY = "overlay"
    REDUNDANCY = "redundancy"
    CONCEAL = "conceal"
    FADE = "fade"


class Take(NamedTuple):
    """One talker's share of a tick.

    ``PACKET``: decode ``packet``. ``OVERLAY``: decode ``skipped``, then ``packet``, and fade from one to the other.
    ``REDUNDANCY``: decode what ``packet``, the one after the lost one, carries of it. ``CONCEAL``: no packet.
    ``FADE``: conceal and fade out, nothing follows for now.
    """

    user: UserId
    kind: Kind
    packet: OpusPacket | None = None
    skipped: OpusPacket | None = None

    @property
    def played(self) -> tuple[OpusPacket, ...]:
        """The packets whose samples this tick holds; redundancy is of a packet that never came."""
        if self.packet is None or self.kind is Kind.REDUNDANCY:
            return ()
        return (self.packet,) if self.skipped is None else (self.skipped, self.packet)

    @property
    def silent(self) -> bool:
        """Whether this is the sender's own silence."""
        return self.kind is Kind.PACKET and self.packet is not None and self.packet.payload == SILENCE


class TalkerBuffer:
    """Playout of one talker."""

    __slots__ = (
        "_concealed",
        "_ending",
        "_fresh",
        "_highest",
        "_next",
        "_packets",
        "_patience",
        "_playing",
        "_ssrc",
        "_timestamp",
        "_user",
        "arrivals",
        "counters",
    )

    def __init__(self, user: UserId) -> None:
        self._user = user
        self.counters = Counters()
        self.arrivals = Arrivals()
        self._packets: dict[int, tuple[int, OpusPacket]] = {}
        self._playing = False
        self._begin(None)

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def playing(self) -> bool:
        """Whether a stretch of talk is being played."""
        return self._playing

    def push(self, packet: OpusPacket) -> None:
        """Take in one packet in whatever order it came."""
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        sequence = self._extend(self._highest, packet.sequence, 16)
        if abs(sequence - self._highest) > _SEQUENCE_JUMP:
            self._begin(packet)
            sequence = packet.sequence
        if sequence < self._next:
            self._late(packet)
        elif sequence in self._packets:
            self.counters.add("duplicate")
        else:
            self._keep(sequence, packet)

    def take(self, now: Nanoseconds) -> Take | None:
        """Return what this tick plays, ``None`` for silence."""
        self.arrivals.tick()
        if not self._playing and not self._start(now):
            return None
        found = self._packets.pop(self._next, None)
        if found is None:
            return self._gap(now)
        timestamp, packet = found
        if timestamp - self._timestamp > FRAME_SAMPLES and self.arrivals.slack_ns(timestamp, now) < 0:
            # The sender paused without saying so; this packet begins a new stretch.
            self._packets[self._next] = found
            return self._stop()
        return self._play(timestamp, packet, now)

    # how packets come in

    def _begin(self, packet: OpusPacket | None) -> None:
        """Start afresh with a new stream (SSRC), or one whose numbers jumped."""
        self._packets.clear()
        self._ssrc: Ssrc | None = packet.ssrc if packet else None
        self._highest = packet.sequence if packet else 0
        self._timestamp = packet.timestamp if packet else 0
        self._next = self._highest - _SEQUENCE_JUMP
        self._fresh = True
        self._playing = False
        self._ending = False
        self._concealed = 0
        self._patience = 0
        self.arrivals.restart()

    @staticmethod
    def _extend(reference: int, value: int, bits: int) -> int:
        """Return the number nearest to ``reference`` whose low ``bits`` are ``value`` (RFC 3550 appendix A.1)."""
        span = 1 << bits
        distance = (value - reference) % span
        return reference + (distance - span if distance >= span // 2 else distance)

    def _keep(self, sequence: int, packet: OpusPacket) -> None:
        timestamp = self._extend(self._timestamp, packet.timestamp, 32)
        self._highest = max(self._highest, sequence)
        if not self._playing and not self._packets:
            self.arrivals.begin(timestamp, packet.arrival)
        self._packets[sequence] = (timestamp, packet)
        self.arrivals.add(timestamp, packet.arrival)
        if len(self._packets) > BUFFER_PACKETS:
            oldest = min(self._packets)
            del self._packets[oldest]
            self._next = max(self._next, oldest + 1)
            self.counters.add("overflow")

    def _late(self, packet: OpusPacket) -> None:
        """Count a packet whose moment has passed, and learn from it how late packets come."""
        self.counters.add("late")
        timestamp = self._extend(self._timestamp, packet.timestamp, 32)
        self.arrivals.add(timestamp, packet.arrival)

    # how they go out

    def _start(self, now: Nanoseconds) -> bool:
        """Begin a stretch if its first packet has waited the target."""
        if not self._packets:
            return False
        first = min(self._packets)
        timestamp, packet = self._packets[first]
        if now - packet.arrival < self.arrivals.target_ns and self.arrivals.slack_ns(timestamp, now) < 0:
            return False
        self._playing, self._ending = True, False
        self._concealed, self._patience = 0, 0
        if not self._fresh and first > self._next:
            self.counters.add("lost", first - self._next)
        self._fresh = False
        self._next, self._timestamp = first, timestamp - FRAME_SAMPLES
        return True

    def _play(self, timestamp: int, packet: OpusPacket, now: Nanoseconds) -> Take:
        if self._concealed:
            self.arrivals.ran_dry(timestamp, packet.arrival)
        self._advance(timestamp, packet)
        follower = self._packets.get(self._next)
        if follower is None or not self._too_long(follower[0], now):
            return Take(self._user, Kind.PACKET, packet)
        del self._packets[self._next]
        self._advance(follower[0], follower[1])
        self.counters.add("drained")
        return Take(self._user, Kind.OVERLAY, follower[1], packet)

    def _advance(self, timestamp: int, packet: OpusPacket) -> None:
        self._next += 1
        self._timestamp = timestamp
        self._concealed = 0
        self._ending = packet.payload == SILENCE

    def _too_long(self, timestamp: int, now: Nanoseconds) -> bool:
        """Tell whether the next packet was due as well, not by the luck of one tick."""
        due = self.arrivals.due_ns(timestamp)
        slack = now - max(due if due is not None else now, now - self.arrivals.slack_ns(timestamp, now))
        self._patience = self._patience + 1 if slack >= 0 else 0
        if slack < 0 or (self._patience < _DRAIN_TICKS and slack < _DRAIN_NOW_NS):
            return False
        self._patience = 0
        return True

    def _gap(self, now: Nanoseconds) -> Take | None:
        if self._packets:
            return self._overtaken(now)
        self._patience = 0
        if self._ending:
            return self._stop()
        self._concealed += 1
        if self._concealed >= CONCEAL_TICKS:
            return self._stop()
        self.counters.add("concealed")
        return Take(self._user, Kind.CONCEAL)

    def _overtaken(self, now: Nanoseconds) -> Take | None:
        """Go over packets that others have overtaken; what was concealed while waiting for them counts for them."""
        following = min(self._packets)
        missing = following - self._next
        bridged = min(missing, self._concealed)
        if missing - bridged > CONCEAL_TICKS:
            return self._jump(now)
        self._concealed -= bridged
        self._lose(bridged)
        if missing == bridged:
            return self.take(now)
        self._lose(1)
        self.counters.add("concealed")
        if missing - bridged == 1:
            return Take(self._user, Kind.REDUNDANCY, self._packets[following][1])
        return Take(self._user, Kind.CONCEAL)

    def _lose(self, count: int) -> None:
        if count:
            self._next += count
            self._timestamp += count * FRAME_SAMPLES
            self.counters.add("lost", count)

    def _jump(self, now: Nanoseconds) -> Take | None:
        """Leave out a hole longer than concealment can bridge."""
        if self._start(now):
            return self.take(now)
        return self._stop()

    def _stop(self) -> Take | None:
        """End the stretch; unless the sender ended it in silence, what sounds fades out."""
        self._playing = False
        if self._ending:
            return None
        self.counters.add("concealed")
        return Take(self._user, Kind.FADE)
