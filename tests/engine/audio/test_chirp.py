"""The chirp is found where it is, whatever is around it, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.chirp import CHIRP_PEAK, chirp, find
from engine.audio.frame import SAMPLE_RATE

LENGTH = 2 * SAMPLE_RATE


def everything(sound):
    return np.ones(len(sound), np.bool_)


def with_chirp(start, gain=1.0, noise=0.0, seed=1):
    sound = noise * np.random.default_rng(seed).standard_normal(LENGTH).astype(np.float32)
    sound[start : start + len(chirp())] += np.float32(gain) * chirp()[: LENGTH - start]
    return sound


def test_it_is_at_minus_20_dbfs_under_two_seconds_and_begins_and_ends_without_a_click():
    sound = chirp()
    assert np.abs(sound).max() == pytest.approx(CHIRP_PEAK, rel=0.01)
    assert 20 * np.log10(CHIRP_PEAK) == pytest.approx(-20.0)
    assert len(sound) < 2 * SAMPLE_RATE
    steps = np.abs(np.diff(sound))
    assert max(abs(sound[0]), abs(sound[-1]), steps[:48].max(), steps[-48:].max()) < 0.002


@settings(max_examples=20, deadline=None)
@given(
    start=st.integers(0, LENGTH - SAMPLE_RATE),
    gain=st.floats(0.05, 5.0),
    loudness=st.floats(0.0, 0.5),
    seed=st.integers(0, 1_000),
)
def test_it_is_found_to_the_sample_below_noise_as_loud(start, gain, loudness, seed):
    sound = with_chirp(start, gain, noise=loudness * gain * CHIRP_PEAK, seed=seed)
    found = find(sound, everything(sound))
    assert found is not None
    assert abs(found.start - start) <= 1
    assert found.gain == pytest.approx(gain, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), loudness=st.floats(1e-4, 1.0))
def test_in_noise_there_is_none(seed, loudness):
    sound = loudness * np.random.default_rng(seed).standard_normal(LENGTH).astype(np.float32)
    assert find(sound, everything(sound)) is None


@pytest.mark.parametrize("length", [0, 1, 960, LENGTH])
def test_in_silence_there_is_none(length):
    sound = np.zeros(length, np.float32)
    assert find(sound, everything(sound)) is None


@pytest.mark.parametrize("hz", [50.0, 440.0, 3_000.0])
def test_a_tone_is_none(hz):
    sound = (0.3 * np.sin(2 * np.pi * hz * np.arange(LENGTH) / SAMPLE_RATE)).astype(np.float32)
    assert find(sound, everything(sound)) is None


def test_what_was_lost_makes_it_no_fainter():
    sound = with_chirp(4_800)
    present = everything(sound)
    for start in range(0, LENGTH, 4_800):
        sound[start : start + 960], present[start : start + 960] = 0.0, False
    found = find(sound, present)
    assert abs(found.start - 4_800) <= 1
    assert found.gain == pytest.approx(1.0, rel=0.05)


def test_one_whose_beginning_did_not_arrive_began_before_the_sound():
    sound = with_chirp(0)[9_600:]
    found = find(sound, everything(sound))
    assert abs(found.start + 9_600) <= 1
