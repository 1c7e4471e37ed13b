"""The sound of a sound check: a sweep that is found again in whatever was heard, and how to find it. Pure.

A sweep of a second is compressed by correlation to a peak less than a millisecond wide that stands far above speech of
the same loudness, so a check works while people talk; it shows where the chirp begins and how loud it is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.frame import SAMPLE_RATE, Samples

CHIRP_SECONDS: Final = 1.0

CHIRP_PEAK: Final = 0.1
"""−20 dBFS: easy to hear, and nobody takes their headphones off."""

CLEAR: Final = 8.0
"""So many times the rest of the correlation the peak must be; what is no chirp reaches five or six."""

LEAST_ARRIVED: Final = 0.25
"""So much of a chirp must have arrived; the beginnings and ends of other sounds look like less of one."""

_LOWEST_HZ, _HIGHEST_HZ = 300.0, 6_000.0
_EDGE_SECONDS = 0.03
_PEAK_SAMPLES = SAMPLE_RATE // 50
"""What lies this close to the peak is the peak's own."""


@dataclass(frozen=True, slots=True)
class Found:
    """A chirp in a sound: it begins at sample ``start`` and is ``gain`` times as loud as :func:`chirp` (linear)."""

    start: int
    gain: float


def chirp() -> Samples:
    """Return the sweep, mono: 300 Hz to 6 kHz in a second, its ends faded over 30 ms."""
    count = round(CHIRP_SECONDS * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    rise = (_HIGHEST_HZ - _LOWEST_HZ) / CHIRP_SECONDS
    sweep = CHIRP_PEAK * np.sin(2 * np.pi * (_LOWEST_HZ + rise * time / 2) * time)
    edge = round(_EDGE_SECONDS * SAMPLE_RATE)
    fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    sweep[:edge] *= fade
    sweep[count - edge :] *= fade[::-1]
    return sweep.astype(np.float32)


def find(sound: Samples, present: NDArray[np.bool_]) -> Found | None:
    """Find the chirp in ``sound`` (n,); ``present`` (n,) says which samples arrived. ``None`` if it isn't there.

    A chirp that begins before the sound, or ends after it, is found too while a quarter of it is there.
    """
    pattern = chirp()
    if not sound.any():
        return None
    lead = len(pattern)
    matched = _correlate(np.concatenate([np.zeros(lead, np.float32), sound]), pattern)
    at = int(np.abs(matched).argmax())
    around = slice(max(0, at - _PEAK_SAMPLES), at + _PEAK_SAMPLES)
    rest = np.delete(matched, around)
    floor = float(np.sqrt(np.mean(rest**2)))
    start = at - lead
    energy = _energy(pattern, start, present)
    if energy < LEAST_ARRIVED * _energy(pattern, 0, np.ones(lead, np.bool_)) or abs(matched[at]) < CLEAR * floor:
        return None
    return Found(start=start, gain=float(abs(matched[at])) / energy)


def _correlate(sound: Samples, pattern: Samples) -> NDArray[np.float64]:
    """Return how well the pattern fits at each sample."""
    size = 1 << (len(sound) + len(pattern)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(pattern, size))
    return np.asarray(np.fft.irfft(spectrum, size)[: len(sound)], np.float64)


def _energy(pattern: Samples, start: int, present: NDArray[np.bool_]) -> float:
    """Return the energy of that part of the pattern, begun at ``start``, that arrived."""
    first, last = max(0, -start), min(len(pattern), len(present) - start)
    if first >= last:
        return 0.0
    arrived = pattern[first:last][present[start + first : start + last]]
    return float(np.sum(arrived.astype(np.float64) ** 2))
