"""A three-band equaliser for source buses: low shelf, broad mid, high shelf; no delay.

The three filters are second-order sections by the formulas of Robert Bristow-Johnson's Audio EQ Cookbook (W3C note,
2021). A bus is filtered by what the cascade answers to one impulse, cut off after 10 ms (at most 0.3 dB of error, near
the low shelf's corner): fast convolution by overlap-save, which needs only the sound before the frame and never the
sound after it. So a filter that is changed is at once in the state it would have had all along, and old and new can be
faded.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.frame import SAMPLE_RATE

LOW_HZ: Final = 120.0
"""Corner of the low shelf, where half its decibels are in force."""

MID_HZ: Final = 2_500.0
"""Centre of the mid band."""

HIGH_HZ: Final = 8_000.0
"""Corner of the high shelf, where half its decibels are in force."""

_MID_Q = 0.7
_REACH = 480
_FADE_OUT = 96
_DESIGN = 4096

Bands = tuple[float, float, float]
"""Decibels of low, mid and high band, each −12 to +12; all 0 is flat."""

_FLAT: Bands = (0.0, 0.0, 0.0)

_Samples = NDArray[np.floating]
_Spectrum = NDArray[np.complexfloating]
_Section = tuple[tuple[float, float, float], tuple[float, float, float]]


class Equalizer:
    """Filters ``count`` mono buses of ``samples`` a frame in place; a change is faded over one frame."""

    def __init__(self, count: int, samples: int) -> None:
        self._samples = samples
        self._line = np.zeros((count, _REACH + samples), np.float32)
        self._ramp = np.arange(1, samples + 1, dtype=np.float32) / samples
        self._heard: list[Bands] = [_FLAT] * count
        self._wanted = self._heard
        self._rows: slice | list[int] = []
        self._take(self._answers([], self._heard))

    def adopt(self, bands: Sequence[Bands]) -> None:
        """Take the bands of each bus; ``ValueError`` if they are not as many as the buses."""
        if len(bands) != len(self._heard):
            raise ValueError(f"{len(bands)} settings for {len(self._heard)} buses")
        self._wanted = list(bands)

    def process(self, buses: _Samples) -> None:
        """Filter ``buses`` (count, samples) in place; flat ones are left as they are, bit for bit."""
        line, samples = self._line, self._samples
        line[:, :_REACH] = line[:, samples:]
        line[:, _REACH:] = buses
        if self._heard != self._wanted:
            self._fade(buses)
        elif len(self._spectra):
            # The steady case, written into arrays that are there. numpy's stubs know no single precision here.
            sound = np.fft.rfft(line[self._rows], out=self._sound)  # type: ignore[arg-type]
            np.multiply(sound, self._spectra, out=sound)
            np.fft.irfft(sound, line.shape[1], out=self._filtered_line)  # type: ignore[arg-type]
            buses[self._rows] = self._filtered_line[:, _REACH:]

    def _fade(self, buses: _Samples) -> None:
        """Go from the old filters to the new over this frame, on the buses that have any."""
        pairs = list(enumerate(zip(self._heard, self._wanted, strict=True)))
        rows = [row for row, pair in pairs if pair != (_FLAT, _FLAT)]
        sound = np.fft.rfft(self._line[rows])
        before = self._filtered(sound, self._answers(rows, self._heard))
        after = self._filtered(sound, self._answers(rows, self._wanted))
        buses[rows] = before + (after - before) * self._ramp
        self._heard = self._wanted
        active = [row for row, bands in enumerate(self._heard) if bands != _FLAT]
        self._rows = _neighbours(active)
        self._take(self._answers(active, self._heard))

    def _take(self, spectra: _Spectrum) -> None:
        """Filter by these spectra from now on, a row each."""
        self._spectra = spectra
        self._sound = np.empty_like(spectra)
        self._filtered_line = np.empty((len(spectra), self._line.shape[1]), np.float32)

    def _answers(self, rows: Sequence[int], bands: Sequence[Bands]) -> _Spectrum:
        width = self._line.shape[1]
        return np.array([_answer(bands[row], width) for row in rows], np.complex64)

    def _filtered(self, sound: _Spectrum, answers: _Spectrum) -> _Samples:
        filtered: _Samples = np.fft.irfft(sound * answers, self._line.shape[1])
        return filtered[:, _REACH:]


def _neighbours(rows: list[int]) -> slice | list[int]:
    """Return rows that follow each other as a slice, which numpy need not copy."""
    return slice(rows[0], rows[-1] + 1) if rows and len(rows) == rows[-1] + 1 - rows[0] else rows


def sections(bands: Bands) -> tuple[_Section, _Section, _Section]:
    """Return (b, a) of low shelf, mid peak and high shelf for these decibels."""
    low, mid, high = bands
    return _shelf(low, LOW_HZ, rising=False), _peak(mid, MID_HZ), _shelf(high, HIGH_HZ, rising=True)


def _shelf(decibels: float, corner: float, *, rising: bool) -> _Section:
    """Return the cookbook's lowShelf, or highShelf if ``rising``, with shelf slope S = 1.

    The second is the first with the signs of the cosine terms turned.
    """
    a, w = 10 ** (decibels / 40), 2 * pi * corner / SAMPLE_RATE
    c = -cos(w) if rising else cos(w)
    s = -1.0 if rising else 1.0
    bend = 2 * sqrt(a) * sin(w) / sqrt(2)
    plus, minus = a + 1, a - 1
    b = a * (plus - minus * c + bend), s * 2 * a * (minus - plus * c), a * (plus - minus * c - bend)
    return b, (plus + minus * c + bend, s * -2 * (minus + plus * c), plus + minus * c - bend)


def _peak(decibels: float, centre: float) -> _Section:
    """Return the cookbook's peakingEQ."""
    a, w = 10 ** (decibels / 40), 2 * pi * centre / SAMPLE_RATE
    alpha = sin(w) / (2 * _MID_Q)
    return (1 + alpha * a, -2 * cos(w), 1 - alpha * a), (1 + alpha / a, -2 * cos(w), 1 - alpha / a)


@lru_cache(maxsize=128)
def _answer(bands: Bands, width: int) -> _Spectrum:
    """Return the spectrum of the cascade's answer to an impulse, cut off, for frames of ``width`` samples."""
    z = np.exp(-2j * pi * np.arange(_DESIGN // 2 + 1) / _DESIGN)
    answer = np.ones_like(z)
    for (b0, b1, b2), (a0, a1, a2) in sections(bands):
        answer *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
    taps = np.fft.irfft(answer)[: _REACH + 1]
    taps[-_FADE_OUT:] *= np.cos(np.linspace(0.0, pi / 2, _FADE_OUT)) ** 2
    return np.fft.rfft(taps, width).astype(np.complex64)
