"""How well speech was heard: STOI (intelligibility, 0 to 1) and wide-band PESQ (quality, 1.0 to 4.6), at 16 kHz."""

import importlib.util
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi

from benchmarks.speech import RECORDED_RATE, Samples

PIECE = RECORDED_RATE
"""Samples that are aligned together, 1 s: what delays speech may change while it is spoken."""

LONGEST_LAG = 5 * RECORDED_RATE // 10
"""Samples; the longest playout delay and the codecs' on the way, with room to spare."""

PESQ_SECONDS = 8
PESQ = importlib.util.find_spec("pesq") is not None
"""Whether PESQ is there; it has to be compiled where it is installed."""

_QUIET = 0.1
"""A piece this much quieter than the whole says little about where it belongs; it goes with the one before."""


class Verdict(NamedTuple):
    """``pesq`` is NaN where PESQ isn't installed; ``lags`` (samples at 16 kHz) one for each second."""

    stoi: float
    pesq: float
    lags: NDArray[np.int64]


def judge(clean: Samples, heard: Samples, start: int) -> Verdict:
    """Compare ``clean[start:]`` with what came of it; ``heard`` begins at the same moment and goes on for longer."""
    lags = alignment(clean, heard, start)
    judged = clean[start : start + len(lags) * PIECE]
    begins = start + np.arange(len(lags)) * PIECE
    aligned = np.concatenate(
        [heard[begin + lag : begin + lag + PIECE] for begin, lag in zip(begins, lags, strict=True)]
    )
    return Verdict(float(stoi(judged, aligned, RECORDED_RATE)), _pesq(clean, heard, start, lags), lags)


def alignment(clean: Samples, heard: Samples, start: int) -> NDArray[np.int64]:
    """Return by how many samples each second of ``clean[start:]`` was heard later."""
    level = float(np.sqrt(np.mean(np.square(clean[start:]))))
    lags = np.zeros((len(clean) - start) // PIECE, np.int64)
    for number in range(len(lags)):
        begin = start + number * PIECE
        piece = clean[begin : begin + PIECE]
        if np.sqrt(np.mean(np.square(piece))) >= _QUIET * level:
            lags[number] = lag_of(piece, heard[begin : begin + PIECE + LONGEST_LAG])
        elif number:
            lags[number] = lags[number - 1]
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


def _pesq(clean: Samples, heard: Samples, start: int, lags: NDArray[np.int64]) -> float:
    """Return the mean over stretches of about eight seconds, each aligned by its beginning."""
    if not PESQ:
        return float("nan")
    from pesq import pesq  # noqa: PLC0415 - it may not be there

    scores = []
    for part in np.array_split(np.arange(len(lags)), max(1, round(len(lags) / PESQ_SECONDS))):
        begin, size = start + part[0] * PIECE, len(part) * PIECE
        lag = int(lags[part[0]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores.append(
                pesq(RECORDED_RATE, clean[begin : begin + size], heard[begin + lag : begin + lag + size], "wb")
            )
    return float(np.mean(scores))
