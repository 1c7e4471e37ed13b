"""Talkers to source buses, source buses to destinations by the route matrix, and the limiter.

The buses are, in this order: each source's talkers; each source's priority talkers, whom ducking leaves alone; what is
soloed, before its fader, for monitors. Only the first kind is in use in most shows, and costs.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from common.types import ChannelId, UserId
from engine.audio.cue import NO_CUES, Cue
from engine.audio.equalizer import Equalizer
from engine.audio.frame import CHANNELS, Frame, tick_samples
from engine.audio.loudness import Loudness
from engine.audio.meter import DestinationReading, SourceReading, peaks
from engine.audio.output_bus import LOUDNESS_TICKS, OutputBus
from engine.audio.settings import MixSettings, SourceStrip
from engine.audio.strip import Voices

Matrix = NDArray[np.float32]
Places = NDArray[np.intp]
Switches = NDArray[np.bool_]

_NOWHERE = -1
_NOBODY: Places = np.zeros(0, np.intp)

_EQUALIZER_MS = 60
"""After this time nothing is left of what went through an equalizer."""


class Mixer:
    """Mixes for all destinations of one lane at once; ``mix`` returns one frame each."""

    def __init__(self, capacity: int, tick_ms: int) -> None:
        self._tick_ms = tick_ms
        self._samples = tick_samples(tick_ms)
        self._fall = np.linspace(1.0, 0.0, self._samples, dtype=np.float32)
        self._sources: tuple[ChannelId, ...] = ()
        self._outputs: dict[ChannelId, OutputBus] = {}
        self._settings = MixSettings()
        self._bus_of = self._bus_heard = np.full(capacity, _NOWHERE, np.intp)
        self._solo = self._solo_heard = np.zeros((2, capacity), np.bool_)
        self._soloing = self._prioritized = False
        self._changed = self._moving = self._ducking_now = False
        self._gains: Matrix = np.zeros((0, 0), np.float32)
        self._extra_ms = 0
        self._resting = True
        self._pattern: Matrix = np.zeros((0, 0), np.float32)
        self._pattern_of = (_NOBODY, _NOBODY)
        self._audible_of = (_NOBODY, np.zeros(0, np.bool_))
        self.sounding: list[bool] = []
        """Per destination, whether anybody is heard there in the last frame."""
        self.audible: Switches = np.zeros((0, 0), np.bool_)
        """Who of the last voices is heard where, shape (destinations, n)."""
        self._resize()
        self._monitors = np.zeros(0, np.bool_)

    def adopt(self, settings: MixSettings, slots: Mapping[UserId, int]) -> None:
        """Take the routes; changes of gain are ramped over the next frame.

        A destination that comes starts at its gains; other sources than before start everything afresh.
        """
        sources = tuple(strip.channel for strip in settings.sources)
        same, before = sources == self._sources, list(self._outputs)
        self._settings, self._sources = settings, sources
        self._place_talkers(settings, slots)
        if not same:
            self._resize()
            self._bus_heard, self._solo_heard = self._bus_of, self._solo
        self._adopt_destinations(settings)
        bands = [(eq.low_db, eq.mid_db, eq.high_db) for eq in (strip.equalizer for strip in settings.sources)]
        self._equalizer.adopt(bands)
        self._priority_equalizer.adopt(bands)
        self._routes = _routes(settings)
        self._monitors = np.array([strip.monitor for strip in settings.destinations], np.bool_)
        if not same:
            self._jump()
        elif before != list(self._outputs):
            self._carry_gains(before)
        self._changed = True

    def mix(self, voices: Voices, cues: Mapping[ChannelId, Cue] = NO_CUES) -> list[Frame]:
        """Return a frame for each destination, (samples, 2); valid until the next call.

        ``cues`` are what single destinations hear besides, whatever the routes say; the kill switch stops them.
        Never above the limiter's ceiling; NaN or infinite input is taken as silence.
        """
        self._resting = False
        if self._settings.kill:
            for cue in cues.values():
                cue.stop()
        self._fill_buses(voices)
        self._equalize()
        self._source_loudness.measure(self._every_source, self._sums())
        self._move_gains(voices)
        self._send_buses()
        for channel, output in self._outputs.items():
            output.finish(cues.get(channel))
        return [output.frame for output in self._outputs.values()]

    def rest(self) -> None:
        """Let a tick pass in which nobody sounds: what was changed meanwhile holds from the first sample on."""
        self._bus_heard, self._solo_heard = self._bus_of, self._solo
        if not self._resting:
            self._resting = True
            self._buses[:] = 0.0
        self._source_loudness.rest()
        moved = [output.rest() for output in self._outputs.values()]
        if self._changed or any(moved):
            self._ducking_now = any(output.ducked < 1.0 for output in self._outputs.values())
            self._jump()

    # reading, any thread

    def read_sources(self) -> dict[ChannelId, SourceReading]:
        """Return the levels of every source."""
        highest = peaks(self._sums())
        loudness = self._source_loudness.short_term
        return {
            channel: SourceReading(float(highest[row]), float(loudness[row]))
            for row, channel in enumerate(self._sources)
        }

    def read_destinations(self, held_ms: float) -> dict[ChannelId, DestinationReading]:
        """Return the levels of every destination."""
        return {channel: output.read(held_ms) for channel, output in self._outputs.items()}

    # what it is made of

    def _resize(self) -> None:
        sources = len(self._sources)
        self._buses = np.zeros((2 * sources + 1, self._samples), np.float32)
        self._equalizer = Equalizer(sources, self._samples)
        self._priority_equalizer = Equalizer(sources, self._samples)
        self._source_loudness = Loudness(sources, self._samples, every=LOUDNESS_TICKS)
        self._every_source = np.arange(sources)

    def _adopt_destinations(self, settings: MixSettings) -> None:
        known = self._outputs
        self._outputs = {
            strip.channel: known.get(strip.channel) or OutputBus(self._tick_ms) for strip in settings.destinations
        }
        for strip in settings.destinations:
            self._outputs[strip.channel].adopt(strip.duck_db)

    def _carry_gains(self, before: list[ChannelId]) -> None:
        """Let the destinations that stay go on from their gains; those that come begin with theirs."""
        gains = self._matrix()
        shape = (len(self._outputs), CHANNELS, len(self._buses))
        rows, known = gains.reshape(shape), self._gains.reshape(len(before), *shape[1:])
        for row, channel in enumerate(self._outputs):
            if channel in before:
                rows[row] = known[before.index(channel)]
        self._gains = gains
        self._moving = True

    def _place_talkers(self, settings: MixSettings, slots: Mapping[UserId, int]) -> None:
        row = {channel: index for index, channel in enumerate(self._sources)}
        soloed = {strip.channel for strip in settings.sources if strip.solo}
        self._bus_of = np.full_like(self._bus_heard, _NOWHERE)
        self._solo = np.zeros_like(self._solo_heard)
        for strip in settings.talkers:
            source = row.get(strip.source)
            if source is not None:
                self._bus_of[slots[strip.user]] = source + (len(row) if strip.priority else 0)
                self._solo[:, slots[strip.user]] = strip.solo, strip.source in soloed
        self._soloing = bool(self._solo.any() or soloed)
        self._prioritized = any(strip.priority for strip in settings.talkers)
        came = (self._bus_heard == _NOWHERE) | (self._bus_of == _NOWHERE)
        self._bus_heard = np.where(came, self._bus_of, self._bus_heard)

    # voices to buses

    def _fill_buses(self, voices: Voices) -> None:
        if self._soloing or self._prioritized or self._moving or self._changed:
            before = self._members(voices, self._bus_heard, self._solo_heard, voices.before, voices.level_before)
            after = self._members(voices, self._bus_of, self._solo, voices.after, voices.level_after)
            _ramped(before, after, voices.rows, self._buses, self._fall)
            self._bus_heard, self._solo_heard = self._bus_of, self._solo
            self._extra_ms = _EQUALIZER_MS
        else:
            self._fill_sources(voices)

    def _fill_sources(self, voices: Voices) -> None:
        """Mix voices whose buses are as they were, none of them soloed or with priority."""
        count = len(self._sources)
        slots, buses = self._pattern_of
        if voices.slots is not slots or self._bus_of is not buses:
            self._pattern = (self._bus_of[voices.slots] == self._every_source[:, None]).astype(np.float32)
            self._pattern_of = voices.slots, self._bus_of
        after = self._pattern * voices.after
        before = after if voices.before is voices.after else self._pattern * voices.before
        _ramped(before, after, voices.rows, self._buses[:count], self._fall)
        if self._extra_ms:
            self._buses[count:] = 0.0

    def _members(self, voices: Voices, bus_of: Places, solo: Switches, gains: Matrix, levels: Matrix) -> Matrix:
        """Return the gains (buses, n) from voices to buses; those who are nowhere fall into the last one, unheard."""
        members = np.zeros((len(self._buses), len(voices.slots)), np.float32)
        members[bus_of[voices.slots], np.arange(len(voices.slots))] = gains
        own, with_source = solo[:, voices.slots]
        members[-1] = np.where(own, levels, gains * with_source)
        return members

    def _equalize(self) -> None:
        """Equalize each source's two buses; the second one only while it sounds, or what was filtered still does."""
        count = len(self._sources)
        self._equalizer.process(self._buses[:count])
        if self._extra_ms:
            self._extra_ms -= self._tick_ms
            self._priority_equalizer.process(self._buses[count : 2 * count])

    def _sums(self) -> Matrix:
        """Return each source's sound, its priority talkers included."""
        count = len(self._sources)
        sums: Matrix = self._buses[:count]
        return sums + self._buses[count : 2 * count] if self._extra_ms else sums

    # buses to destinations

    def _move_gains(self, voices: Voices) -> None:
        """Find out who is heard where, duck by it, and let the gains go from where they were to where they should be.

        Heard is who is not muted, routed there and sends more than silence, before or after a change. While the same
        people sound and nothing is changed, that stays the same.
        """
        self._heard = self._gains
        slots, sounding = self._audible_of
        if self._moving or voices.slots is not slots or voices.sounding is not sounding:
            self._open = self._routed(self._gains)
            self._find_audible(voices)
        if self._prioritized or self._ducking_now:
            self._duck(voices)
        self._moving = self._changed
        if self._changed:
            self._changed = False
            self._gains = self._matrix()
            self._open = self._routed(self._heard) | self._routed(self._gains)
            self._find_audible(voices)

    def _send_buses(self) -> None:
        """Mix the buses that sound into the destinations' frames."""
        used = len(self._buses) if self._extra_ms else len(self._sources)
        gains = self._gains[:, :used]
        heard = gains if self._heard is self._gains else self._heard[:, :used]
        out = np.empty((len(gains), self._samples), np.float32)
        _ramped(heard, gains, self._buses[:used], out, self._fall)
        for row, output in enumerate(self._outputs.values()):
            for side in range(CHANNELS):
                output.frame[:, side] = out[CHANNELS * row + side]

    def _sides(self, gains: Matrix) -> Matrix:
        return gains.reshape(len(self._outputs), CHANNELS, len(self._buses))

    def _find_audible(self, voices: Voices) -> None:
        self._audible_of = voices.slots, voices.sounding
        bus = self._bus_of[voices.slots]
        opened = voices.sounding & (bus != _NOWHERE) & ((voices.before > 0.0) | (voices.after > 0.0))
        self.audible = self._open[:, bus] & opened
        if self._soloing:
            soloed: Switches = np.logical_or.reduce(self._solo[:, voices.slots], axis=0)
            self.audible |= self._open[:, -1:] & (soloed & voices.sounding)
        self.sounding = np.logical_or.reduce(self.audible, axis=1).tolist()

    def _duck(self, voices: Voices) -> None:
        """Move on with ducking; the priority talkers who are heard are those of this very frame."""
        priority = self._bus_of[voices.slots] >= len(self._sources)
        heard: list[bool] = np.logical_or.reduce(self.audible & priority, axis=1).tolist()
        moved = [output.duck(sounds) for output, sounds in zip(self._outputs.values(), heard, strict=True)]
        if any(moved):
            self._changed = True
            self._ducking_now = any(output.ducked < 1.0 for output in self._outputs.values())

    def _jump(self) -> None:
        """Let the gains be what they should be, without a way there: nobody sounds."""
        self._gains = self._matrix()
        self._open = self._routed(self._gains)
        self._changed, self._moving = False, True

    def _routed(self, gains: Matrix) -> Switches:
        """Return which bus is heard at which destination, on either side."""
        routed: Switches = np.logical_or.reduce(self._sides(gains), axis=1)
        return routed

    def _matrix(self) -> Matrix:
        """Return the gains (destinations · sides, buses) with everybody but priority talkers ducked."""
        ducked = np.array([output.ducked for output in self._outputs.values()], np.float32)
        sides, sources = np.repeat(ducked, CHANNELS), len(self._sources)
        gains = np.zeros((len(sides), len(self._buses)), np.float32)
        if self._settings.kill:
            return gains
        gains[:, :sources] = self._routes * sides[:, None]
        gains[:, sources : 2 * sources] = self._routes
        if self._soloing:
            monitors = np.repeat(self._monitors, CHANNELS)
            gains[monitors, : 2 * sources] = 0.0
            gains[monitors, -1] = 1.0
        return gains


