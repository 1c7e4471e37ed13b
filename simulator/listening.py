"""What ears heard, compared with what people said."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.types import UserId
from simulator import clips
from simulator.ears import Heard, filled
from simulator.opus import FRAME, SAMPLE_RATE, Samples, decode_all
from simulator.people import Utterance

LONGEST_DELAY = SAMPLE_RATE // 4
"""Samples in which an utterance is looked for after it was sent."""

PIECE = 5 * FRAME
"""Samples that are judged together, 0.1 s."""

SHORT_PIECE = 3 * FRAME
"""Samples that are judged together once the delay is known, 60 ms."""

SLIP = 2 * FRAME
"""How far playout may slip against the delay found."""

LEAST_FRAMES = 15
"""Shorter utterances (0.3 s) are not judged."""


@dataclass(frozen=True, slots=True)
class Match:
    """How well one utterance was heard: ``correlation`` −1 to 1 at the best ``delay_ms``."""

    user: UserId
    clip: str
    correlation: float
    delay_ms: float


def spoken(utterance: Utterance) -> Samples:
    """Return what was said, as its packets decode."""
    packets = clips.packets(utterance.clip)
    return decode_all([packets[number % len(packets)] for number in range(utterance.frames)])


def correlate(said: Samples, heard: Samples) -> tuple[float, int]:
    """Return the highest normalized correlation of ``said`` with any stretch of ``heard``, and its offset."""
    if len(heard) < len(said) or not said.any():
        return 0.0, 0
    size = 1 << (len(heard) + len(said)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    offsets = len(heard) - len(said) + 1
    energy = np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)])
    windows = np.sqrt(np.maximum(energy[len(said) :][:offsets] - energy[:offsets], 1e-9))
    scores = product[:offsets] / (windows * np.sqrt(float(np.sum(said.astype(np.float64) ** 2))))
    best = int(np.argmax(scores))
    return float(scores[best]), best


class Recording:
    """One track, decoded as a whole: a decoder that begins in the middle hears noise first."""

    def __init__(self, packets: list[Heard]) -> None:
        self._packets = packets
        self._samples = decode_all(filled(packets))

    def since(self, moment: int, samples: int) -> tuple[Samples, int]:
        """Return what came from ``moment`` (ns) on, and how many samples after it that begins."""
        first = next((packet for packet in self._packets if packet.arrival >= moment), None)
        if first is None:
            return np.zeros(0, np.float32), 0
        start = (first.timestamp - self._packets[0].timestamp) & 0xFFFFFFFF
        return self._samples[start : start + samples], (first.arrival - moment) * SAMPLE_RATE // 1_000_000_000


def match(utterance: Utterance, recording: Recording) -> Match:
    """Look for an utterance in what was heard, from the moment it was sent on.

    First in long pieces for its delay (the middle one's), then in short ones near that, each of which counts by its
    energy: playout that adapts stretches or shortens time by a frame now and then.
    """
    said = spoken(utterance)
    heard, offset = recording.since(utterance.start, len(said) + LONGEST_DELAY)
    found = [lag for _, _, lag in _pieces(said, heard, PIECE, (-offset, LONGEST_DELAY - offset))]
    lag = sorted(found)[len(found) // 2] if found else 0
    short = list(_pieces(said, heard, SHORT_PIECE, (lag - SLIP, lag + SLIP)))
    total = sum(energy for energy, _, _ in short)
    correlation = sum(energy * score for energy, score, _ in short) / total if total else 0.0
    return Match(utterance.user, utterance.clip, correlation, (lag + offset) * 1000 / SAMPLE_RATE)


def _pieces(said: Samples, heard: Samples, size: int, lags: tuple[int, int]) -> Iterator[tuple[float, float, int]]:
    """Yield energy, best correlation and its lag for each piece of ``said``, looked for at lags of that range."""
    for start in range(0, len(said) - size + 1, size):
        piece = said[start : start + size]
        front = max(0, start + lags[0])
        score, found = correlate(piece, heard[front : max(0, start + lags[1] + size)])
        yield float(np.sum(piece.astype(np.float64) ** 2)), score, front + found - start
