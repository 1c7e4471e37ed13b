"""What ears heard, compared with what people said."""

from dataclasses import dataclass

import numpy as np

from common.types import UserId
from simulator import clips
from simulator.ears import Heard, filled
from simulator.opus import FRAME, SAMPLE_RATE, Samples, decode_all
from simulator.people import Utterance

LONGEST_DELAY = SAMPLE_RATE
"""Samples in which an utterance is looked for after it was sent."""

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


def match(utterance: Utterance, packets: list[Heard]) -> Match:
    """Look for an utterance in what was heard, from the moment it was sent on."""
    said = spoken(utterance)
    heard, offset = stretch(packets, utterance.start, len(said) + LONGEST_DELAY)
    correlation, found = correlate(said, heard)
    return Match(utterance.user, utterance.clip, correlation, (found + offset) * 1000 / SAMPLE_RATE)


def stretch(packets: list[Heard], start: int, samples: int) -> tuple[Samples, int]:
    """Decode what came from ``start`` (ns) on; also return how many samples after ``start`` it begins."""
    ours = [packet for packet in packets if start <= packet.arrival <= start + samples * 1_000_000_000 // SAMPLE_RATE]
    if not ours:
        return np.zeros(0, np.float32), 0
    offset = (ours[0].arrival - start) * SAMPLE_RATE // 1_000_000_000
    return np.concatenate([decode_all(filled(ours)), np.zeros(FRAME, np.float32)]), int(offset)