def _ramped(before: Matrix, after: Matrix, rows: Matrix, out: Matrix, fall: Matrix) -> None:
    """Mix ``rows`` into ``out`` with gains that go from ``before`` to ``after`` over the frame."""
    if before is after:
        np.matmul(after, rows, out=out)
        return
    both = np.matmul(np.concatenate((after, before - after)), rows)
    change = both[len(out) :]
    change *= fall
    np.add(both[: len(out)], change, out=out)


def _routes(settings: MixSettings) -> Matrix:
    """Return the gains (destinations · sides, sources): route times source strip times pan."""
    strips = np.array([_sides(strip) for strip in settings.sources], np.float32).reshape(-1, CHANNELS)
    routes = np.array(settings.routes, np.float32).reshape(len(settings.sources), len(settings.destinations))
    gains = routes.T[:, None, :] * strips.T[None, :, :]
    return np.ascontiguousarray(gains.reshape(len(settings.destinations) * CHANNELS, len(settings.sources)))


def _sides(strip: SourceStrip) -> tuple[float, float]:
    """Return a source's gain to the left and right; pan takes from the far side and adds to none."""
    gain = 0.0 if strip.muted else strip.gain
    return gain * min(1.0, 1.0 - strip.pan), gain * min(1.0, 1.0 + strip.pan)
