"""The moving figures: what the ear would hear, and what every hop has counted.

Levels are dBFS and loudness is short-term LUFS (EBU R128), both with a floor of -120 (JSON knows no minus infinity);
spans are milliseconds; counters run since the session's start and never go back while it runs. ``drops`` count by
reason what did not pass.
"""

import math

from msgspec import Struct

SILENCE_DB = -120.0
"""The level of digital silence."""


def decibels(amplitude: float) -> float:
    """Return a linear amplitude (1.0 = full scale) as dBFS, rounded to a tenth; SILENCE_DB for nothing or NaN."""
    return finite(20.0 * math.log10(amplitude)) if amplitude > 0.0 else SILENCE_DB


def finite(level: float) -> float:
    """Return a level in dB or LUFS rounded to a tenth; SILENCE_DB for less than that or NaN, never infinity."""
    return round(min(level, -SILENCE_DB), 1) if level > SILENCE_DB else SILENCE_DB


class TalkerMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One talker's signal after the strip, which adds ``levelling_db`` now; ``talk_ms`` is the talk since they came.

    Playout adds ``delay_ms`` and aims at ``target_ms`` because arrivals spread by ``jitter_ms``. Of the last 10 s of
    talk ``loss_percent`` of the packets never came in time, ``concealed_percent`` of the sound was made up, and
    ``quality`` percent is heard as it was said. ``counts`` say by name what became of the packets (late, …).
    """

    user: str
    peak_db: float
    loudness_lufs: float
    levelling_db: float
    talking: bool
    talk_ms: int
    delay_ms: float
    target_ms: float
    jitter_ms: float
    loss_percent: float
    concealed_percent: float
    quality: float
    counts: dict[str, int]


class SourceMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One source's bus, and its packets that passed each hop."""

    source: str
    peak_db: float
    loudness_lufs: float
    received: int
    decrypted: int
    decoded: int
    mixed: int
    drops: dict[str, int]


class DestinationMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One destination's mix and the packets sent into it.

    Now the limiter changes it by ``reduction_db`` and ducking the others by ``ducking_db`` (0 or less); the delay line
    holds ``held_ms``.
    """

    destination: str
    peak_db: float
    loudness_lufs: float
    reduction_db: float
    ducking_db: float
    held_ms: float
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
