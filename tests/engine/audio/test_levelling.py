import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.levelling import HIGHEST_GAIN, LOWEST_GAIN, Levelling
from engine.audio.loudness import Loudness, to_lufs

SAMPLES = 960
TARGET = -20.0
LEVELS = [-40.0, -30.0, -20.0, -12.0]


def speech_like(seed, seconds):
    """Low-passed noise in syllables of 130 to 250 ms, some 15 dB between them, words apart."""
    rng = np.random.default_rng(seed)
    length = int(seconds * 48_000)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / 48_000)
    voice = np.fft.irfft(spectrum / (1 + (hertz / 500) ** 2) * (hertz > 90), length)
    envelope = np.zeros(0)
    while len(envelope) < length:
        syllable = 1e-3 + np.sin(np.linspace(0, np.pi, rng.integers(6_000, 12_000))) ** 2 * 10 ** rng.uniform(-0.4, 0)
        gap = np.full(rng.choice([0, 4_000, 12_000], p=[0.6, 0.3, 0.1]), 1e-3)
        envelope = np.concatenate([envelope, syllable, gap])
    return voice * envelope[:length]


def weighed(sounds):
    """K-weighted power of each frame, (frames, n)."""
    loudness = Loudness(len(sounds), SAMPLES)
    slots = np.arange(len(sounds))
    frames = sounds.astype(np.float32).reshape(len(sounds), -1, SAMPLES).transpose(1, 0, 2)
    return np.array([loudness.weigh(slots, np.ascontiguousarray(frame)) for frame in frames])


