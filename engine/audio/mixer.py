"""Talkers to source buses, source buses to destinations by the route matrix, and the limiter."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from common.types import ChannelId, UserId
from engine.audio.frame import CHANNELS, FRAME_SAMPLES, Frame
from engine.audio.limiter import Limiter
from engine.audio.playout import Take
from engine.audio.settings import MixSettings
from engine.audio.strip import RAMP

_SAMPLES = FRAME_SAMPLES * CHANNELS
_RAMP = np.repeat(RAMP, CHANNELS, axis=1).reshape(_SAMPLES)

Matrix = NDArray[np.float32]


class Mixer:
    """Mixes for all destinations at once; ``mix`` returns one frame each."""

    def __init__(self) -> None:
        self._sources: tuple[ChannelId, ...] = ()
        self._destinations: tuple[ChannelId, ...] = ()
        self._source_of: dict[UserId, int] = {}
        self._gains: Matrix = np.zeros((0, 0), np.float32)
        self._heard: Matrix = self._gains
        self.sounding: list[set[UserId]] = []
        """Per destination, who is heard there in the last frame."""
        self._resize()

    def adopt(self, settings: MixSettings) -> None:
        """Take the routes; changes of gain are ramped over the next frame, a change of channels starts afresh."""
        sources = tuple(strip.channel for strip in settings.sources)
        destinations = tuple(strip.channel for strip in settings.destinations)
        same = sources == self._sources and destinations == self._destinations
        row = {channel: index for index, channel in enumerate(sources)}
        self._source_of = {strip.user: row[strip.source] for strip in settings.talkers if strip.source in row}
        self._gains = _matrix(settings)
        if not same:
            self._sources, self._destinations = sources, destinations
            self._heard = self._gains
            self._resize()

    def mix(self, takes: Sequence[Take], voices: Frame, sounding: Collection[UserId]) -> Frame:
        """Return the destinations' frames, shape (destinations, 960, 2); valid until the next call.

        ``voices`` has the rows of ``takes``; ``sounding`` are those of them that aren't silent. Never above
        the limiter's ceiling; NaN or infinite input is taken as silence.
        """
        self.sounding = self._audible(sounding)
        self._fill_buses(takes, voices)
        np.matmul(self._heard, self._buses, out=self._out)
        if self._heard is not self._gains:
            self._ramp()
        out = self._out.reshape(-1, FRAME_SAMPLES, CHANNELS)
        if not np.isfinite(self._out).all():
            np.nan_to_num(self._out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        self._limiter.process(out)
        return out

    def _audible(self, sounding: Collection[UserId]) -> list[set[UserId]]:
        routed = [(user, self._source_of[user]) for user in sounding if user in self._source_of]
        audible = ((self._gains > 0.0) | (self._heard > 0.0)).tolist()
        return [{user for user, source in routed if row[source]} for row in audible]

    @property
    def source_peaks(self) -> dict[ChannelId, float]:
        """Highest sample of each source bus in the last frame."""
        return dict(zip(self._sources, _peaks(self._buses), strict=True))

    @property
    def destination_peaks(self) -> dict[ChannelId, float]:
        """Highest sample of each destination in the last frame."""
        return dict(zip(self._destinations, _peaks(self._out), strict=True))

    @property
    def reduction(self) -> dict[ChannelId, float]:
        """Limiter gain of each destination, 1.0 = not limiting."""
        return dict(zip(self._destinations, self._limiter.gain.tolist(), strict=True))

    def _resize(self) -> None:
        self._buses = np.zeros((len(self._sources), _SAMPLES), np.float32)
        self._out = np.zeros((len(self._destinations), _SAMPLES), np.float32)
        self.sounding = [set() for _ in self._destinations]
        self._other = np.zeros_like(self._out)
        self._limiter = Limiter(len(self._destinations))

    def _fill_buses(self, takes: Sequence[Take], voices: Frame) -> None:
        members = np.zeros((len(self._sources), len(takes)), np.float32)
        for column, take in enumerate(takes):
            source = self._source_of.get(take.user)
            if source is not None:
                members[source, column] = 1.0
        np.matmul(members, voices.reshape(len(takes), _SAMPLES), out=self._buses)

    def _ramp(self) -> None:
        """Fade from the old gains' mix to the new one's over the frame."""
        np.matmul(self._gains, self._buses, out=self._other)
        self._other -= self._out
        self._other *= _RAMP
        self._out += self._other
        self._heard = self._gains


def _matrix(settings: MixSettings) -> Matrix:
    """Return the gains (destinations, sources): route times source strip, zero for all while killed."""
    strips = np.array([0.0 if strip.muted else strip.gain for strip in settings.sources], np.float32)
    routes = np.array(settings.routes, np.float32).reshape(len(settings.sources), len(settings.destinations))
    gains = routes.T * strips
    return np.ascontiguousarray(gains * 0.0 if settings.kill else gains)


def _peaks(rows: Matrix) -> list[float]:
    if not rows.size:
        return [0.0] * len(rows)
    peaks: list[float] = np.maximum(rows.max(axis=1), -rows.min(axis=1)).tolist()
    return peaks
