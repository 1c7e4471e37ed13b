"""One talker's playout: packets in whatever order they come, one decision a packet's time; pure.

The rules, and why:

- Order is the RTP sequence; the timestamp tells a pause from a loss: numbers that go on while time jumped were
  never sent.
- A stretch of talk starts when its first packet has waited the target: 0 on a clean network, so at the next tick.
- A missing packet that a later one has overtaken is lost: conceal it (from the next packet's redundancy if that is
  there) and go on.
- Nothing there at all: conceal a tick without going on, since the packet may only be late; if what comes next shows
  that it was lost, it has been concealed already. After 80 ms, the end of them fading, give up until something comes.
- Redundancy is of use only if the packet after a lost one is there in time. While packets get lost and carry it, the
  target is a frame longer: 20 ms buy back most of what was lost.
- Delay is put right where it is least heard, a tick at a time: in quiet parts a tick is made up when the delay is
  below the target, and two packets overlap by a tick when there is one to spare (clock drift, a wave of late packets
  that has passed). Loud talk waits for a quiet part a second, 200 ms on a clean network, or until 100 ms are to
  spare: so delay never grows without bound however long somebody talks.
- A packet that is longer than a tick is decoded once and played in parts. A tick to spare may then be less than a
  packet: such a packet is shortened by a tick, its end overlapping with what is a tick before that.
"""

from enum import Enum
from typing import NamedTuple

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.arrivals import Arrivals
from engine.audio.frame import (
    FRAME_NS,
    FRAME_SAMPLES,
    SAMPLES_BY_FIRST_BYTE,
    SILENCE,
    OpusPacket,
    has_redundancy,
    nanoseconds,
    packet_samples,
)
from engine.audio.quality import SLICE_FRAMES, Quality
from engine.metrics import Counters

BUFFER_PACKETS = 50
"""Packets one talker may have queued, 1 s; more would be heard as history."""

CONCEAL_FRAMES = 4
"""Packets' times that are concealed in a row, at most; when nothing comes the last tick of them fades out."""

_DRAIN_TAKES = 2
_DRAIN_CLEAN_TAKES = 10
_DRAIN_LOUD_TAKES = 50
_DRAIN_NOW_NS = 5 * FRAME_NS
_STEERING_NS = 1_500_000_000
_SEQUENCE_JUMP = 1_500
_LATE_RUN = 10
_HALF_16 = 0x8000
_HALF_32 = 0x80000000
_LOSSES_FOR_REDUNDANCY = 2
_LOSS_MEMORY_NS = 10_000_000_000


class Kind(Enum):
    """What a tick plays of one talker."""

    PACKET = "packet"
    OVERLAY = "overlay"
    SHORTEN = "shorten"
    SEVERAL = "several"
    REDUNDANCY = "redundancy"
    CONCEAL = "conceal"
    FADE = "fade"
    REST = "rest"


class Take(NamedTuple):
    """One talker's share of a tick; ``slot`` is the talker's place in arrays, ``samples`` how long the share lasts.

    ``PACKET``: decode ``packet``. ``OVERLAY``: decode ``skipped``, then ``packet``, and let them overlap, fading from
    one to the other, so that they last ``samples``. ``SHORTEN``: decode ``packet``, a tick longer than ``samples``, and
    let its last two ticks overlap.
    ``SEVERAL``: decode ``packet`` and ``more``, each shorter than a tick, one after another; conceal what is missing.
    ``REDUNDANCY``: decode what ``packet``, the one after the lost one, carries of it. ``CONCEAL``: no packet.
    ``FADE``: conceal and fade out, nothing follows for now. ``REST``: go on with what was decoded before.
    ``silent`` marks the sender's own silence.
    """

    slot: int
    kind: Kind
    packet: OpusPacket | None = None
    skipped: OpusPacket | None = None
    samples: int = FRAME_SAMPLES
    silent: bool = False
    more: tuple[OpusPacket, ...] = ()


