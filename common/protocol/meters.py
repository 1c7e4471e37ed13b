"""The moving figures: what the ear would hear, and what every hop has counted.

Levels are dBFS with a floor of -120 (JSON knows no minus infinity); spans are milliseconds; counters run since the
session's start and never go back while it runs.
"""

from msgspec import Struct

SILENCE_DB = -120.0
"""The level of digital silence."""


class TalkerMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One talker's signal after gain and mute.

    ``loss`` is the share of recent frames that had to be concealed (0.0 to 1.0), ``delay_ms`` what the jitter buffer
    adds now.
    """

    user: str
    peak_db: float
    rms_db: float
    talking: bool
    loss: float
    delay_ms: float


class SourceMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One source's bus, and its packets that passed each hop; ``drops`` counts the rest by reason."""

    source: str
    peak_db: float
    received: int
    decrypted: int
    decoded: int
    mixed: int
    drops: dict[str, int]


class DestinationMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """One destination's mix, and the packets sent into it; ``drops`` counts those that were not, by reason."""

    destination: str
    peak_db: float
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
    dropped_meters: int = 0
