import numpy as np
import pytest

from benchmarks.judge import LONGEST_LAG, QUARTER, alignment, judge, lag_of
from benchmarks.speech import RECORDED_RATE as SECOND


def noise(seconds, seed=1):
    """Noise that comes and goes four times a second, as syllables do."""
    count = int(seconds * SECOND)
    envelope = 1.01 + np.sin(2 * np.pi * 4 * np.arange(count) / SECOND)
    return (np.random.default_rng(seed).normal(size=count) * envelope * 0.05).astype(np.float32)


def later(samples, lag):
    return np.concatenate([np.zeros(lag, np.float32), samples, np.zeros(LONGEST_LAG, np.float32)])


@pytest.mark.parametrize("lag", [0, 483, LONGEST_LAG])
def test_a_lag_is_found_to_the_sample(lag):
    speech = noise(1)
    assert lag_of(speech, later(speech, lag)[: SECOND + LONGEST_LAG]) == lag


def test_a_loud_place_that_fits_badly_is_not_preferred():
    speech = noise(1)
    heard = np.concatenate([later(speech, 800)[: SECOND + 800], noise(1, seed=2) * 20])
    assert lag_of(speech, heard[: SECOND + LONGEST_LAG]) == 800


def test_the_quarter_in_which_the_delay_changed_is_found():
    speech = noise(4)
    change = 2 * SECOND + QUARTER
    heard = np.concatenate([later(speech[:change], 300)[: change + 300], noise(0.02, 3), later(speech[change:], 0)])
    lags = alignment(speech, heard, 0)
    assert lags.tolist() == [300] * 9 + [620] * 7


def test_silence_goes_with_what_was_before():
    speech = np.concatenate([noise(2), np.zeros(SECOND, np.float32)])
    assert set(alignment(speech, later(speech, 700), 0).tolist()) == {700}


def test_what_comes_unharmed_is_understood_and_what_is_full_of_holes_is_not():
    speech = noise(6)
    holes = speech.copy().reshape(-1, SECOND // 50)
    holes[::3] = 0
    unharmed, harmed = (judge(speech, later(each, 400), 2 * SECOND).stoi for each in (speech, holes.ravel()))
    assert unharmed == pytest.approx(1.0)
    assert harmed < 0.8


def test_the_warm_up_is_not_judged():
    speech = noise(4)
    spoilt = speech.copy()
    spoilt[:SECOND] = 0
    assert judge(speech, later(spoilt, 400), SECOND).stoi == pytest.approx(1.0)
