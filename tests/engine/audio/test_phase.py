import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.arrivals import Due
from engine.audio.frame import FRAME_NS
from engine.audio.phase import STEP_NS, correction, step, waiting

MS = 1_000_000
dues = st.lists(st.builds(Due, st.integers(0, 10**12), st.integers(0, 5 * MS)), min_size=1, max_size=20)


ticks = st.sampled_from([FRAME_NS, FRAME_NS // 2])


@given(st.integers(0, 10**12), dues, ticks)
def test_a_correction_never_makes_waiting_worse(now, found, tick):
    before, after = waiting([now, now + correction(now, found, tick)], found, tick)
    assert after <= before


@given(dues, ticks)
def test_one_correction_is_enough(found, tick):
    there = 5 + correction(5, found, tick)
    assert correction(there, found, tick) == 0


def test_one_talker_waits_for_nothing():
    assert correction(0, [Due(7 * MS + 3 * FRAME_NS, MS)], FRAME_NS) == 7 * MS
    assert correction(0, [Due(15 * MS, MS)], FRAME_NS) == -5 * MS
    assert correction(0, [Due(15 * MS, MS)], FRAME_NS // 2) == 5 * MS
    assert correction(0, [], FRAME_NS) == 0


def test_the_tick_stands_behind_all_of_a_talkers_packets_not_among_them():
    among = Due(1 * MS, 3 * MS)
    assert correction(0, [among, *[Due(0, 0)] * 9], FRAME_NS) == 1 * MS


@pytest.mark.parametrize(("remaining", "taken"), [(0, 0), (50, 50), (9 * STEP_NS, STEP_NS), (-9 * STEP_NS, -STEP_NS)])
def test_a_tick_moves_a_little(remaining, taken):
    assert step(remaining) == taken