class TalkerBuffer:
    """Playout of one talker.

    ``floor_ns`` is the least target: a delayed mix has all the time in the world.
    """

    __slots__ = (
        "_concealed",
        "_ending",
        "_expected",
        "_following",
        "_fresh",
        "_highest",
        "_late_number",
        "_late_run",
        "_losses_since",
        "_next",
        "_packets",
        "_patience",
        "_playing",
        "_recent_losses",
        "_rest",
        "_samples",
        "_short_since",
        "_ssrc",
        "_tick",
        "_tick_ns",
        "_timestamp",
        "arrivals",
        "counters",
        "delay_ns",
        "quality",
        "slot",
        "user",
    )

    _ssrc: Ssrc | None
    _highest: int
    _following: int
    _timestamp: int
    _expected: int
    _next: int
    _ending: bool
    _late_number: int
    _late_run: int
    _short_since: Nanoseconds | None

    def __init__(self, user: UserId, slot: int = 0, tick: int = FRAME_SAMPLES, floor_ns: int = 0) -> None:
        self.user = user
        self.slot = slot
        self.counters = Counters()
        self.quality = Quality()
        self.arrivals = Arrivals(floor_ns)
        self.delay_ns = 0
        """How long the packet played last had been here when its tick was due; below 0 if the tick waited for it."""
        self._tick = tick
        self._tick_ns = nanoseconds(tick)
        self._packets: dict[int, tuple[int, OpusPacket]] = {}
        self._playing = False
        self._samples = FRAME_SAMPLES
        self._rest = 0
        self._recent_losses = 0
        self._losses_since = 0
        self._begin(None)

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def playing(self) -> bool:
        """Whether a stretch of talk is being played."""
        return self._playing

    def push(self, packet: OpusPacket) -> None:
        """Take in one packet in whatever order it came."""
        if packet.sequence != self._following or packet.ssrc != self._ssrc:
            self._sort_in(packet)
            return
        # The next one in order, as nearly all are.
        arrival = packet.arrival
        timestamp = self._timestamp + ((packet.timestamp - self._timestamp + _HALF_32) & 0xFFFFFFFF) - _HALF_32
        self._highest += 1
        self._timestamp = timestamp
        self._following = (packet.sequence + 1) & 0xFFFF
        packets = self._packets
        if not packets and not self._playing:
            self.arrivals.begin(timestamp, arrival)
        packets[self._highest] = timestamp, packet
        self.arrivals.add(timestamp, arrival)
        if len(packets) > BUFFER_PACKETS:
            self._overflow()

    def awaited(self, now: Nanoseconds) -> bool:
        """Tell whether the packet that the next tick needs isn't here, and is not so late yet as others were."""
        return (
            self._playing
            and not self._packets
            and self._rest <= 0
            and not self._concealed
            and not self._ending
            and self.arrivals.may_come(self._expected, now)
        )

    def take(self, now: Nanoseconds, quiet: bool = False) -> Take | None:
        """Return what this tick plays, ``None`` for silence; ``quiet`` tells whether the last tick was."""
        if self._rest > 0:
            self._rest -= self._tick
            return Take(self.slot, Kind.REST, None, None, 0, self._ending)
        if not self._playing and not self._start(now):
            return None
        found = self._packets.pop(self._next, None)
        if found is None:
            return self._gap(now)
        timestamp, packet = found
        self.delay_ns = delay = now - packet.arrival
        if quiet or self._packets or self._concealed or timestamp != self._expected or delay > self._tick_ns:
            return self._play_with_care(timestamp, packet, now, quiet=quiet)
        # The one packet that is due and no other, as nearly always.
        payload = packet.payload
        samples = (SAMPLES_BY_FIRST_BYTE[payload[0]] if payload else 0) or packet_samples(payload) or FRAME_SAMPLES
        if samples < self._tick:
            return self._play_with_care(timestamp, packet, now, quiet=quiet)
        self._next += 1
        self._samples = samples
        self._expected = timestamp + samples
        self._patience = 0
        self._rest = samples - self._tick
        self._ending = ending = payload == SILENCE
        if not ending:
            quality = self.quality
            quality.frames += samples / FRAME_SAMPLES
            if quality.frames >= SLICE_FRAMES:
                quality.turn()
        return Take(self.slot, Kind.PACKET, packet, None, samples, ending)

    def drop(self) -> int:
        """Forget what is queued, unheard, and return how many packets that were; what sounds fades out in a tick."""
        dropped = len(self._packets)
        self._packets.clear()
        self._rest = 0
        self._fresh = True
        # The next tick finds nothing and gives up at once.
        self._concealed = CONCEAL_FRAMES * FRAME_SAMPLES
        return dropped

    # how packets come in

    def _begin(self, packet: OpusPacket | None) -> None:
        """Start afresh with a new stream (SSRC), or one whose numbers jumped."""
        if self._packets:
            self.counters.add("stale", len(self._packets))
        self._packets.clear()
        self._late_number, self._late_run = -1, 0
        self._ssrc = packet.ssrc if packet else None
        self._highest = packet.sequence if packet else 0
        self._following = -1
        self._timestamp = self._expected = packet.timestamp if packet else 0
        self._next = self._highest - _SEQUENCE_JUMP
        self._fresh = True
        self._playing = False
        self._ending = False
        self._concealed = 0
        self._patience = 0
        self._short_since = None
        self.arrivals.restart()

    def _sort_in(self, packet: OpusPacket) -> None:
        """Take in a packet that is not simply the next one: of another stream, overtaken, late or doubled."""
        if packet.ssrc != self._ssrc:
            self._begin(packet)
        highest = self._highest
        sequence = highest + ((packet.sequence - highest + _HALF_16) & 0xFFFF) - _HALF_16
        jumped = not -_SEQUENCE_JUMP <= sequence - highest <= _SEQUENCE_JUMP
        if jumped or (sequence < self._next and self._began_anew(packet)):
            self._begin(packet)
            sequence = packet.sequence
        timestamp = self._timestamp + ((packet.timestamp - self._timestamp + _HALF_32) & 0xFFFFFFFF) - _HALF_32
        if sequence < self._next:
            self.counters.add("late")
            self.arrivals.add(timestamp, packet.arrival)
        elif sequence in self._packets:
            self.counters.add("duplicate")
        else:
            self._keep(sequence, timestamp, packet)

    def _began_anew(self, packet: OpusPacket) -> bool:
        """Tell whether late packets follow each other so long that the sender must have begun its numbers anew."""
        follows = packet.sequence == (self._late_number + 1) & 0xFFFF
        self._late_run = self._late_run + 1 if follows else 1
        self._late_number = packet.sequence
        return self._late_run > _LATE_RUN

    def _keep(self, sequence: int, timestamp: int, packet: OpusPacket) -> None:
        if sequence > self._highest:
            self._highest, self._timestamp = sequence, timestamp
            self._following = (packet.sequence + 1) & 0xFFFF
        if not self._playing and not self._packets:
            self.arrivals.begin(timestamp, packet.arrival)
        self._packets[sequence] = timestamp, packet
        self.arrivals.add(timestamp, packet.arrival)
        if len(self._packets) > BUFFER_PACKETS:
            self._overflow()

    def _overflow(self) -> None:
        oldest = min(self._packets)
        del self._packets[oldest]
        self._next = max(self._next, oldest + 1)
        self.counters.add("overflow")

    # how they go out

    def _start(self, now: Nanoseconds) -> bool:
        """Begin a stretch if its first packet has waited the target."""
        if not self._packets:
            return False
        first = min(self._packets)
        timestamp, packet = self._packets[first]
        target = self.arrivals.target_ns(now)
        if now - packet.arrival < target and self.arrivals.slack_ns(timestamp, now) < 0:
            return False
        self._playing, self._ending = True, False
        self._concealed, self._patience = 0, 0
        if not self._fresh and first > self._next:
            self._count_lost(first - self._next, now)
        self._fresh = False
        self._next, self._expected = first, timestamp
        return True

    def _play_with_care(self, timestamp: int, packet: OpusPacket, now: Nanoseconds, *, quiet: bool) -> Take | None:
        if timestamp > self._expected and self.arrivals.slack_ns(timestamp, now) < 0:
            # The sender paused without saying so; this packet begins a new stretch.
            self._packets[self._next] = timestamp, packet
            return self._stop()
        if quiet and not self._concealed and self._too_short(timestamp, now):
            self._packets[self._next] = timestamp, packet
            return self._insert()
        if self._concealed:
            self.arrivals.ran_dry(now)
        elif self.arrivals.extra_ns and now - self._losses_since > _LOSS_MEMORY_NS:
            self.arrivals.extra_ns = 0
        self._advance(timestamp, packet)
        if self._samples < self._tick:
            return self._several(packet)
        follower = self._packets.get(self._next)
        followed = follower is not None and packet_samples(follower[1].payload) >= self._tick
        if not followed and self._samples < 2 * self._tick:
            self._patience = 0
        elif self._too_long(timestamp, now, quiet=quiet):
            return self._overlay(packet, *self._packets.pop(self._next)) if followed else self._shorten(packet)
        if not self._ending:
            self.quality.played(self._samples / FRAME_SAMPLES)
        self._rest = self._samples - self._tick
        return Take(self.slot, Kind.PACKET, packet, None, self._samples, self._ending)

    def _several(self, first: OpusPacket) -> Take:
        """Play as many packets shorter than a tick as fill one; the part that isn't there is concealed."""
        more, samples = [], self._samples
        while samples < self._tick and self._next in self._packets:
            timestamp, packet = self._packets.pop(self._next)
            self._advance(timestamp, packet)
            more.append(packet)
            samples += self._samples
        self.quality.played(samples / FRAME_SAMPLES)
        if samples < self._tick:
            self.counters.add("concealed")
            self.quality.concealed((self._tick - samples) / FRAME_SAMPLES)
        length = max(samples, self._tick)
        self._rest = length - self._tick
        return Take(self.slot, Kind.SEVERAL, first, None, length, self._ending, tuple(more))

    def _overlay(self, skipped: OpusPacket, timestamp: int, packet: OpusPacket) -> Take:
        samples, length = self._samples - self._tick, self._samples
        self._advance(timestamp, packet)
        self.counters.add("drained")
        self.quality.played((length + self._samples) / FRAME_SAMPLES)
        return self._made(Kind.OVERLAY, samples + self._samples, packet, skipped)

    def _shorten(self, packet: OpusPacket) -> Take:
        self.counters.add("drained")
        self.quality.played(self._samples / FRAME_SAMPLES)
        return self._made(Kind.SHORTEN, self._samples - self._tick, packet)

    def _advance(self, timestamp: int, packet: OpusPacket) -> None:
        payload = packet.payload
        self._next += 1
        self._samples = samples = packet_samples(payload) or FRAME_SAMPLES
        self._expected = timestamp + samples
        self._concealed = 0
        self._ending = payload == SILENCE

    def _made(
        self, kind: Kind, samples: int, packet: OpusPacket | None = None, skipped: OpusPacket | None = None
    ) -> Take:
        self._rest = samples - self._tick
        return Take(self.slot, kind, packet, skipped, samples)

    def _too_long(self, timestamp: int, now: Nanoseconds, *, quiet: bool) -> bool:
        """Tell whether there is a tick to spare, not by the luck of this one, and now is the time to spare it."""
        surplus = self.arrivals.surplus_ns(timestamp, now) - self._tick_ns
        if surplus < 0:
            self._patience = 0
            return False
        self._patience += 1
        loud = _DRAIN_CLEAN_TAKES if self.arrivals.clean else _DRAIN_LOUD_TAKES
        patient = _DRAIN_TAKES if quiet else loud
        if self._patience < patient and surplus < _DRAIN_NOW_NS:
            return False
        self._patience = 0
        return True

    def _too_short(self, timestamp: int, now: Nanoseconds) -> bool:
        """Tell whether packets come so close to their tick, or after the target, that some will soon miss it.

        What lacks less than a tick is left to the steering of the tick for a while, which costs nobody anything.
        """
        if not self.arrivals.settled:
            return False
        surplus = self.arrivals.surplus_ns(timestamp, now)
        if surplus >= 0:
            self._short_since = None
            return False
        if self._short_since is None:
            self._short_since = now
        return now - self._short_since >= _STEERING_NS or surplus <= -self._tick_ns

    def _insert(self) -> Take:
        """Make a tick up in a quiet part, for the delay to come up to the target."""
        self.counters.add("inserted")
        self._patience = 0
        self._short_since = None
        return self._made(Kind.CONCEAL, self._tick)

    def _gap(self, now: Nanoseconds) -> Take | None:
        if self._packets:
            return self._overtaken(now)
        self._patience = 0
        if self._ending:
            return self._stop()
        self._concealed += self._tick
        if self._concealed >= CONCEAL_FRAMES * FRAME_SAMPLES:
            return self._stop()
        return self._conceal(self._tick)

    def _conceal(self, samples: int) -> Take:
        self.counters.add("concealed")
        self.quality.concealed(samples / FRAME_SAMPLES)
        return self._made(Kind.CONCEAL, samples)

    def _overtaken(self, now: Nanoseconds) -> Take | None:
        """Go over packets that others have overtaken; what was concealed while waiting for them counts for them."""
        following = min(self._packets)
        missing = following - self._next
        timestamp, packet = self._packets[following]
        redundant = self._worth_waiting(packet, now)
        bridged = min(missing, self._concealed // self._samples)
        if redundant and bridged == missing and self.arrivals.slack_ns(timestamp, now) < 0:
            # What was concealed stays as the delay that is wanted, and the lost packet is played as well.
            bridged -= 1
        if missing - bridged > CONCEAL_FRAMES:
            return self._jump(now)
        made_up = (self._concealed - bridged * self._samples) % self._samples
        self._concealed = 0
        self._lose(bridged, now)
        if missing == bridged:
            return self.take(now)
        self._lose(1, now)
        if missing - bridged == 1 and has_redundancy(packet.payload):
            self.counters.add("restored")
            self.quality.restored(self._samples / FRAME_SAMPLES)
            return self._made(Kind.REDUNDANCY, self._samples, packet)
        # A part of the lost packet may have been made up already.
        return self._conceal(self._samples - made_up)

    def _worth_waiting(self, packet: OpusPacket, now: Nanoseconds) -> bool:
        """Tell whether packets get lost, and carry the one before them, often enough for a frame more of delay."""
        recent = self._recent_losses if now - self._losses_since <= _LOSS_MEMORY_NS else 0
        if recent + 1 < _LOSSES_FOR_REDUNDANCY or not has_redundancy(packet.payload):
            return False
        self.arrivals.extra_ns = FRAME_NS
        return True

    def _lose(self, count: int, now: Nanoseconds) -> None:
        if count:
            self._next += count
            self._expected += count * self._samples
            self._count_lost(count, now)

    def _count_lost(self, count: int, now: Nanoseconds) -> None:
        self.counters.add("lost", count)
        self.quality.lost(count)
        if now - self._losses_since > _LOSS_MEMORY_NS:
            self._recent_losses = 0
        self._recent_losses += 1
        self._losses_since = now

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
        self.quality.concealed(self._tick / FRAME_SAMPLES)
        return self._made(Kind.FADE, self._tick)
