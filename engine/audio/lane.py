"""One mix at one delay: the whole way from packets to packets, for the destinations that share the delay.

The live lane always runs, with or without destinations, since what is measured of talkers is measured there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from common.types import ChannelId, Nanoseconds, UserId
from engine.audio.cue import NO_CUES, Cue
from engine.audio.decoder import Decoders
from engine.audio.delay import DelayLine
from engine.audio.encoder import TAIL_MS, Encoders
from engine.audio.frame import FRAME_MS, OpusPacket, tick_samples
from engine.audio.jitter_buffer import UNKNOWN_TALKER, JitterBuffer
from engine.audio.meter import SILENCE_LUFS, DestinationReading, SourceReading, TalkerReading
from engine.audio.mixer import Mixer
from engine.audio.opus import Opus
from engine.audio.playout import Take, TalkerBuffer
from engine.audio.settings import MixSettings
from engine.audio.slots import Slots
from engine.audio.strip import Strips
from engine.audio.suppression_rack import SuppressionRack

PATIENCE_NS = 200_000_000
"""What a delayed lane keeps back for playout: packets that came late are in time again, and redundancy is there."""

Packets = dict[ChannelId, bytes | None]

_INAUDIBLE_LUFS = SILENCE_LUFS + 1.0
_UNHEARD = TalkerReading(talking=False)


class Lane:
    """The mix for the destinations whose delay is ``delay_s``; made at ``now``."""

    def __init__(self, opus: Opus, rack: SuppressionRack, tick_ms: int, delay_s: float, now: Nanoseconds) -> None:
        self._rack = rack
        self._tick_ms = tick_ms
        self._samples = samples = tick_samples(tick_ms)
        self._delay_ns = delay_ns = round(delay_s * 1e9)
        self._started = now
        patience = min(PATIENCE_NS, delay_ns)
        self.line = DelayLine(delay_ns - patience) if delay_ns else None
        self._slots = Slots()
        self.jitter = JitterBuffer(samples, patience)
        self._decoders = Decoders(opus, samples)
        self._encoders = Encoders(opus, tick_ms)
        self.destinations: tuple[ChannelId, ...] = ()
        self._idle_ms = TAIL_MS
        self._audible: NDArray[np.bool_] | None = None
        self._sent_to: Sequence[int] = ()
        self._heard: list[bool] = []
        self._readings: dict[UserId, TalkerReading] = {}
        self.takes: list[Take] = []
        """What the last tick played."""
        self._make_arrays()

    def adopt(self, settings: MixSettings) -> None:
        """Take what concerns this lane of the settings."""
        fresh = self._slots.adopt(strip.user for strip in settings.talkers)
        slots = self._slots.taken
        if self._slots.capacity > self._capacity:
            self._strips.close()
            self._make_arrays()
        self.jitter.adopt(slots)
        self._decoders.adopt(slots)
        self._strips.adopt(settings.talkers, slots, fresh, settings.loudness)
        self._mixer.adopt(settings, slots)
        self.destinations = tuple(strip.channel for strip in settings.destinations)
        self._encoders.adopt(self.destinations)

    def tick(self, packets: Sequence[OpusPacket], now: Nanoseconds, cues: Mapping[ChannelId, Cue] = NO_CUES) -> Packets:
        """Take in what came since the last tick and return every destination's packet; the order of work of a tick.

        ``cues`` are of all lanes' destinations; what is over of them is left out.
        """
        self._arrive(packets, now)
        self.takes = self.jitter.take(now, self._strips.quiet)
        own = self._own(cues) if cues else NO_CUES
        if not self.takes and not own and self._idle_ms >= TAIL_MS:
            self._strips.rest()
            self._mixer.rest()
            return dict.fromkeys(self.destinations)
        self._idle_ms = 0 if self.takes or own else self._idle_ms + self._tick_ms
        speech = self._decoders.decode(self.takes)
        voices = self._strips.process(self.takes, speech)
        frames = self._mixer.mix(voices, own)
        sounding = self._mixer.sounding
        if own:
            sounding = [sounds or channel in own for channel, sounds in zip(self.destinations, sounding, strict=True)]
        return self._encoders.encode(frames, sounding)

    def _own(self, cues: Mapping[ChannelId, Cue]) -> Mapping[ChannelId, Cue]:
        return {channel: cue for channel, cue in cues.items() if channel in self.destinations and not cue.over}

    @property
    def places(self) -> Mapping[UserId, int]:
        """Every talker's slot."""
        return self._slots.taken

    def heard(self, destinations: Sequence[int]) -> list[bool]:
        """Return of each of the last tick's takes whether it was heard at one of these destinations (indexes)."""
        if not destinations:
            return [False] * len(self.takes)
        audible = self._mixer.audible
        if audible is not self._audible or destinations != self._sent_to:
            # While the same people talk to the same destinations, that is the same list.
            self._audible, self._sent_to = audible, destinations
            self._heard = np.logical_or.reduce(audible[list(destinations)], axis=0).tolist()
        return self._heard

    def dump(self, users: Collection[UserId], now: Nanoseconds) -> None:
        """Let nothing out of what these people said that was not heard yet; the live lane holds nothing."""
        if self.line is not None:
            self.line.dump(users, now)
            self.jitter.drop(users)

    def close(self) -> None:
        """Free all codec states."""
        self._decoders.close()
        self._encoders.close()
        self._strips.close()

    # reading, any thread

    def read_talkers(self, users: Collection[UserId], now: Nanoseconds) -> dict[UserId, TalkerReading]:
        """Return what was measured of these people."""
        loudness = self._strips.short_term.tolist()
        known, buffers = self._readings, self.jitter.talkers
        self._readings = {
            user: self._read_talker(buffers[user], loudness, now, known.get(user)) if user in buffers else _UNHEARD
            for user in users
        }
        return self._readings

    def read_sources(self) -> dict[ChannelId, SourceReading]:
        """Return the sources' levels."""
        return self._mixer.read_sources()

    def read_destinations(self, now: Nanoseconds) -> dict[ChannelId, DestinationReading]:
        """Return the destinations' levels, and how far the delay has filled: line and playout together."""
        filled_ns = min(self._delay_ns, max(0, now - self._started))
        return self._mixer.read_destinations(filled_ns / 1e6)

    @property
    def counts(self) -> dict[str, int]:
        """What was dropped, by reason."""
        queued = self.jitter.counters.snapshot()
        if self.line is None:
            return queued
        # Who is unknown is unknown to every lane; the live one counts it.
        queued.pop(UNKNOWN_TALKER, None)
        held = self.line.counters.snapshot()
        return {reason: queued.get(reason, 0) + held.get(reason, 0) for reason in queued.keys() | held.keys()}

    def _make_arrays(self) -> None:
        """Make what is indexed by slot; made anew for more talkers than ever, it has forgotten the others' past."""
        self._capacity = self._slots.capacity
        self._strips = Strips(self._capacity, self._samples, self._rack)
        self._mixer = Mixer(self._capacity, self._tick_ms)

    def _arrive(self, packets: Sequence[OpusPacket], now: Nanoseconds) -> None:
        if self.line is None:
            self.jitter.fill(packets)
            return
        self.line.hold(packets)
        self.jitter.fill(self.line.release(now))

    def _read_talker(
        self, buffer: TalkerBuffer, loudness: Sequence[float], now: Nanoseconds, last: TalkerReading | None
    ) -> TalkerReading:
        """Read one talker; whoever was quiet at the last reading, and still is, reads the same."""
        level = loudness[buffer.slot]
        talk_ms = round(buffer.quality.talk_frames * FRAME_MS)
        resting = not buffer.playing and level < _INAUDIBLE_LUFS
        if resting and last is not None and last.talk_ms == talk_ms and last.loudness < _INAUDIBLE_LUFS:
            return last
        loss, concealed, quality = buffer.quality.read()
        decoder = self._decoders.talkers.get(buffer.user)
        return TalkerReading(
            talking=buffer.playing,
            peak=self._strips.peak(buffer.slot),
            loudness=level,
            levelling=self._strips.level(buffer.slot),
            talk_ms=talk_ms,
            delay_ms=max(0, buffer.delay_ns) / 1e6,
            target_ms=buffer.arrivals.target_ns(now) / 1e6,
            jitter_ms=buffer.arrivals.jitter_ns / 1e6,
            loss=loss,
            concealed=concealed,
            quality=quality,
            counts=buffer.counters.snapshot() | (decoder.counters.snapshot() if decoder else {}),
        )


def share_of(settings: MixSettings, delay_s: float) -> MixSettings:
    """Return the settings with only the destinations of that delay."""
    chosen = [index for index, strip in enumerate(settings.destinations) if strip.delay_s == delay_s]
    return replace(
        settings,
        destinations=tuple(settings.destinations[index] for index in chosen),
        routes=tuple(tuple(row[index] for index in chosen) for row in settings.routes),
    )
