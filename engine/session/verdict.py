"""What a sound check found, hop by hop, from what was counted and recorded. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from common.errors import ErrorCode
from common.protocol.messages import Fault, Hop, HopCheck, SoundCheckResult
from common.types import ChannelId, Nanoseconds
from engine.audio.chirp import CHIRP_PEAK, CHIRP_SECONDS, Found
from engine.audio.frame import SAMPLE_RATE
from engine.audio.recording import Recording

NOTHING_DB: Final = -120.0
"""The level of what was not heard."""

FAULTS: Final[Mapping[Hop, ErrorCode]] = {
    Hop.MIXED: ErrorCode.CHECK_NOT_MIXED,
    Hop.SENT: ErrorCode.CHECK_NOT_SENT,
    Hop.RECEIVED: ErrorCode.CHECK_NOT_RECEIVED,
    Hop.DECRYPTED: ErrorCode.CHECK_NOT_DECRYPTED,
    Hop.DECODED: ErrorCode.CHECK_NOT_DECODED,
    Hop.HEARD: ErrorCode.CHECK_NOT_HEARD,
}
"""The hops in the order in which a chirp passes them, each with what is said when it stays there."""

_CHIRP_SAMPLES = round(CHIRP_SECONDS * SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one check.

    ``tick`` is the samples of a tick, ``entries`` when each tick's part of the chirp was mixed in (ns). ``sent`` are
    packets sent meanwhile by the destination's bot, ``opened`` those of them, silence left out, that the listener
    decrypted; ``unopened`` came to the listener from anybody and were not decrypted.
    """

    destination: ChannelId
    names: Mapping[str, str]
    tick: int
    entries: tuple[Nanoseconds, ...]
    sent: int
    opened: int
    unopened: int
    recording: Recording
    found: Found | None
    encryption: int


def judge(evidence: Evidence) -> SoundCheckResult:
    """Say how the chirp came through."""
    found = evidence.found
    return SoundCheckResult(
        destination=str(evidence.destination),
        hops=_hops(evidence),
        latency_ms=0.0 if found is None else round(_latency_ns(evidence, found) / 1e6, 1),
        loss_percent=round(_loss_percent(evidence), 1),
        level_db=NOTHING_DB if found is None else round(_decibels(CHIRP_PEAK * found.gain), 1),
        encryption=evidence.encryption,
    )


def _hops(evidence: Evidence) -> tuple[HopCheck, ...]:
    """Judge every hop; who fails first has the fault, and nothing is said to have passed behind it."""
    passed = {
        Hop.MIXED: bool(evidence.entries),
        Hop.SENT: evidence.sent > 0,
        Hop.RECEIVED: evidence.opened > 0 or 2 * evidence.unopened >= max(2, len(evidence.entries)),
        Hop.DECRYPTED: evidence.opened > 0,
        Hop.DECODED: bool(evidence.recording.starts),
        Hop.HEARD: evidence.found is not None,
    }
    first_failed = next((hop for hop in FAULTS if not passed[hop]), None)
    hops: list[HopCheck] = []
    failed = False
    for hop, code in FAULTS.items():
        failed = failed or hop is first_failed
        fault = Fault(code, dict(evidence.names)) if hop is first_failed else None
        hops.append(HopCheck(hop=hop, passed=not failed, fault=fault))
    return tuple(hops)


def _latency_ns(evidence: Evidence, found: Found) -> float:
    """Return the median over the chirp's packets of the time from entry to arrival, that of the codec included."""
    recording, tick = evidence.recording, evidence.tick
    delays = [
        arrival - _entry(evidence.entries, start - found.start, tick)
        for start, arrival in zip(recording.starts, recording.arrivals, strict=True)
        if 0 <= start - found.start < len(evidence.entries) * tick
    ]
    return median(delays) if delays else 0.0


def _entry(entries: tuple[Nanoseconds, ...], sample: int, tick: int) -> float:
    """Return when a sample of the chirp entered the mix; a tick's samples follow each other in real time."""
    return entries[sample // tick] + (sample % tick) * 1e9 / SAMPLE_RATE


def _loss_percent(evidence: Evidence) -> float:
    """Return how much of the chirp's packets did not arrive to be decoded."""
    starts, tick = evidence.recording.starts, evidence.tick
    if evidence.found is None or not starts:
        expected, came = len(evidence.entries), evidence.opened
    else:
        begin, end = evidence.found.start - tick + 1, evidence.found.start + _CHIRP_SAMPLES
        slots = np.arange(begin, end)
        expected = int(np.count_nonzero((slots - starts[0]) % tick == 0))
        came = sum(begin <= start < end for start in starts)
    return 100.0 * (1.0 - min(1.0, came / expected)) if expected else 100.0


def _decibels(linear: float) -> float:
    return max(NOTHING_DB, 20.0 * float(np.log10(max(linear, 1e-12))))
