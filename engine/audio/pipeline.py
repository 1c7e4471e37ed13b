"""The audio path: packets in by one thread, a frame every tick by another, packets out to the senders.

Three doors between threads and no lock: :meth:`Pipeline.push`, :meth:`Pipeline.apply`, :meth:`Pipeline.read_meters`.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from common.types import ChannelId, Nanoseconds, UserId
from engine.audio import phase
from engine.audio.decoder import Decoders
from engine.audio.encoder import Encoders
from engine.audio.frame import TICK_MS, OpusPacket
from engine.audio.jitter_buffer import JitterBuffer
from engine.audio.meter import DestinationReading, MeterReading, Ring, SourceReading, TalkerReading
from engine.audio.mixer import Mixer
from engine.audio.opus import Opus
from engine.audio.playout import Take
from engine.audio.settings import MixSettings
from engine.audio.strip import Strips
from engine.metrics import Counters

_STEER_TICKS = 5

log = logging.getLogger(__name__)

Output = Callable[[bytes | None], None]
"""Takes a destination's packet of one tick, or ``None`` for a silent tick."""


class Pipeline:
    """The whole audio path of one engine."""

    def __init__(self, opus: Opus, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._outputs: dict[ChannelId, Output] = {}
        self._counters = Counters()
        self._settings = self._applied = MixSettings()
        self._jitter = JitterBuffer()
        self._decoders = Decoders(opus)
        self._strips = Strips()
        self._mixer = Mixer()
        self._encoders = Encoders(opus)
        self._residence = Ring()
        self._decoded: dict[ChannelId, Counters] = {}
        self._source_of: dict[UserId, ChannelId] = {}
        self._ticks = self._skipped = self._to_steer = 0
        self._on_air = False
        self._reading = MeterReading()

    # doors

    def push(self, packet: OpusPacket) -> None:
        """Take in a packet (receive thread); bounded, never blocks."""
        self._jitter.push(packet)

    def apply(self, settings: MixSettings) -> None:
        """Have the next tick use ``settings`` (any thread)."""
        self._settings = settings

    def set_output(self, channel: ChannelId, output: Output | None) -> None:
        """Connect a destination to its sender, or disconnect it (any thread)."""
        outputs = {other: known for other, known in self._outputs.items() if other != channel}
        self._outputs = outputs if output is None else {**outputs, channel: output}

    # the walk

    def tick(self, now: Nanoseconds) -> None:
        """Make and send one frame; the order of work of a tick."""
        self._adopt()
        takes = self._jitter.take(now)
        speech = self._decoders.decode(takes)
        voices = self._strips.process(takes, speech)
        frames = self._mixer.mix(takes, voices, self._strips.sounding)
        packets = self._encoders.encode(frames, self._mixer.sounding)
        self._on_air = any(packets.values())
        self._send(packets, takes)

    def steer(self, now: Nanoseconds) -> int:
        """Return by how much (ns) the next tick should move so that packets wait less; ``now`` is this tick's time."""
        if self._ticks % _STEER_TICKS == 0:
            self._to_steer = phase.correction(now, self._jitter.dues(now))
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
        """Free all codec states; call after the clock has stopped."""
        self._decoders.close()
        self._encoders.close()

    def _adopt(self) -> None:
        settings = self._settings
        self._ticks += 1
        if settings is self._applied:
            return
        self._applied = settings
        users = [strip.user for strip in settings.talkers]
        self._jitter.adopt(users)
        self._decoders.adopt(users)
        self._strips.adopt(settings.talkers)
        self._mixer.adopt(settings)
        self._encoders.adopt([strip.channel for strip in settings.destinations])
        self._source_of = {strip.user: strip.source for strip in settings.talkers}
        self._decoded = {strip.channel: self._decoded.get(strip.channel) or Counters() for strip in settings.sources}

    def _send(self, packets: Mapping[ChannelId, bytes | None], takes: Sequence[Take]) -> None:
        """Give every destination its packet; the first one that holds a talker's sound ends his packets' residence."""
        waiting = {take.user: take for take in takes}
        for (channel, packet), heard in zip(packets.items(), self._mixer.sounding, strict=True):
            if self._give(channel, packet):
                self._note([waiting.pop(user) for user in heard if user in waiting])
        for take in takes:
            self._count(take, "decoded")

    def _give(self, channel: ChannelId, packet: bytes | None) -> bool:
        """Hand a packet over and tell whether that went well: one destination's trouble is not the others'."""
        output = self._outputs.get(channel)
        if output is None:
            return False
        try:
            output(packet)
        except Exception:
            self._counters.add("output_failed")
            if self._counters.get("output_failed") == 1:
                log.exception("a destination took no packet; later failures are only counted")
            return False
        return packet is not None

    def _note(self, takes: Sequence[Take]) -> None:
        """Keep how long the packets that were just sent have been here."""
        now = self._clock()
        for take in takes:
            self._count(take, "mixed")
            for packet in take.played:
                self._residence.add(now - packet.arrival)

    def _count(self, take: Take, hop: str) -> None:
        counters = self._decoded.get(self._source_of[take.user])
        if counters is not None and take.played:
            counters.add(hop, len(take.played))

    # measuring

    def read_meters(self) -> MeterReading:
        """Return what was measured (any thread). A reading that meets a change of talkers returns the one before."""
        try:
            self._reading = self._read()
        except (KeyError, RuntimeError, ValueError):
            # The mix thread changed a map while it was being copied; there is another reading in 40 ms.
            return self._reading
        return self._reading

    def _read(self) -> MeterReading:
        sources = self._decoded
        return MeterReading(
            ticks=self._ticks,
            skipped_ticks=self._skipped,
            talkers={user: self._read_talker(user) for user in list(self._source_of)},
            sources={
                channel: SourceReading(
                    peak, decoded=sources[channel].get("decoded"), mixed=sources[channel].get("mixed")
                )
                for channel, peak in self._mixer.source_peaks.items()
            },
            destinations={
                channel: DestinationReading(peak, reduction=self._mixer.reduction[channel])
                for channel, peak in self._mixer.destination_peaks.items()
            },
            residence=self._residence.percentiles(),
            counts=self._jitter.counters.snapshot() | self._counters.snapshot(),
        )

    def _read_talker(self, user: UserId) -> TalkerReading:
        buffer, decoder = self._jitter.talkers[user], self._decoders.talkers[user]
        return TalkerReading(
            talking=buffer.playing,
            peak=self._strips.peaks[user],
            delay_ms=float(len(buffer) * TICK_MS),
            target_ms=buffer.arrivals.target_ns / 1e6,
            jitter_ms=buffer.arrivals.jitter_ns / 1e6,
            counts=buffer.counters.snapshot() | decoder.counters.snapshot(),
        )
