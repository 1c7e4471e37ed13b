"""What belongs to one destination alone: its frame, limiter, ducking and levels.

Destinations come and go on air, when their delay is changed; what one of them holds is none of the others' business.
"""

import numpy as np

from engine.audio.cue import Cue
from engine.audio.ducking import Ducking
from engine.audio.frame import CHANNELS, tick_samples
from engine.audio.limiter import Limiter
from engine.audio.loudness import Loudness
from engine.audio.meter import DestinationReading

LOUDNESS_TICKS = 8
"""Ticks between two exact weighings of a bus; destinations are weighed between sources."""

_ONE = np.zeros(1, np.intp)


class OutputBus:
    """One destination; ``frame`` (samples, 2) is what the mixer fills and the encoder takes."""

    def __init__(self, tick_ms: int) -> None:
        samples = tick_samples(tick_ms)
        self._tick_ms = tick_ms
        self._frames = np.zeros((1, samples, CHANNELS), np.float32)
        self.frame = self._frames[0]
        self.ducked = 1.0
        """Linear gain of everybody without priority."""
        self._ducking = Ducking(1)
        self._limiter = Limiter(1, samples)
        self._loudness = Loudness(1, samples, CHANNELS, every=LOUDNESS_TICKS, first=LOUDNESS_TICKS // 2)

    def adopt(self, duck_db: float) -> None:
        """Take the depth of ducking, 0 (off) to 24 dB."""
        self._ducking.adopt([duck_db])

    def duck(self, heard: bool) -> bool:
        """Move on by a tick in which somebody with priority is ``heard`` or not; tell whether the gain moved."""
        before, self.ducked = self.ducked, float(self._ducking.step([heard], self._tick_ms)[0])
        return before != self.ducked

    def finish(self, cue: Cue | None = None) -> None:
        """Add the next part of ``cue`` to the frame, limit what is in it, and measure it."""
        if cue is not None:
            cue.add_to(self.frame)
        self._limiter.process(self._frames)
        self._loudness.measure(_ONE, self._frames)

    def rest(self) -> bool:
        """Let a tick pass in silence; tell whether the gain moved. Nothing is held back by the limiter any more."""
        self._limiter.rest()
        self._loudness.rest()
        return self.duck(heard=False)

    def read(self, held_ms: float) -> DestinationReading:
        """Return the levels; ``held_ms`` is how far the delay has filled."""
        return DestinationReading(
            peak=float(np.abs(self.frame).max()),
            loudness=float(self._loudness.short_term[0]),
            reduction=float(self._limiter.gain[0]),
            ducking=self.ducked,
            held_ms=held_ms,
        )
