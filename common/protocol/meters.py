"""The moving figures: what the ear would hear, and what every hop has counted.

Levels are dBFS with a floor of -120 (JSON knows no minus infinity); spans are milliseconds; counters run since the
session's start and never go back while it runs. ``drops`` count by reason what did not pass.
"""

import math

from msgspec import Struct

SILENCE_DB = -120.0
"""The level of digital silence."""


def decibels(amplitude: float) -> float:
    """Return a linear amplitude (1.0 = full scale) as dBFS, rounded to a tenth; SILENCE_DB for nothing or NaN."""
    return max(SILENCE_DB, round(20.0 * math.log10(amplitude), 1)) if amplitude > 0.0 else SILENCE_DB


class TalkerMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One talker's signal after gain and mute.

    ``queued_ms`` waits in the jitter buffer, which aims at ``target_ms`` because arrivals spread by ``jitter_ms``;
    ``counts`` say by name what became of the packets (concealed, late, …).
    """

    user: str
    peak_db: float
    talking: bool
    queued_ms: float
    target_ms: float
    jitter_ms: float
    counts: dict[str, int]


class SourceMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One source's bus, and its packets that passed each hop."""

    source: str
    peak_db: float
    received: int
    decrypted: int
    decoded: int
    mixed: int
    drops: dict[str, int]


class DestinationMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One destination's mix and the packets sent into it; ``reduction_db`` is what the limiter takes away now."""

    destination: str
    peak_db: float
    reduction_db: float
    sent: int
    drops: dict[str, int]


class EngineMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """How well the machine keeps up.

    Residence is the time from a datagram's arrival to the send of the first datagram that holds one of its samples;
    lateness how much after its time a tick began. ``skipped`` counts ticks that a stall swallowed.
    """

    ticks: int = 0
    skipped: int = 0
    residence_p50_ms: float = 0.0
    residence_p99_ms: float = 0.0
    lateness_p50_ms: float = 0.0
    lateness_p99_ms: float = 0.0
    drops: dict[str, int] = {}
