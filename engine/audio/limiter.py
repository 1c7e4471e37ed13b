"""A true-peak limiter with 1.5 ms of look-ahead: no sample, and nothing between two samples, exceeds the ceiling.

Peaks between samples are found at six times the sample rate (ITU-R BS.1770-5 annex 2 asks for four times), with a
Kaiser-windowed sinc that reaches 12 samples to either side, in cells of 12 samples. Five cells are a block. A block's
gain is what brings its true peak under the ceiling, or the gain before it, raised a little (release). At the border
of two blocks the lower of both gains holds, and gain runs in straight lines from border to border; so inside a block
it is never above the block's own. The block behind the last border is needed for that, and the cell behind the block
for its peaks: hence the delay of one block and one cell.

No interpolated value can exceed the highest sample within the kernel's reach times the kernel's L1 norm. Where that
product stays under the ceiling, nothing is interpolated; what is left out could not have changed the result.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.audio.frame import CHANNELS, FRAME_SAMPLES

CEILING: Final = 10 ** (-1.0 / 20)
"""Highest true peak that leaves the limiter, −1 dBTP."""

DELAY: Final = 72
"""Samples by which sound comes out later, 1.5 ms."""

_TARGET = 10 ** (-1.6 / 20)
"""What gain is computed for, 0.6 dB below the ceiling.

