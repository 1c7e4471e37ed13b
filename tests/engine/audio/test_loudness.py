import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.loudness import Loudness, to_lufs, to_power
from engine.audio.meter import SILENCE_LUFS

NOBODY = np.zeros(0, np.intp)


def listen(loudness, slots, sounds, samples):
    """Measure the sounds (n, time, ...) frame by frame."""
    for start in range(0, sounds.shape[1], samples):
        loudness.measure(slots, np.ascontiguousarray(sounds[:, start : start + samples], np.float32))


def tone(seconds, dbfs, hertz=1000):
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 48_000)) / 48_000)


def pause(loudness, ticks):
    for _ in range(ticks):
        loudness.measure(NOBODY, np.zeros((0, 960), np.float32))


@pytest.mark.parametrize("samples", [480, 960])
@pytest.mark.parametrize("dbfs", [-23, -33])
def test_minimum_requirements_1_and_2_of_tech_3341(samples, dbfs):
    loudness = Loudness(2, samples, channels=2)
    both = np.repeat(tone(4, dbfs)[None, :, None], 2, axis=2)
    listen(loudness, np.array([1]), both, samples)
    assert loudness.short_term[1] == pytest.approx(dbfs, abs=0.1)
    assert loudness.short_term[0] == SILENCE_LUFS


def test_full_scale_in_one_channel_is_minus_3_01():
    # BS.1770: a 997 Hz sine at 0 dBFS in one channel.
    loudness = Loudness(1, 960)
    listen(loudness, np.array([0]), tone(3, 0, 997)[None], 960)
    assert loudness.short_term[0] == pytest.approx(-3.01, abs=0.02)


def test_the_window_is_three_seconds_and_goes_on_in_silence():
    loudness = Loudness(1, 960)
    listen(loudness, np.array([0]), tone(3, -20)[None], 960)
    full = loudness.short_term[0]
    pause(loudness, 75)
    assert loudness.short_term[0] == pytest.approx(full - 3.01, abs=0.05)
    pause(loudness, 75)
    assert loudness.short_term[0] == SILENCE_LUFS


def test_rumble_counts_less_and_sibilants_more():
    loudness = Loudness(3, 960)
    sounds = np.stack([tone(3, -20, 30), tone(3, -20, 1000), tone(3, -20, 6000)])
    listen(loudness, np.array([2, 0, 1]), sounds, 960)
    low, middle, high = loudness.short_term[[2, 0, 1]]
    assert low - middle == pytest.approx(-8.9, abs=0.5)
    assert high - middle == pytest.approx(3.3, abs=0.2)


def speech_like(rng, seconds):
    """Noise with a low-passed spectrum and syllables in its envelope."""
    length = int(seconds * 48_000)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / 48_000)
    voice = np.fft.irfft(spectrum / (1 + (hertz / 500) ** 2) * (hertz > 90), length)
    syllables = np.repeat(10 ** (rng.uniform(-30, 0, int(seconds * 6)) / 20), 8_000)
    return 3 * voice * syllables


def test_a_crowd_is_measured_as_each_alone():
    rng = np.random.default_rng(5)
    voices = np.stack([speech_like(rng, 5) for _ in range(40)]) * 10 ** (rng.uniform(-30, 0, (40, 1)) / 20)
    crowd, exact = Loudness(40, 960), Loudness(40, 960)
    everybody = np.arange(40)
    listen(crowd, everybody, voices, 960)
    for start in range(0, voices.shape[1], 960):
        frames = np.ascontiguousarray(voices[:, start : start + 960], np.float32)
        parts = [exact.weigh(part, frames[part]) for part in np.split(everybody, 4)]
        exact.keep(everybody, np.concatenate(parts))
    assert np.abs(crowd.short_term - exact.short_term).max() < 0.5


def test_reset_forgets():
    loudness = Loudness(2, 960)
    listen(loudness, np.array([0, 1]), np.stack([tone(1, -20)] * 2), 960)
    loudness.reset(1)
    assert loudness.short_term[0] > -30
    assert loudness.short_term[1] == SILENCE_LUFS


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(-80, 20))
def test_finite_and_as_loud_as_its_gain(seed, rows, gain_db):
    rng = np.random.default_rng(seed)
    frames = rng.uniform(-0.5, 0.5, (rows, 480)).astype(np.float32)
    slots = rng.permutation(30)[:rows].astype(np.intp)
    plain, changed = Loudness(30, 480), Loudness(30, 480)
    before = plain.weigh(slots, frames)
    after = changed.weigh(slots, frames * np.float32(10 ** (gain_db / 20)))
    assert np.allclose(to_lufs(after) - to_lufs(before), gain_db, atol=0.01)


@given(st.floats(-119, 40))
def test_power_and_loudness_are_inverse(lufs):
    assert to_lufs(np.array([to_power(lufs)], np.float32))[0] == pytest.approx(lufs, abs=1e-3)
