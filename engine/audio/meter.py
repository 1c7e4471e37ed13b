"""What the audio path measured of itself: frozen readings, safe to hand to another thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from common.types import ChannelId, Nanoseconds, UserId

_RING = 8_192


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 99th percentile in milliseconds; ``count`` values since the start."""

    p50: float = 0.0
    p99: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class TalkerReading:
    """One talker: ``peak`` 0 to 1 after the strip, queued and target delay in ms, counts by reason since joining."""

    talking: bool
    peak: float
    queued_ms: float
    target_ms: float
    jitter_ms: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MeterReading:
    """Everything measured up to the last tick. ``reduction``: limiter gain per destination, 1.0 = none."""

    ticks: int = 0
    skipped_ticks: int = 0
    talkers: Mapping[UserId, TalkerReading] = field(default_factory=dict)
    decoded: Mapping[ChannelId, int] = field(default_factory=dict)
    mixed: Mapping[ChannelId, int] = field(default_factory=dict)
    source_peaks: Mapping[ChannelId, float] = field(default_factory=dict)
    destination_peaks: Mapping[ChannelId, float] = field(default_factory=dict)
    reduction: Mapping[ChannelId, float] = field(default_factory=dict)
    residence: Percentiles = field(default_factory=Percentiles)
    counts: Mapping[str, int] = field(default_factory=dict)


class Ring:
    """The last 8192 durations, preallocated; one writer, readers take percentiles of a copy."""

    __slots__ = ("_count", "_values")

    def __init__(self) -> None:
        self._values = np.zeros(_RING, np.int64)
        self._count = 0

    def add(self, value: Nanoseconds | int) -> None:
        """Keep one duration in nanoseconds."""
        self._values[self._count % _RING] = value
        self._count += 1

    def percentiles(self) -> Percentiles:
        """Return median and 99th percentile of what is kept."""
        count = self._count
        if not count:
            return Percentiles()
        p50, p99 = np.percentile(self._values[: min(count, _RING)], (50, 99)) / 1e6
        return Percentiles(float(p50), float(p99), count)