Gain changes while the kernel reaches over it, so the true peak after the gain is not the true peak before times the
gain. Gain changes by at most one sixtieth of itself a sample; the kernel's first moment, Σ|k·h(k)|, is 4.2 samples,
so the error is at most 7 %, 0.59 dB; the worst that a search found is 0.1 dB. What is left is for peaks between the
values, cos(π · 20 kHz / 288 kHz) or 0.2 dB for a steady tone of 20 kHz, and for meters with another kernel.
Between 20 and 24 kHz, where Opus has nothing, a meter reads the more the longer its kernel: full scale noise of signs
reads −1.0 dBTP with 24 samples to either side and more beyond, which no finite look-ahead could know.
"""

_CELL = 12
_BLOCK = 60
_OVERSAMPLING = 6
_KAISER_BETA = 5.0

_RELEASE = 10 ** (0.05 / 20)
"""Gain may rise by 0.05 dB a block, 40 dB a second."""

_ROUNDING = 1.0 + 1e-6
"""Rounding shall not keep gain a hair under 1.0 for ever; −120 dB."""

_ABSURD = 1e30
"""Samples are clipped here, so that no product overflows."""

_Samples = NDArray[np.float32]


def _kernel() -> _Samples:
    """Return the matrix from 36 samples to the 5 · 12 values between those in their middle, shape (60, 36).

    Kaiser-windowed sinc, see Oppenheim and Schafer, Discrete-Time Signal Processing, sections 4.6 and 7.5.3.
    """
    fraction = np.arange(1, _OVERSAMPLING) / _OVERSAMPLING
    times = (_CELL + np.arange(_CELL) + fraction[:, None]).reshape(-1)
    distance = times[:, None] - np.arange(3 * _CELL)
    inside = np.sqrt(np.maximum(0.0, 1.0 - (distance / _CELL) ** 2))
    window = np.where(np.abs(distance) < _CELL, np.i0(_KAISER_BETA * inside) / np.i0(_KAISER_BETA), 0.0)
    return np.ascontiguousarray(np.sinc(distance) * window, np.float32)


_KERNEL = _kernel()
_L1 = float(np.abs(_KERNEL).sum(axis=1).max())
_HARMLESS = _TARGET / _L1
"""Samples up to this, and nothing between them exceeds the target."""


class Limiter:
    """Limits ``count`` stereo channels at once, in place; the two sides of one share their gain.

    ``samples`` a frame, a multiple of 60 and at least 120.
    """

    def __init__(self, count: int, samples: int = FRAME_SAMPLES) -> None:
        self._samples = samples
        blocks = samples // _BLOCK
        self._line = np.zeros((count, samples + DELAY, CHANNELS), np.float32)
        self._cells = self._line.reshape(count, (samples + DELAY) // _CELL, _CELL * CHANNELS)
        self._windows = sliding_window_view(self._line[:, _BLOCK - _CELL :], 3 * _CELL, axis=1)[:, ::_CELL]
        self._allowed = np.ones((count, blocks + 1), np.float32)
        self._gain = np.ones(count, np.float32)
        self._border = np.ones(count, np.float32)
        self._resting = True
        self._peak = 0.0
        release = _RELEASE ** np.arange(blocks + 1)
        self._raise = (release * _ROUNDING).astype(np.float32)
        self._lower = (1.0 / release[1:]).astype(np.float32)
        self._rise = np.repeat(np.arange(_BLOCK, dtype=np.float32) / _BLOCK, CHANNELS)

    @property
    def gain(self) -> _Samples:
        """Gain in force at the end of the last frame, shape (count,), 1.0 = not limiting."""
        return self._border

    def process(self, frames: _Samples) -> None:
        """Limit ``frames`` (count, samples, 2), C-contiguous, in place; sound comes out ``DELAY`` later.

        What is not a number comes out as silence, infinity as what is limited.
        """
        if not frames.size:
            return
        flat = frames.reshape(-1)
        before, self._peak = self._peak, max(float(np.maximum.reduce(flat)), -float(np.minimum.reduce(flat)))
        line, samples = self._line, self._samples
        line[:, :DELAY] = line[:, samples:]
        line[:, DELAY:] = frames
        if not self._peak <= _ABSURD:
            np.nan_to_num(line, copy=False)
            np.clip(line, -_ABSURD, _ABSURD, out=line)
            self._peak = float(np.maximum.reduce(np.abs(line), axis=None))
        frames[:] = line[:, :samples]
        fresh = self._fresh() if max(before, self._peak) > _HARMLESS else None
        if fresh is not None or not self._resting:
            self._shape(frames, 1.0 if fresh is None else fresh)

    def rest(self) -> None:
        """Begin again at gain 1.0; only after so much silence that nothing is held back."""
        if not self._resting:
            self._line[:] = 0.0
            self._allowed[:] = 1.0
            self._gain[:] = self._border[:] = 1.0
            self._peak, self._resting = 0.0, True

    def _shape(self, frames: _Samples, fresh: _Samples | float) -> None:
        self._allowed[:, 0] = self._allowed[:, -1]
        self._allowed[:, 1:] = fresh
        borders = self._borders()
        self._resting = np.minimum.reduce(borders, axis=None) == 1.0 == np.minimum.reduce(self._allowed[:, -1])
        curve = (borders[:, 1:] - borders[:, :-1])[:, :, None] * self._rise
        curve += borders[:, :-1, None]
        frames *= curve.reshape(frames.shape)

    def _borders(self) -> _Samples:
        """Return the gain at the borders of this frame's blocks, shape (count, blocks + 1).

        Gain follows ``min(allowed, gain before · release)``; divided by the powers of the release, that is a running
        minimum.
        """
        gains = np.empty_like(self._allowed)
        gains[:, 0] = self._gain
        np.multiply(self._allowed[:, :-1], self._lower, out=gains[:, 1:])
        np.minimum.accumulate(gains, axis=1, out=gains)
        gains *= self._raise
        self._gain = gains[:, -1].copy()
        np.minimum(gains, self._allowed, out=gains)
        gains[:, 0] = self._border
        self._border = gains[:, -1].copy()
        return gains

    def _fresh(self) -> _Samples | None:
        """Return the gain each new block allows, shape (count, blocks), or ``None`` if all allow 1.0."""
        cells = np.maximum.reduce(np.abs(self._cells), axis=2)
        peaks = np.maximum(cells[:, 4:-2], cells[:, 5:-1])
        np.maximum(peaks, cells[:, 6:], out=peaks)
        flat = peaks.reshape(-1)
        where = np.flatnonzero(flat > _HARMLESS)
        if not len(where):
            return None
        windows = np.ascontiguousarray(self._windows).reshape(len(flat), -1).take(where, axis=0)
        between = self._interpolated(windows.reshape(-1, 3 * _CELL))
        between = np.maximum(between[::CHANNELS], between[1::CHANNELS])
        flat[where] = np.maximum(between, flat[where])
        if np.maximum.reduce(flat) <= _TARGET:
            return None
        blocks = np.maximum.reduce(peaks.reshape(len(peaks), -1, _BLOCK // _CELL), axis=2)
        allowed: _Samples = _TARGET / np.maximum(blocks, np.float32(_TARGET))
        return allowed

    @staticmethod
    def _interpolated(windows: _Samples) -> _Samples:
        """Return the highest value between the middle samples of each window, shape (windows,)."""
        values = np.matmul(_KERNEL, windows.T)
        np.abs(values, out=values)
        highest: _Samples = np.maximum.reduce(values, axis=0)
        return highest
