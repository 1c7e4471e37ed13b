import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.ducking import ATTACK_MS, HOLD_MS, RELEASE_MS, Ducking

ticks = st.sampled_from([10, 20])


def run(depth, heard, tick_ms=20):
    """Decibels after each tick in one destination."""
    ducking = Ducking(1)
    ducking.adopt([depth])
    return [20 * np.log10(ducking.step([tick], tick_ms)[0]) for tick in heard]


@pytest.mark.parametrize("tick_ms", [10, 20])
@pytest.mark.parametrize("depth", [6.0, 24.0])
def test_down_in_the_attack_held_after_the_last_sound_and_back_in_the_release(depth, tick_ms):
    attack, hold, release = (ms // tick_ms for ms in (ATTACK_MS, HOLD_MS, RELEASE_MS))
    levels = run(depth, [True] * attack + [False] * (hold + release + 2), tick_ms)
    assert levels[attack - 1] == pytest.approx(-depth, abs=1e-3)
    assert levels[attack - 2] > -depth + 0.1
    assert levels[attack - 1 : attack + hold] == pytest.approx([-depth] * (hold + 1), abs=1e-3)
    assert levels[attack + hold] > -depth
    assert levels[attack + hold + release - 2] < 0
    assert levels[attack + hold + release - 1 :] == [0.0] * 3


def test_one_short_sound_ducks_fully_and_another_in_the_release_turns_it_round():
    levels = run(12.0, [True, *[False] * 25, True, True, False])
    assert levels[0] == pytest.approx(-6.0)
    assert levels[1] == pytest.approx(-12.0, abs=1e-3)
    assert levels[25] > -12.0
    assert levels[28] == pytest.approx(-12.0, abs=1e-3)


@given(st.lists(st.booleans(), max_size=80), st.floats(0, 24), ticks)
def test_gain_stays_between_the_depth_and_one_and_moves_smoothly(heard, depth, tick_ms):
    levels = np.array([0.0, *run(depth, heard, tick_ms)])
    assert np.all((levels <= 0) & (levels >= -depth - 1e-4))
    steps = np.diff(levels)
    assert np.all(steps >= -depth * 1.5 * tick_ms / ATTACK_MS - 1e-4)
    assert np.all(steps <= depth * 1.5 * tick_ms / RELEASE_MS + 1e-4)


def test_destinations_are_their_own_and_off_is_off():
    ducking = Ducking(3)
    ducking.adopt([12.0, 0.0, 12.0])
    for _ in range(3):
        gains = ducking.step([True, True, False], 20)
    assert gains == pytest.approx([10 ** (-12 / 20), 1.0, 1.0])
    assert gains.shape == (3,)


def test_another_depth_is_in_force_at_the_next_step_and_off_forgets():
    ducking = Ducking(1)
    ducking.adopt([12.0])
    for _ in range(3):
        ducking.step([True], 20)
    ducking.adopt([6.0])
    assert ducking.step([False], 20)[0] == pytest.approx(10 ** (-6 / 20))
    ducking.adopt([0.0])
    assert ducking.step([True], 20)[0] == 1.0
    ducking.adopt([6.0])
    assert ducking.step([False], 20)[0] == 1.0


def test_as_many_depths_as_destinations():
    with pytest.raises(ValueError, match="1 depths for 2 destinations"):
        Ducking(2).adopt([0.0])


def test_no_destinations():
    assert Ducking(0).step([], 20).shape == (0,)
