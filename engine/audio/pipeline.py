"""The audio path: packets in by one thread, a frame every tick by another, packets out to the senders.

Three doors between threads and no lock: :meth:`Pipeline.push`, :meth:`Pipeline.apply`, :meth:`Pipeline.read_meters`.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from common.types import ChannelId, Nanoseconds, UserId
from engine.audio import phase
from engine.audio.decoder import Decoders
from engine.audio.encoder import Encoders
from engine.audio.frame import TICK_MS, OpusPacket
from engine.audio.jitter_buffer import JitterBuffer, Kind, Take
from engine.audio.meter import MeterReading, Ring, TalkerReading
from engine.audio.mixer import Mixer
from engine.audio.opus import Opus
from engine.audio.settings import MixSettings
from engine.audio.strip import Strips
from engine.metrics import Counters

_STEER_TICKS = 25

Output = Callable[[bytes | None], None]
"""Takes a destination's packet of one tick, or ``None`` for a silent tick."""


class Pipeline:
    """The whole audio path of one engine."""

    def __init__(self, opus: Opus, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._outputs: dict[ChannelId, Output] = {}
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
        frames = self._mixer.mix(takes, voices)
        packets = self._encoders.encode(frames, self._mixer.sounding)
        self._send(packets, takes)

    def steer(self, now: Nanoseconds) -> int:
        """Return by how much (ns) the next tick should move so that packets wait less; ``now`` is this tick's time."""
        if self._ticks % _STEER_TICKS == 0:
            self._to_steer = phase.correction(now, self._jitter.dues())
        step = phase.step(self._to_steer)
        self._to_steer -= step
        return step

    def skip(self, ticks: int) -> None:
        """Let ``ticks`` pass that the clock was too late for: every sender's time goes on in silence."""
        self._skipped += ticks
        for output in self._outputs.values():
            for _ in range(ticks):
                output(None)

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
        self._encoders.adopt(settings.destinations)
        self._source_of = {strip.user: strip.source for strip in settings.talkers}
        self._decoded = {strip.channel: self._decoded.get(strip.channel) or Counters() for strip in settings.sources}

    def _send(self, packets: Mapping[ChannelId, bytes | None], takes: Sequence[Take]) -> None:
        """Give every destination its packet; the first one that carries sound ends its packets' residence."""
        outputs, waiting = self._outputs, True
        for channel, packet in packets.items():
            output = outputs.get(channel)
            if output is None:
                continue
            output(packet)
            if packet is not None and waiting:
                self._note_residence(takes)
                waiting = False
        self._count(takes, sent=not waiting)

    def _note_residence(self, takes: Sequence[Take]) -> None:
        now = self._clock()
        for take in takes:
            if take.packet is not None and take.kind is not Kind.REDUNDANCY:
                self._residence.add(now - take.packet.arrival)

    def _count(self, takes: Sequence[Take], *, sent: bool) -> None:
        for take in takes:
            counters = self._decoded.get(self._source_of[take.user])
            if counters is not None and take.packet is not None:
                counters.add("decoded")
                if sent:
                    counters.add("mixed")

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
            decoded={channel: counters.get("decoded") for channel, counters in sources.items()},
            mixed={channel: counters.get("mixed") for channel, counters in sources.items()},
            source_peaks=self._mixer.source_peaks,
            destination_peaks=self._mixer.destination_peaks,
            reduction=self._mixer.reduction,
            residence=self._residence.percentiles(),
            counts=self._jitter.counters.snapshot(),
        )

    def _read_talker(self, user: UserId) -> TalkerReading:
        buffer, decoder = self._jitter.talkers[user], self._decoders.talkers[user]
        return TalkerReading(
            talking=buffer.playing,
            peak=self._strips.peaks[user],
            queued_ms=float(len(buffer) * TICK_MS),
            target_ms=buffer.arrivals.target_ns / 1e6,
            jitter_ms=buffer.arrivals.jitter_ns / 1e6,
            counts=buffer.counters.snapshot() | decoder.counters.snapshot(),
        )
