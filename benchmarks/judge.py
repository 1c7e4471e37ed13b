"""How well speech was heard: STOI (intelligibility, 0 to 1) and wide-band PESQ (quality, 1.0 to 4.6), at 16 kHz.

Both compare sound that was said and heard at the same time, but playout may change its delay while somebody speaks.
So what was heard is aligned by quarters of a second before STOI; PESQ does that itself once the beginning is right.
"""

import importlib.util
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi

from benchmarks.speech import RECORDED_RATE, Samples

LONGEST_LAG = RECORDED_RATE // 2
"""Samples; the longest playout delay and the codecs' on the way, with room to spare."""

QUARTER = RECORDED_RATE // 4
"""Samples that have one lag."""

PESQ_SECONDS = 8
PESQ = importlib.util.find_spec("pesq") is not None
"""Whether PESQ is there; it has to be compiled where it is installed."""

_SECOND = RECORDED_RATE
_QUIET = 0.1
"""Something this much quieter than the whole says little about where it belongs; it goes with what was before."""


class Verdict(NamedTuple):
    """``pesq`` is NaN where PESQ isn't installed; ``lags`` (samples at 16 kHz) one for each quarter of a second."""

    stoi: float
    pesq: float
    lags: NDArray[np.int64]


def judge(clean: Samples, heard: Samples, start: int) -> Verdict:
    """Compare ``clean[start:]``, in whole seconds, with what came of it.

    ``heard`` begins at the same moment as ``clean`` and goes on for half a second longer at least.
    """
    lags = alignment(clean, heard, start)
    judged = clean[start : start + len(lags) * QUARTER]
    begins = start + np.arange(len(lags)) * QUARTER + lags
    aligned = np.concatenate([heard[begin : begin + QUARTER] for begin in begins])
    return Verdict(float(stoi(judged, aligned, RECORDED_RATE)), _pesq(judged, heard[start:], lags), lags)


def alignment(clean: Samples, heard: Samples, start: int) -> NDArray[np.int64]:
    """Return by how many samples each quarter of a second of ``clean[start:]`` was heard later.

    A second is long enough to find out for sure; a quarter has the lag of its own second, or of the one before or
    after, whichever fits it best.
    """
    quiet = _QUIET * float(np.sqrt(np.mean(np.square(clean[start:]))))
    seconds = _lags_of_seconds(clean, heard, start, quiet)
    lags = np.repeat(seconds, _SECOND // QUARTER)
    for number in range(len(lags)):
        begin, second = start + number * QUARTER, number * QUARTER // _SECOND
        piece = clean[begin : begin + QUARTER]
        near = dict.fromkeys(seconds[[second, max(second - 1, 0), min(second + 1, len(seconds) - 1)]].tolist())
        if len(near) > 1 and _level(piece) >= quiet:
            lags[number] = max(near, key=lambda lag: _likeness(piece, heard[begin + lag :][:QUARTER]))
    return lags


def lag_of(piece: Samples, heard: Samples) -> int:
    """Return where in ``heard`` the ``piece`` fits best: the peak of their correlation, normalised by loudness."""
    size = 1 << (len(piece) + len(heard) - 1).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size))
    places = len(heard) - len(piece) + 1
    correlation = np.fft.irfft(product, size)[:places]
    energy = np.concatenate([[0.0], np.cumsum(np.square(heard, dtype=np.float64))])
    energy = energy[len(piece) :][:places] - energy[:places]
    return int(np.argmax(correlation / np.sqrt(energy + 1e-3)))


def _lags_of_seconds(clean: Samples, heard: Samples, start: int, quiet: float) -> NDArray[np.int64]:
    lags = np.zeros((len(clean) - start) // _SECOND, np.int64)
    for number in range(len(lags)):
        begin = start + number * _SECOND
        piece = clean[begin : begin + _SECOND]
        if _level(piece) >= quiet:
            lags[number] = lag_of(piece, heard[begin : begin + _SECOND + LONGEST_LAG])
        elif number:
            lags[number] = lags[number - 1]
    return lags


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _likeness(piece: Samples, heard: Samples) -> float:
    return float(np.dot(piece, heard) / np.sqrt(np.dot(heard, heard) + 1e-3))


def _pesq(clean: Samples, heard: Samples, lags: Iterable[int]) -> float:
    """Return the mean over stretches of about eight seconds, each aligned by its beginning."""
    if not PESQ:
        return float("nan")
    from pesq import pesq  # noqa: PLC0415 - it may not be there

    scores, starting_lags = [], np.asarray(lags)
    count = max(1, round(len(clean) / RECORDED_RATE / PESQ_SECONDS))
    for part in np.array_split(np.arange(len(starting_lags)), count):
        begin, size = part[0] * QUARTER, len(part) * QUARTER
        later = heard[begin + starting_lags[part[0]] :][:size]
        scores.append(pesq(RECORDED_RATE, clean[begin : begin + size], later, "wb"))
    return float(np.mean(scores))
