"""A high-pass against rumble, bumped desks and wind: 80 Hz, second-order Butterworth, talker by talker."""

import math

import numpy as np
from numpy.typing import NDArray

from engine.audio.biquads import Biquads, Section
from engine.audio.frame import SAMPLE_RATE

CUTOFF_HZ = 80.0
"""Where the filter takes 3 dB; beneath it falls by 12 dB an octave."""

_Samples = NDArray[np.float32]


class HighPass:
    """The filter of ``capacity`` slots; switching it is a crossfade over one frame.

    A slot that begins, because it was switched on or had no row in the tick before, starts as if its first sample had
    lasted for ever, so a constant offset makes no thump.
    """

    def __init__(self, capacity: int, samples: int) -> None:
        """Prepare for frames of ``samples``, a multiple of 32."""
        self._filter = Biquads(capacity, samples, [_butterworth(CUTOFF_HZ)])
        self._on = np.zeros(capacity, np.bool_)
        self._ramp = np.arange(1, samples + 1, dtype=np.float32) / samples

    def process(self, slots: NDArray[np.intp], voices: _Samples, enabled: NDArray[np.bool_]) -> None:
        """Filter the ``enabled`` rows of ``voices`` (n, samples) in place.

        Call it once per tick with all rows of the tick: a row that is no longer enabled is faded back to what it was.
        """
        before = self._on[slots]
        rows = np.flatnonzero(before | enabled)
        self._on[:] = False
        if not rows.size:
            return
        self._on[slots] = enabled
        if rows.size == len(slots):
            self._apply(slots, voices, before, enabled)
        else:
            chosen = voices[rows]
            self._apply(slots[rows], chosen, before[rows], enabled[rows])
            voices[rows] = chosen

    def reset(self, slot: int) -> None:
        """Forget a slot's talker."""
        self._on[slot] = False

    def _apply(
        self, slots: NDArray[np.intp], voices: _Samples, before: NDArray[np.bool_], enabled: NDArray[np.bool_]
    ) -> None:
        fading = np.flatnonzero(before != enabled)
        if not fading.size:
            self._filter.process(slots, voices, voices)
            return
        starting = np.flatnonzero(enabled & ~before)
        self._filter.settle(slots[starting], voices[starting, 0])
        plain = voices[fading]
        self._filter.process(slots, voices, voices)
        share = np.where(enabled[fading, None], self._ramp, 1.0 - self._ramp)
        voices[fading] = plain + share * (voices[fading] - plain)


def _butterworth(cutoff: float) -> Section:
    """Return a second-order high-pass by the bilinear transform, its cutoff (Hz) kept exact."""
    warped = math.tan(math.pi * cutoff / SAMPLE_RATE)
    norm = 1.0 / (1.0 + math.sqrt(2.0) * warped + warped * warped)
    return (
        norm,
        -2.0 * norm,
        norm,
        2.0 * (warped * warped - 1.0) * norm,
        (1.0 - math.sqrt(2.0) * warped + warped * warped) * norm,
    )
