"""The one door between the receive thread and the mix thread, and each talker's playout; pure but for the door.

Rules of a talker's playout, and why:

- Order is the RTP sequence; the timestamp tells a pause from a loss: numbers that go on while time jumped were
  never sent.
- A stretch of talk starts when its first packet has waited the target: 0 on a clean network, so at the next tick.
- A missing packet that a later one has overtaken is lost: conceal it (from the next packet's redundancy if that is
  there) and go on.
- Nothing there at all: conceal without going on, since the packet may only be late; after three ticks give up until
  something comes.
- Being late costs delay that nothing gives back: when packets have waited longer than needed for half a second, one
  is played over the next (two frames in the time of one), until the delay is what the network asks for.
"""

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.arrivals import Arrivals
from engine.audio.frame import FRAME_SAMPLES, TICK_NS, OpusPacket
from engine.audio.opus import SILENCE
from engine.metrics import Counters

DOOR_PACKETS = 4_096
"""Packets that may wait between two ticks: 100 talkers for 0.8 s. A mixer that is later than that loses the oldest."""

BUFFER_PACKETS = 50
"""Packets one talker may have queued, 1 s; more would be heard as history."""

CONCEAL_TICKS = 3
"""Ticks that are concealed in a row when nothing comes; what libopus invents after 60 ms is noise."""

_DRAIN_TICKS = 25
_DRAIN_NOW_NS = 4 * TICK_NS
_SEQUENCE_JUMP = 1_500


class Kind(Enum):
    """What a tick plays of one talker."""

    PACKET = "packet"
    OVERLAY = "overlay"
    REDUNDANCY = "redundancy"
    CONCEAL = "conceal"


class Take(NamedTuple):
    """One talker's share of a tick.

    ``PACKET``: decode ``packet``. ``OVERLAY``: decode ``skipped``, then ``packet``, and fade from one to the other.
    ``REDUNDANCY``: decode what ``packet``, the one after the lost one, carries of it. ``CONCEAL``: no packet.
    """

    user: UserId
    kind: Kind
    packet: OpusPacket | None = None
    skipped: OpusPacket | None = None


class TalkerBuffer:
    """Playout of one talker."""

    __slots__ = (
        "_concealed",
        "_ending",
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

    def due_ns(self) -> int | None:
        """Return when packets of this talker are due, as a phase of the tick; ``None`` before any came."""
        return self.arrivals.due_ns(self._timestamp)

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
            self._playing = False
            return None
        return self._play(timestamp, packet, now)

    # how packets come in

    def _begin(self, packet: OpusPacket | None) -> None:
        """Start afresh with a new stream (SSRC), or one whose numbers jumped."""
        self._packets.clear()
        self._ssrc: Ssrc | None = packet.ssrc if packet else None
        self._highest = packet.sequence if packet else 0
        self._timestamp = packet.timestamp if packet else 0
        self._next = self._highest - _SEQUENCE_JUMP
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
        self._next, self._timestamp = first, timestamp - FRAME_SAMPLES
        return True

    def _play(self, timestamp: int, packet: OpusPacket, now: Nanoseconds) -> Take:
        if self._concealed:
            self.arrivals.ran_dry(self._concealed_too_long(timestamp, now))
        self._advance(timestamp, packet)
        follower = self._packets.get(self._next)
        if follower is None or not self._too_long(follower[0], now):
            return Take(self._user, Kind.PACKET, packet)
        del self._packets[self._next]
        self._advance(follower[0], follower[1])
        self.counters.add("drained")
        return Take(self._user, Kind.OVERLAY, follower[1], packet)

    def _concealed_too_long(self, timestamp: int, now: Nanoseconds) -> int:
        """Return how much more than its due time the packet after a dry spell took."""
        found = self.arrivals.slack_ns(timestamp, now) + self.arrivals.target_ns
        return max(0, min(found, self._concealed * TICK_NS))

    def _advance(self, timestamp: int, packet: OpusPacket) -> None:
        self._next += 1
        self._timestamp = timestamp
        self._concealed = 0
        self._ending = packet.payload == SILENCE

    def _too_long(self, timestamp: int, now: Nanoseconds) -> bool:
        """Tell whether the next packet has been waiting a whole tick more than needed for half a second."""
        due = self.arrivals.due_ns(timestamp)
        slack = now - max(due if due is not None else now, now - self.arrivals.slack_ns(timestamp, now))
        self._patience = self._patience + 1 if slack >= 0 else 0
        if slack < 0 or (self._patience < _DRAIN_TICKS and slack < _DRAIN_NOW_NS):
            return False
        self._patience = 0
        return True

    def _gap(self, now: Nanoseconds) -> Take | None:
        if self._packets:
            return self._lost(now)
        self._patience = 0
        if self._ending or self._concealed >= CONCEAL_TICKS:
            self._playing = False
            return None
        self._concealed += 1
        self.counters.add("concealed")
        return Take(self._user, Kind.CONCEAL)

    def _lost(self, now: Nanoseconds) -> Take | None:
        """Go over a packet that others have overtaken; a hole longer than concealment can bridge is jumped."""
        following = min(self._packets)
        missing = following - self._next
        if missing > CONCEAL_TICKS:
            self.counters.add("lost", missing)
            self._playing = False
            return self.take(now)
        self._next += 1
        self._timestamp += FRAME_SAMPLES
        self.counters.add("lost")
        self.counters.add("concealed")
        if missing == 1:
            return Take(self._user, Kind.REDUNDANCY, self._packets[following][1])
        return Take(self._user, Kind.CONCEAL)


class JitterBuffer:
    """All talkers' playout behind one door.

    ``push`` may be called by one other thread; everything else belongs to the mix thread.
    """

    def __init__(self) -> None:
        self._door: deque[OpusPacket] = deque(maxlen=DOOR_PACKETS)
        self._talkers: dict[UserId, TalkerBuffer] = {}
        self.counters = Counters()
        self._pushed = 0
        self._drained = 0

    @property
    def talkers(self) -> dict[UserId, TalkerBuffer]:
        """Every talker's buffer; to read."""
        return self._talkers

    def push(self, packet: OpusPacket) -> None:
        """Put a packet at the door; never blocks. A full door loses its oldest, counted as ``door_full``."""
        self._door.append(packet)
        self._pushed += 1

    def adopt(self, users: Iterable[UserId]) -> None:
        """Have exactly these talkers from now on."""
        wanted = set(users)
        for gone in self._talkers.keys() - wanted:
            del self._talkers[gone]
        for new in wanted - self._talkers.keys():
            self._talkers[new] = TalkerBuffer(new)

    def take(self, now: Nanoseconds) -> list[Take]:
        """Drain the door, then return what every talker who sounds plays in this tick."""
        self._drain()
        takes = (talker.take(now) for talker in self._talkers.values())
        return [take for take in takes if take is not None]

    def dues(self) -> list[int]:
        """Return the phases at which the talkers' packets are due, of those who have talked."""
        dues = (talker.due_ns() for talker in self._talkers.values())
        return [due for due in dues if due is not None]

    def _drain(self) -> None:
        door, drained = self._door, 0
        pushed = self._pushed
        while door:
            packet = door.popleft()
            drained += 1
            talker = self._talkers.get(packet.user)
            if talker is None:
                self.counters.add("unknown_talker")
            else:
                talker.push(packet)
        self._account(pushed, drained)

    def _account(self, pushed: int, drained: int) -> None:
        """Count what the full door dropped: pushed before this drain, yet never seen."""
        self._drained += drained
        missed = pushed - self._drained
        if missed > 0:
            self.counters.add("door_full", missed)
            self._drained += missed