def integrated(powers):
    """BS.1770 integrated loudness from each frame's power, (n,)."""
    steps = powers[: len(powers) // 5 * 5].reshape(-1, 5, powers.shape[1]).mean(axis=1)
    blocks = (steps[:-3] + steps[1:-2] + steps[2:-1] + steps[3:]) / 4
    result = []
    for block in blocks.T:
        loud = block[to_lufs(block) > -70]
        result.append(loud[loud > loud.mean() / 10].mean())
    return to_lufs(np.array(result, np.float32))


def at(levels, sounds):
    """The sounds' powers as if each had its level in LUFS, (frames, n)."""
    powers = weighed(sounds)
    return (powers * 10 ** ((np.array(levels) - integrated(powers)) / 10)).astype(np.float32)


def level(powers, levelling=None, target=TARGET):
    """The gains for all frames, (frames, n)."""
    count = powers.shape[1]
    levelling = levelling or Levelling(count, SAMPLES)
    slots, enabled = np.arange(count), np.ones(count, np.bool_)
    return np.array([levelling.gains(slots, row, enabled, target) for row in powers])


def test_talkers_of_all_levels_come_out_at_the_target():
    powers = at(LEVELS * 3, np.stack([speech_like(seed, 12) for seed in range(12)]))
    out = powers * level(powers) ** 2
    assert np.abs(integrated(out[75:250]) - TARGET).max() < 2.5
    assert np.abs(integrated(out[250:]) - TARGET).max() < 1.5


def test_dynamics_of_speech_stay():
    powers = at(LEVELS, np.stack([speech_like(seed, 20) for seed in range(4)]))
    gains = 20 * np.log10(level(powers)[250:])
    assert (gains.max(axis=0) - gains.min(axis=0)).max() < 2.5
    assert np.abs(np.diff(gains, axis=0)).max() < 0.1


def fan(rng, seconds):
    spectrum = np.fft.rfft(rng.standard_normal(int(seconds * 48_000)))
    hertz = np.fft.rfftfreq(int(seconds * 48_000), 1 / 48_000)
    return np.fft.irfft(spectrum / (1 + (hertz / 300) ** 2))


def keys(rng, seconds):
    sound = 1e-4 * rng.standard_normal(int(seconds * 48_000))
    for start in np.cumsum(rng.uniform(0.08, 0.3, int(seconds * 3))):
        click = rng.standard_normal(2_400) * np.exp(-np.arange(2_400) / rng.uniform(100, 300))
        sound[int(start * 48_000) :][:2_400] += click
    return sound


@pytest.mark.parametrize("noise", [fan, keys])
def test_what_is_only_noise_is_left_alone(noise):
    rng = np.random.default_rng(2)
    sounds = np.stack([noise(rng, 20)] * 3)
    for pause in range(0, sounds.shape[1], 96_000):
        sounds[:, pause : pause + 5_000] = 0.0
    assert np.array_equal(level(at([-60, -45, -32], sounds)), np.ones((1000, 3)))


def test_noise_between_words_is_not_pulled_up():
    rng = np.random.default_rng(3)
    speech = speech_like(4, 10)
    sound = np.concatenate([speech, np.zeros(480_000)]) + fan(rng, 20) * speech.std() / 30
    powers = at([-30], sound[None])
    gains = level(powers)
    assert gains[-1, 0] == pytest.approx(gains[500, 0], rel=0.05)


def test_one_who_pauses_goes_on_with_what_was_learnt():
    powers = at([-35], speech_like(6, 10)[None])
    levelling = Levelling(1, SAMPLES)
    before = level(powers, levelling)[-1]
    for _ in range(500):
        levelling.gains(np.zeros(0, np.intp), powers[0, :0], np.zeros(0, np.bool_), TARGET)
    assert level(powers[:1], levelling)[0] == pytest.approx(before, rel=0.02)


def test_one_who_becomes_quiet_is_found_again():
    powers = at([-20], speech_like(7, 40)[None])
    powers[750:] *= 10**-1.5
    out = powers * level(powers) ** 2
    assert integrated(out[1500:])[0] == pytest.approx(TARGET, abs=2.0)


def test_limits_hold():
    powers = at([-60.0, 5.0], np.stack([speech_like(seed, 10) for seed in (8, 9)]))
    low, high = level(powers)[-1, ::-1]
    assert low == pytest.approx(LOWEST_GAIN, rel=1e-3)
    assert high == pytest.approx(HIGHEST_GAIN, rel=1e-3)


def test_switched_off_it_glides_back_to_one_and_rests_there():
    powers = at([-40], speech_like(10, 10)[None])
    levelling = Levelling(1, SAMPLES)
    gains = [level(powers, levelling)[-1]]
    gains += [levelling.gains(np.array([0]), row, np.array([False]), TARGET) for row in powers[:100]]
    assert 20 * np.abs(np.diff(np.log10(gains), axis=0)).max() < 0.6
    assert gains[-1] == 1.0


def test_reset_forgets():
    powers = at([-40], speech_like(11, 5)[None])
    used, new = Levelling(1, SAMPLES), Levelling(1, SAMPLES)
    level(powers, used)
    used.reset(0)
    assert np.array_equal(level(powers[:250], used), level(powers[:250], new))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([480, 960]))
def test_any_powers_any_slots_finite_bounded_and_without_steps(seed, samples):
    rng = np.random.default_rng(seed)
    levelling = Levelling(6, samples)
    last = np.ones(6, np.float32)
    for _ in range(150):
        slots = rng.permutation(6)[: rng.integers(0, 7)].astype(np.intp)
        powers = (10 ** rng.uniform(-15, 5, len(slots))).astype(np.float32)
        powers[rng.random(len(slots)) < 0.05] = rng.choice([0.0, np.inf, np.nan])
        gains = levelling.gains(slots, powers, rng.random(len(slots)) < 0.7, float(rng.uniform(-30, -10)))
        assert (gains >= LOWEST_GAIN * 0.999).all()
        assert (gains <= HIGHEST_GAIN * 1.001).all()
        assert np.abs(20 * np.log10(gains / last[slots])).max(initial=0.0) < 0.55
        last[slots] = gains
