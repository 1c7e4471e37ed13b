import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.audio.limiter import CEILING, DELAY, Limiter

REACH = 16
SIZES = st.sampled_from([480, 960])


def meter(sound: np.ndarray) -> float:
    """The true peak of ``sound`` (samples, 2), eight times oversampled: Hann-windowed sinc, longer than ours."""
    taps = np.arange(-REACH + 1, REACH + 1)
    distance = np.arange(1, 8)[:, None] / 8 - taps
    kernel = np.sinc(distance) * (0.5 + 0.5 * np.cos(np.pi * distance / REACH))
    windows = np.lib.stride_tricks.sliding_window_view(sound.astype(float), 2 * REACH, axis=0)
    return max(np.abs(sound).max(), np.abs(windows @ kernel.T).max())


def limited(sound: np.ndarray, samples: int = 960) -> np.ndarray:
    """What comes out for ``sound`` (n · samples, 2)."""
    limiter = Limiter(1, samples)
    frames = [np.ascontiguousarray(frame)[None] for frame in np.split(sound.astype(np.float32), len(sound) // samples)]
    for frame in frames:
        limiter.process(frame)
    return np.concatenate(frames, axis=1)[0]


def both(sound) -> np.ndarray:
    return np.repeat(np.asarray(sound, np.float32)[:, None], 2, axis=1)


def noise(count: int, amplitude: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-amplitude, amplitude, (count, 2)).astype(np.float32)


def alternating(flips: int) -> np.ndarray:
    """Full scale at half the sample rate, its phase turned every ``flips`` samples: the worst between samples."""
    t = np.arange(3840)
    return both(np.where((t + t // flips) % 2, 1.0, -1.0))


levels = hnp.arrays(np.float32, (3840 // 60, 2), elements=st.floats(-30, 30, width=32))


@given(levels, st.sampled_from([1, 2, 5, 12, 37, 60]), SIZES, st.integers(0, 59))
def test_steps_and_alternations_of_any_height_never_exceed_the_ceiling(heights, width, samples, shift):
    sound = np.resize(np.roll(np.repeat(heights, width, axis=0), shift, axis=0), (3840, 2))
    assert meter(limited(sound, samples)) <= CEILING


@given(st.integers(0, 2**32 - 1), levels, SIZES)
@settings(max_examples=50)
def test_noise_and_signs_of_any_envelope_never_exceed_the_ceiling(seed, heights, samples):
    signs = np.sign(noise(3840, 1.0, seed))
    assert meter(limited(signs * np.repeat(heights, 60, axis=0), samples)) <= CEILING
    assert meter(limited(noise(3840, 30.0, seed) * np.repeat(heights, 60, axis=0), samples)) <= CEILING


@given(hnp.arrays(np.float32, (40, 2), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))
@example(np.full((40, 2), np.finfo(np.float32).max, np.float32))
def test_whatever_is_finite_comes_out_finite_and_under_the_ceiling(values):
    out = limited(np.resize(values, (1920, 2)))
    assert np.isfinite(out).all()
    assert meter(out[: -2 * REACH]) <= CEILING


@pytest.mark.parametrize("flips", [1, 2, 3, 7, 97, 4000])
@pytest.mark.parametrize("amplitude", [0.5, 1.0, 30.0])
def test_full_scale_alternating_samples(flips, amplitude):
    # The cut at the end is the test's and not the limiter's, hence short of it.
    fading = np.linspace(1.0, 0.0, 960)[:, None]
    sound = alternating(flips) * amplitude
    sound[-960:] *= fading
    assert meter(limited(sound)) <= CEILING


@pytest.mark.parametrize("frequency", [50, 997, 6_000, 11_999, 15_000, 20_000])
@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 4])
def test_tones_and_their_onsets_and_the_level_they_are_limited_to(frequency, phase):
    t = np.arange(9600)
    tone = 3.0 * np.sin(2 * np.pi * frequency * t / 48_000 + phase)
    out = limited(both(np.where(t % 4000 < 2000, tone, 0.0)))
    assert meter(out) <= CEILING
    assert meter(out) >= CEILING * 10 ** (-0.65 / 20)


def test_a_peak_between_samples_is_found_though_every_sample_is_under_the_ceiling():
    t = np.arange(3840)
    sound = both(1.2 * np.sin(np.pi / 2 * t + np.pi / 4))
    assert np.abs(sound).max() < CEILING
    assert meter(sound) > 1.1
    assert meter(limited(sound)) <= CEILING


@pytest.mark.parametrize("amplitude", [0.2, 0.8])
def test_what_is_under_the_ceiling_passes_bit_for_bit(amplitude):
    t = np.arange(5 * 960)
    sound = both(amplitude * np.sin(2 * np.pi * 440 * t / 48_000))
    assert np.array_equal(limited(sound)[DELAY:], sound[:-DELAY])


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_skipped_that_matters(seed, monkeypatch):
    heights = np.repeat(10 ** np.random.default_rng(seed).uniform(-2, 1, (128, 1)), 30, axis=0)
    sound = noise(3840, 1.0, seed) * heights
    skipping = limited(sound)
    assert skipping == pytest.approx(limited(sound, 480), abs=1e-5)
    monkeypatch.setattr("engine.audio.limiter._HARMLESS", -1.0)
    assert skipping == pytest.approx(limited(sound), abs=1e-5)


def test_rows_do_not_touch_each_other_and_sides_share_their_gain():
    loud, quiet = noise(2880, 4.0), noise(2880, 0.3, 2)
    limiter = Limiter(2)
    frames = [np.stack([loud[i : i + 960], quiet[i : i + 960]]) for i in range(0, 2880, 960)]
    for frame in frames:
        limiter.process(frame)
    out = np.concatenate(frames, axis=1)
    assert np.array_equal(out[1, DELAY:], quiet[:-DELAY])
    gains = out[0, DELAY:] / loud[:-DELAY]
    assert gains[:, 0] == pytest.approx(gains[:, 1], rel=1e-4)
    assert limiter.gain[0] < 0.5
    assert limiter.gain[1] == 1.0


def test_gain_runs_in_straight_lines_and_comes_back_to_exactly_one():
    limiter = Limiter(1)
    heights = np.concatenate([np.full(960, 0.25), np.full(960, 4.0), np.full(30 * 960, 0.25)])
    sound = both(heights)
    frames = [frame[None].copy() for frame in np.split(sound, 32)]
    for frame in frames:
        limiter.process(frame)
    gains = np.concatenate(frames, axis=1)[0, DELAY:, 0] / heights[:-DELAY]
    assert gains.min() < 0.25
    assert np.abs(np.diff(gains)).max() <= 1 / 60
    assert np.abs(np.diff(gains, 2)).max() <= 1 / 60
    assert np.diff(gains[1000:].reshape(-1)).min() > -1e-2
    assert limiter.gain[0] == 1.0
    assert np.array_equal(frames[-1], np.full((1, 960, 2), 0.25, np.float32))


@pytest.mark.parametrize("samples", [480, 960])
def test_what_is_held_comes_out_within_two_silent_frames(samples):
    limiter = Limiter(1, samples)
    sound = noise(samples, 0.3)
    frames = [sound[None].copy(), np.zeros((1, samples, 2), np.float32), np.zeros((1, samples, 2), np.float32)]
    for frame in frames:
        limiter.process(frame)
    assert np.array_equal(np.concatenate(frames, axis=1)[0, DELAY : DELAY + samples], sound)
    assert not frames[2].any()


def test_no_destination_is_no_work():
    limiter = Limiter(0)
    limiter.process(np.zeros((0, 960, 2), np.float32))
    assert limiter.gain.shape == (0,)
