"""A peak limiter with 1.25 ms of look-ahead: what leaves it never exceeds the ceiling, without a step in gain.

The frame is cut into blocks of 60 samples. A block's gain is what brings its peak under the ceiling, or the gain
before it, raised a little (release). At the border of two blocks the lower of both gains holds, and gain runs in
straight lines from border to border; so inside a block it is never above the block's own. The block after the last
border is needed for that, hence the delay of one block.
"""

import numpy as np
from numpy.typing import NDArray

from engine.audio.frame import CHANNELS, FRAME_SAMPLES

CEILING = 10 ** (-1.0 / 20)
"""Highest sample that leaves the limiter, −1 dBFS."""

BLOCK = 60
"""Samples in a block, 1.25 ms; also the delay."""

_BLOCKS = FRAME_SAMPLES // BLOCK
_RELEASE = 10 ** (0.05 / 20)
"""Gain may rise by 0.05 dB a block, 40 dB a second."""

_Samples = NDArray[np.float32]


class Limiter:
    """Limits ``count`` stereo channels at once, in place; the two sides of one share their gain."""

    def __init__(self, count: int) -> None:
        self._line = np.zeros((count, FRAME_SAMPLES + BLOCK, CHANNELS), np.float32)
        self._border = np.ones(count, np.float32)
        self._gain = np.ones(count, np.float32)
        self._rise = np.arange(BLOCK, dtype=np.float32)[None, None, :] / BLOCK

    @property
    def gain(self) -> _Samples:
        """Gain in force at the end of the last frame, shape (count,), 1.0 = not limiting."""
        return self._border

    def process(self, frames: _Samples) -> None:
        """Limit ``frames`` (count, 960, 2) in place; they come out one block later."""
        line = self._line
        line[:, :BLOCK] = line[:, FRAME_SAMPLES:]
        line[:, BLOCK:] = frames
        frames[:] = line[:, :FRAME_SAMPLES]
        high, low = line.max(), line.min()
        if max(high, -low) > CEILING or self._border.min() < 1.0:
            self._shape(frames)

    def _shape(self, frames: _Samples) -> None:
        borders = self._borders()
        steps = borders[:, 1:] - borders[:, :-1]
        curve = borders[:, :-1, None] + steps[:, :, None] * self._rise
        frames *= curve.reshape(len(frames), FRAME_SAMPLES, 1)

    def _borders(self) -> _Samples:
        """Return the gain at the 17 borders of this frame's blocks, shape (count, 17)."""
        blocks = self._line.reshape(len(self._line), _BLOCKS + 1, BLOCK * CHANNELS)
        peaks = np.maximum(blocks.max(axis=2), -blocks.min(axis=2))
        allowed = CEILING / np.maximum(peaks, CEILING)
        borders = np.empty((len(peaks), _BLOCKS + 1), np.float32)
        borders[:, 0] = self._border
        gain = self._gain
        for block in range(_BLOCKS):
            gain = np.minimum(allowed[:, block], gain * _RELEASE)
            borders[:, block + 1] = np.minimum(gain, allowed[:, block + 1])
        self._gain = np.minimum(gain, 1.0)
        self._border = borders[:, -1].copy()
        return borders
