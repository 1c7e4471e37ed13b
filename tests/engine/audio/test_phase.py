import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.frame import TICK_NS
from engine.audio.phase import STEP_NS, correction, step, waiting

dues = st.lists(st.integers(0, 10**12), min_size=1, max_size=20)


@given(st.integers(0, 10**12), dues)
def test_a_correction_never_makes_waiting_worse(now, found):
    assert waiting(now + correction(now, found), found) <= waiting(now, found)


@given(dues)
def test_one_correction_is_enough(found):
    there = 5 + correction(5, found)
    assert correction(there, found) == 0


def test_one_talker_waits_for_nothing():
    assert correction(0, [7_000_000 + 3 * TICK_NS]) == 7_000_000
    assert correction(0, [15_000_000]) == -5_000_000
    assert correction(0, []) == 0


@pytest.mark.parametrize(("remaining", "taken"), [(0, 0), (50, 50), (9 * STEP_NS, STEP_NS), (-9 * STEP_NS, -STEP_NS)])
def test_a_tick_moves_a_little(remaining, taken):
    assert step(remaining) == taken
