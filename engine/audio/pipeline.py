"""The audio path: packets in by one thread, a frame every tick by another, packets out to the senders.

Doors between threads, and no lock: :meth:`Pipeline.push`, :meth:`Pipeline.apply`, :meth:`Pipeline.dump`,
:meth:`Pipeline.play`, :meth:`Pipeline.read_meters`.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from common.types import ChannelId, Nanoseconds, UserId
from engine.audio import phase
from engine.audio.cue import NO_CUES, Cue
from engine.audio.encoder import TAIL_MS
from engine.audio.frame import TICK_MS, OpusPacket
from engine.audio.jitter_buffer import Door
from engine.audio.lane import Lane, Packets, share_of
from engine.audio.meter import DestinationReading, MeterReading, SourceReading
from engine.audio.opus import Opus
from engine.audio.passage import Passage
from engine.audio.settings import MixSettings
from engine.audio.suppression_rack import SuppressionRack
from engine.audio.transition import first_step
from engine.metrics import Counters

_LIVE = 0.0
_STEER_TICKS = 5
_DUMPS = 64

log = logging.getLogger(__name__)

Output = Callable[[bytes | None], None]
"""Takes a destination's packet of one tick, or ``None`` for a silent tick."""


class Pipeline:
    """The whole audio path of one engine; ``clock`` is what arrivals are noted by, ``tick_ms`` 20 or 10."""

    def __init__(self, opus: Opus, clock: Callable[[], int] = time.perf_counter_ns, tick_ms: int = TICK_MS) -> None:
        self._opus = opus
        self._clock = clock
        self._tick_ms = tick_ms
        self._outputs: dict[ChannelId, Output] = {}
        self._counters = Counters()
        self._settings = self._in_force = MixSettings()
        self._aim: MixSettings | None = None
        self._steps_left = 0
        self._door = Door()
        self._arrived: list[OpusPacket] = []
        self._dumps: deque[frozenset[UserId]] = deque(maxlen=_DUMPS)
        self._cues: Mapping[ChannelId, Cue] = NO_CUES
        self._rack = SuppressionRack()
        self._live = Lane(opus, self._rack, tick_ms, _LIVE, Nanoseconds(0))
        self._lanes: dict[float, Lane] = {_LIVE: self._live}
        self._passage = Passage()
        self._users: tuple[UserId, ...] = ()
        self._ticks = self._skipped = self._to_steer = 0
        self._on_air = False
        self._reading = MeterReading()

    # doors

    def push(self, packet: OpusPacket) -> None:
        """Take in a packet (receive thread); bounded, never blocks."""
        self._door.push(packet)

    def apply(self, settings: MixSettings) -> None:
        """Have the next tick use ``settings`` (any thread)."""
        self._settings = settings

    def dump(self, users: Collection[UserId]) -> None:
        """Have the delayed mixes never play what these people have said so far (any thread)."""
        self._dumps.append(frozenset(users))

    def play(self, channel: ChannelId, cue: Cue) -> None:
        """Have one destination hear ``cue`` besides its mix (the loop's thread); it is not delayed."""
        self._cues = {**{other: known for other, known in self._cues.items() if not known.over}, channel: cue}

    def set_output(self, channel: ChannelId, output: Output | None) -> None:
        """Connect a destination to its sender, or disconnect it (any thread)."""
        outputs = {other: known for other, known in self._outputs.items() if other != channel}
        self._outputs = outputs if output is None else {**outputs, channel: output}

    # the walk

    def awaits(self, now: Nanoseconds) -> bool:
        """Tell whether somebody's packet is expected this very moment; ``now`` is the time it is, not the tick's."""
        self._arrived += self._door.drain()
        return self._live.jitter.awaits(self._arrived, now)

    def tick(self, now: Nanoseconds) -> None:
        """Make and send one frame of every mix; what a mix does in a tick stands in :meth:`Lane.tick`."""
        self._adopt(now)
        self._drop(now)
        arrived, self._arrived = self._arrived + self._door.drain(), []
        self._on_air = False
        for lane in self._lanes.values():
            try:
                self._mix(lane, arrived, now)
            except Exception:
                if self._counted_first("mix_failed"):
                    log.exception("a mix failed; the others go on, later failures are only counted")
                self._send(dict.fromkeys(lane.destinations))

    def steer(self, now: Nanoseconds) -> int:
        """Return by how much (ns) the next tick should move so that packets wait less; ``now`` is this tick's time."""
        if self._ticks % _STEER_TICKS == 0:
            self._to_steer = phase.correction(now, self._live.jitter.dues(now), self._tick_ms * 1_000_000)
        step = phase.step(self._to_steer) if self._on_air else self._to_steer
        self._to_steer -= step
        return step

    def skip(self, ticks: int) -> None:
        """Let ``ticks`` pass that the clock was too late for: every sender's time goes on in silence."""
        self._skipped += ticks
        for channel in self._outputs:
            for _ in range(ticks):
                self._give(channel, None)

    def close(self) -> None:
        """Free all codec states and effects; call after the clock has stopped, since it may wait."""
        for lane in self._lanes.values():
            lane.close()
        self._rack.close()

    def _adopt(self, now: Nanoseconds) -> None:
        self._ticks += 1
        aim = self._settings
        settings = self._next_step(aim)
        if settings is self._in_force:
            return
        self._in_force = settings
        wanted = {_LIVE, *(strip.delay_s for strip in settings.destinations)}
        for gone in self._lanes.keys() - wanted:
            self._give_up(self._lanes.pop(gone))
        for delay in sorted(wanted):
            if delay not in self._lanes:
                self._lanes[delay] = Lane(self._opus, self._rack, self._tick_ms, delay, now)
            self._lanes[delay].adopt(share_of(settings, delay))
        self._passage.adopt(settings, self._live.places)
        self._users = tuple(strip.user for strip in aim.talkers)

    def _next_step(self, aim: MixSettings) -> MixSettings:
        """Return what holds in this tick on the way to ``aim``."""
        if aim is self._in_force:
            return aim
        if self._aim is not aim:
            self._aim, self._steps_left = aim, TAIL_MS // self._tick_ms
            return first_step(self._in_force, aim)
        self._steps_left -= 1
        return self._in_force if self._steps_left else aim

    def _give_up(self, lane: Lane) -> None:
        """Free a lane; what it counted stays counted."""
        for reason, count in lane.counts.items():
            self._counters.add(reason, count)
        lane.close()

    def _drop(self, now: Nanoseconds) -> None:
        while self._dumps:
            users = self._dumps.popleft()
            for lane in self._lanes.values():
                lane.dump(users, now)

    def _mix(self, lane: Lane, arrived: Sequence[OpusPacket], now: Nanoseconds) -> None:
        sent = self._send(lane.tick(arrived, now, self._cues))
        if lane is self._live and lane.takes:
            self._passage.note(lane.takes, lane.heard(sent), Nanoseconds(self._clock()))

    def _counted_first(self, what: str) -> bool:
        """Count what went wrong, and tell whether it was the first time."""
        self._counters.add(what)
        return self._counters.get(what) == 1

    def _send(self, packets: Packets) -> list[int]:
        """Give every destination its packet; return the indexes of those that took one with sound."""
        sent = [index for index, (channel, packet) in enumerate(packets.items()) if self._give(channel, packet)]
        self._on_air = self._on_air or any(packets.values())
        return sent

    def _give(self, channel: ChannelId, packet: bytes | None) -> bool:
        """Hand a packet over and tell whether that went well: one destination's trouble is not the others'."""
        output = self._outputs.get(channel)
        if output is None:
            return False
        try:
            output(packet)
        except Exception:
            if self._counted_first("output_failed"):
                log.exception("a destination took no packet; later failures are only counted")
            return False
        return packet is not None

    # measuring

    def read_meters(self) -> MeterReading:
        """Return what was measured (any thread). A reading that meets a change of talkers returns the one before."""
        try:
            self._reading = self._read()
        except (KeyError, IndexError, RuntimeError, ValueError):
            # The mix thread changed a map while it was being copied; there is another reading in 40 ms.
            return self._reading
        return self._reading

    def _read(self) -> MeterReading:
        now = Nanoseconds(self._clock())
        return MeterReading(
            ticks=self._ticks,
            skipped_ticks=self._skipped,
            talkers=self._live.read_talkers(self._users, now),
            sources=self._read_sources(),
            destinations=self._read_destinations(now),
            residence=self._passage.residence,
            counts=self._counts(),
        )

    def _read_sources(self) -> dict[ChannelId, SourceReading]:
        decoded, mixed = self._passage.decoded(), self._passage.mixed()
        return {
            channel: replace(reading, decoded=decoded[channel], mixed=mixed[channel])
            for channel, reading in self._live.read_sources().items()
        }

    def _read_destinations(self, now: Nanoseconds) -> dict[ChannelId, DestinationReading]:
        readings: dict[ChannelId, DestinationReading] = {}
        for lane in tuple(self._lanes.values()):
            readings.update(lane.read_destinations(now))
        return readings

    def _counts(self) -> dict[str, int]:
        counts = self._door.counters.snapshot() | self._counters.snapshot() | self._rack.counts
        for lane in tuple(self._lanes.values()):
            counts |= {reason: counts.get(reason, 0) + count for reason, count in lane.counts.items()}
        return counts
