import numpy as np
import pytest

from benchmarks.playouts import TALKER, TICK_NS, schedule
from common.types import Nanoseconds, Ssrc
from engine.audio.frame import OpusPacket

MS = 1_000_000


def packets(*late_ms, first=65_534):
    """Packets with their number as payload, each so late; ``None`` is lost."""
    came = [
        OpusPacket(TALKER, Ssrc(1), (first + n) & 0xFFFF, n * 960, b"%d" % n, Nanoseconds(n * TICK_NS + int(late * MS)))
        for n, late in enumerate(late_ms)
        if late is not None
    ]
    return sorted(came, key=lambda packet: packet.arrival)


def played(came, ticks, delay_ms, begin_ms=5):
    payloads = schedule(came, begin_ms * MS, ticks, delay_ms * MS)
    return [None if payload is None else int(payload) for payload in payloads]


def test_without_delay_the_next_tick_plays_what_has_come():
    assert played(packets(0, 0, 0, 0), 5, 0) == [0, 1, 2, 3, None]


def test_a_fixed_delay_is_rounded_up_to_a_tick():
    assert played(packets(0, 0, 0), 8, 60) == [None, None, None, 0, 1, 2, None, None]
    assert played(packets(0, 0, 0), 8, 60, begin_ms=0) == [None, None, None, 0, 1, 2, None, None]


def test_late_and_lost_packets_are_missing_and_shift_nothing():
    assert played(packets(0, 5.1, None, 4.9, 0), 6, 0) == [0, None, None, 3, 4, None]


def test_order_of_arrival_does_not_matter_within_the_delay():
    assert played(packets(0, 59, 3, 45), 8, 60)[3:7] == [0, 1, 2, 3]


def test_the_first_that_comes_sets_the_time_for_those_before_it_too():
    assert played(packets(30, 0, 0), 4, 20, begin_ms=0) == [None, None, 1, 2]
    assert played(packets(None, 0, 0), 4, 0, begin_ms=0) == [None, 1, 2, None]


@pytest.mark.parametrize("seed", range(3))
def test_even_jitter_within_the_delay_loses_nothing(seed):
    late = np.random.default_rng(seed).uniform(0, 60, 200)
    heard = played(packets(*late), 210, 60)
    assert sorted(each for each in heard if each is not None) == list(range(200))
