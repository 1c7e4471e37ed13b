"""Counts and recordings become hops, latency, loss and level."""

from dataclasses import replace

import numpy as np
import pytest

from common.errors import ErrorCode
from common.protocol.messages import Hop
from common.types import ChannelId
from engine.audio.chirp import Found
from engine.audio.recording import Recording
from engine.session.verdict import FAULTS, Evidence, judge

MS = 1_000_000
TICKS = 50
NAMES = {"bot": "casters", "listener": "red", "channel": "7"}


def recording(starts, delay_ms=30.0):
    """Return what arrived: packets whose first sample left at ``start`` / 48 ms and took ``delay_ms``."""
    arrivals = tuple(round((start / 48 + delay_ms) * MS) for start in starts)
    length = max(starts, default=0) + 960
    return Recording(np.ones(length, np.float32), np.ones(length, np.bool_), tuple(starts), arrivals)


GOOD = Evidence(
    destination=ChannelId(7),
    names=NAMES,
    tick=960,
    entries=tuple(number * 20 * MS for number in range(TICKS)),
    sent=TICKS,
    opened=TICKS,
    unopened=0,
    recording=recording(range(0, TICKS * 960, 960)),
    found=Found(start=0, gain=1.0),
    encryption=1,
)
NOTHING = replace(GOOD, entries=(), sent=0, opened=0, unopened=0, recording=recording([]), found=None)


def test_all_is_well():
    result = judge(GOOD)
    assert [(hop.hop, hop.passed, hop.fault) for hop in result.hops] == [(hop, True, None) for hop in FAULTS]
    assert set(FAULTS) == set(Hop)
    assert (result.destination, result.latency_ms, result.loss_percent, result.encryption) == ("7", 30.0, 0.0, 1)
    assert result.level_db == pytest.approx(-20.0)


@pytest.mark.parametrize(
    ("evidence", "passed", "code"),
    [
        (NOTHING, 0, ErrorCode.CHECK_NOT_MIXED),
        (replace(NOTHING, entries=GOOD.entries), 1, ErrorCode.CHECK_NOT_SENT),
        (replace(NOTHING, entries=GOOD.entries, sent=TICKS), 2, ErrorCode.CHECK_NOT_RECEIVED),
        (replace(NOTHING, entries=GOOD.entries, sent=TICKS, unopened=3), 2, ErrorCode.CHECK_NOT_RECEIVED),
        (replace(NOTHING, entries=GOOD.entries, sent=TICKS, unopened=TICKS), 3, ErrorCode.CHECK_NOT_DECRYPTED),
        (replace(GOOD, recording=recording([]), found=None), 4, ErrorCode.CHECK_NOT_DECODED),
        (replace(GOOD, found=None), 5, ErrorCode.CHECK_NOT_HEARD),
        (replace(GOOD, sent=0), 1, ErrorCode.CHECK_NOT_SENT),
    ],
)
def test_the_first_hop_that_fails_has_the_fault_and_none_passes_behind_it(evidence, passed, code):
    hops = judge(evidence).hops
    assert [hop.passed for hop in hops] == [True] * passed + [False] * (len(FAULTS) - passed)
    assert [hop.fault.code for hop in hops if hop.fault is not None] == [code]
    assert hops[passed].fault.details == NAMES


def test_nothing_heard_is_all_lost_and_without_a_level():
    result = judge(replace(NOTHING, entries=GOOD.entries, sent=TICKS))
    assert (result.latency_ms, result.loss_percent, result.level_db) == (0.0, 100.0, -120.0)


def test_latency_is_that_of_most_packets_and_includes_the_codec_s():
    late = recording(range(0, TICKS * 960, 960))
    arrivals = (late.arrivals[0] + 400 * MS, *late.arrivals[1:])
    found = Found(start=192, gain=1.0)  # 4 ms of the limiter and the codec
    assert judge(replace(GOOD, recording=replace(late, arrivals=arrivals), found=found)).latency_ms == 34.0


def test_latency_follows_a_clock_that_moves():
    entries = tuple(number * 20 * MS + (7 * MS if number > 10 else 0) for number in range(TICKS))
    arrivals = tuple(entry + 30 * MS for entry in entries)
    moved = replace(GOOD, entries=entries, recording=replace(GOOD.recording, arrivals=arrivals))
    assert judge(moved).latency_ms == 30.0


@pytest.mark.parametrize("missing", [(), (3,), (10, 20, 30, 40), tuple(range(25))])
def test_loss_is_of_the_chirp_s_packets(missing):
    starts = [number * 960 for number in range(TICKS) if number not in missing]
    result = judge(replace(GOOD, recording=recording(starts)))
    assert result.loss_percent == pytest.approx(100.0 * len(missing) / TICKS)


def test_what_came_before_and_after_the_chirp_is_not_counted():
    before_and_after = recording(range(0, (TICKS + 40) * 960, 960))
    result = judge(replace(GOOD, recording=before_and_after, found=Found(start=20 * 960, gain=0.5)))
    assert result.loss_percent == 0.0
    assert result.level_db == pytest.approx(-26.0, abs=0.1)
