"""What the audio path measured of itself: frozen readings, safe to hand to another thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from common.types import ChannelId, Nanoseconds, UserId

_RING = 8_192

SILENCE_LUFS = -120.0
"""The loudness of silence."""


def peaks(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the highest amplitude of each row, shape (rows,)."""
    if not rows.size:
        return np.zeros(len(rows), np.float32)
    highest: NDArray[np.float32] = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    return highest


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 99th percentile in milliseconds; ``count`` values since the start."""

    p50: float = 0.0
    p99: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class TalkerReading:
    """One talker, after the strip.

    ``peak`` linear, ``loudness`` short-term LUFS, ``levelling`` the linear gain that levelling adds, ``talk_ms`` since
    joining. ``delay_ms`` is what playout adds to the packets played now, ``target_ms`` what it aims at for
    ``jitter_ms``. Of the last 10 s of talk: ``loss`` the share of packets that never came in time, ``concealed`` the
    share of sound that was made up, ``quality`` 0 to 100, the percentage heard as it was said. ``counts`` by reason.
    """

    talking: bool
    peak: float = 0.0
    loudness: float = SILENCE_LUFS
    levelling: float = 1.0
    talk_ms: int = 0
    delay_ms: float = 0.0
    target_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    concealed: float = 0.0
    quality: float = 100.0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One source's bus, before its fader.

    ``peak`` linear, ``loudness`` short-term LUFS; packets that were decoded and mixed.
    """

    peak: float = 0.0
    loudness: float = SILENCE_LUFS
    decoded: int = 0
    mixed: int = 0


@dataclass(frozen=True, slots=True)
class DestinationReading:
    """One destination's mix: ``reduction`` and ``ducking`` are linear gains, 1.0 = none.

    ``held_ms`` is how much of its delay is filled.
    """

    peak: float = 0.0
    loudness: float = SILENCE_LUFS
    reduction: float = 1.0
    ducking: float = 1.0
    held_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Everything measured up to the last tick."""

    ticks: int = 0
    skipped_ticks: int = 0
    talkers: Mapping[UserId, TalkerReading] = field(default_factory=dict)
    sources: Mapping[ChannelId, SourceReading] = field(default_factory=dict)
    destinations: Mapping[ChannelId, DestinationReading] = field(default_factory=dict)
    residence: Percentiles = field(default_factory=Percentiles)
    counts: Mapping[str, int] = field(default_factory=dict)


class Ring:
    """The last 8192 durations, preallocated; one writer, readers take percentiles of a copy."""

    __slots__ = ("_count", "_read", "_values")

    def __init__(self) -> None:
        self._values = np.zeros(_RING, np.int64)
        self._count = 0
        self._read = Percentiles()

    def add(self, value: Nanoseconds | int) -> None:
        """Keep one duration in nanoseconds."""
        self._values[self._count % _RING] = value
        self._count += 1

    def add_all(self, values: Sequence[int]) -> None:
        """Keep durations in nanoseconds, not more than are kept."""
        if not values:
            return
        at, count = self._count % _RING, len(values)
        fits = min(count, _RING - at)
        self._values[at : at + fits] = values[:fits]
        self._values[: count - fits] = values[fits:]
        self._count += count

    def percentiles(self) -> Percentiles:
        """Return median and 99th percentile of what is kept, at most a fiftieth of it newer than they are.

        Meters are read 25 times a second by a thread that the mixer may have to wait for.
        """
        count = self._count
        if count - self._read.count > min(count, _RING) // 50:
            p50, p99 = np.percentile(self._values[: min(count, _RING)], (50, 99)) / 1e6
            self._read = Percentiles(float(p50), float(p99), count)
        return replace(self._read, count=count)
