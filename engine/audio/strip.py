"""Talkers' strips: gain and mute, without a step when they change."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from common.types import UserId
from engine.audio.frame import FRAME_SAMPLES, Frame
from engine.audio.playout import Take
from engine.audio.settings import TalkerStrip

RAMP = np.linspace(0.0, 1.0, FRAME_SAMPLES, dtype=np.float32)[:, None]
"""A change of gain takes one frame, shape (960, 1)."""


class Strips:
    """Applies each talker's gain to its row and measures what leaves it."""

    def __init__(self) -> None:
        self._target: dict[UserId, float] = {}
        self._heard: dict[UserId, float] = {}
        self.peaks: dict[UserId, float] = {}
        self.sounding: set[UserId] = set()
        """Who is heard in the last frame: not muted, and sending more than silence."""

    def adopt(self, talkers: Iterable[TalkerStrip]) -> None:
        """Take the talkers' settings; a new talker starts at its gain, the others' change is ramped."""
        self._target = {strip.user: 0.0 if strip.muted else strip.gain for strip in talkers}
        self._heard = {user: self._heard.get(user, gain) for user, gain in self._target.items()}
        self.peaks = {user: self.peaks.get(user, 0.0) for user in self._target}

    def process(self, takes: Sequence[Take], voices: Frame) -> Frame:
        """Apply gains to ``voices`` (rows as in ``takes``), in place; silent talkers' gains are set at once."""
        self.sounding = {take.user for take in takes if not take.silent and self._open(take.user)}
        for row, take in enumerate(takes):
            self._apply(take.user, voices[row])
        self._measure(takes, voices)
        for user in self._target.keys() - {take.user for take in takes}:
            self._heard[user] = self._target[user]
            self.peaks[user] = 0.0
        return voices

    def _open(self, user: UserId) -> bool:
        return self._heard[user] > 0.0 or self._target[user] > 0.0

    def _apply(self, user: UserId, voice: NDArray[np.float32]) -> None:
        before, after = self._heard[user], self._target[user]
        if before != after:
            voice *= before + (after - before) * RAMP
            self._heard[user] = after
        elif after != 1.0:
            voice *= after

    def _measure(self, takes: Sequence[Take], voices: Frame) -> None:
        if not takes:
            return
        rows = voices.reshape(len(takes), -1)
        peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1)).tolist()
        self.peaks.update((take.user, peak) for take, peak in zip(takes, peaks, strict=True))
