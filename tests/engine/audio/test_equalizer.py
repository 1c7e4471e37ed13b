import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.equalizer import HIGH_HZ, LOW_HZ, MID_HZ, Equalizer, sections

RATE = 48_000
FLAT = (0.0, 0.0, 0.0)
decibels = st.floats(-12, 12)
bands = st.tuples(decibels, decibels, decibels)
sizes = st.sampled_from([480, 960])


def filtered(sound, *changes, samples=960):
    """One bus through an equaliser that adopts each of ``changes`` in turn for an equal share of the frames."""
    equalizer = Equalizer(1, samples)
    frames = np.split(np.asarray(sound, np.float32), len(sound) // samples)
    for number, frame in enumerate(frames):
        equalizer.adopt([changes[number * len(changes) // len(frames)]])
        equalizer.process(frame[None])
    return np.concatenate(frames)


def tone(frequency, frames=10, amplitude=0.25):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(frames * 960) / RATE)).astype(np.float32)


def biquads(frequency, setting):
    z = np.exp(-2j * np.pi * frequency / RATE)
    return abs(np.prod([np.polyval(b[::-1], z) / np.polyval(a[::-1], z) for b, a in sections(setting)]))


def gain(setting, frequency, samples=960):
    out = filtered(tone(frequency, 20), setting, samples=samples)[9600:]
    t = np.arange(9600, 9600 + len(out)) / RATE
    basis = np.stack([np.sin(2 * np.pi * frequency * t), np.cos(2 * np.pi * frequency * t)], axis=1)
    return np.hypot(*np.linalg.lstsq(basis, out, rcond=None)[0]) / 0.25


@given(bands, st.floats(50, 16_000), sizes)
@settings(max_examples=60)
def test_the_response_is_that_of_the_cookbook_s_filters(setting, frequency, samples):
    assert 20 * np.log10(gain(setting, frequency, samples) / biquads(frequency, setting)) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("amount", [-12.0, 6.0, 12.0])
def test_each_band_does_what_it_is_called(amount):
    def level(setting, frequency):
        return 20 * np.log10(biquads(frequency, setting))

    assert level((amount, 0, 0), 1) == pytest.approx(amount, abs=0.1)
    assert level((amount, 0, 0), LOW_HZ) == pytest.approx(amount / 2, abs=0.1)
    assert level((amount, 0, 0), 2_000) == pytest.approx(0, abs=0.2)
    assert level((0, amount, 0), MID_HZ) == pytest.approx(amount, abs=0.01)
    assert level((0, amount, 0), 50) == pytest.approx(0, abs=0.2)
    assert level((0, 0, amount), 23_900) == pytest.approx(amount, abs=0.1)
    assert level((0, 0, amount), HIGH_HZ) == pytest.approx(amount / 2, abs=0.1)
    assert level((0, 0, amount), 500) == pytest.approx(0, abs=0.2)


def test_flat_buses_are_left_bit_for_bit_beside_one_that_is_not():
    sound = np.random.default_rng(1).uniform(-1, 1, (3, 960)).astype(np.float32)
    equalizer = Equalizer(3, 960)
    equalizer.adopt([FLAT, (6.0, 0.0, -3.0), FLAT])
    for _ in range(3):
        buses = sound.copy()
        equalizer.process(buses)
        assert np.array_equal(buses[[0, 2]], sound[[0, 2]])
        assert not np.allclose(buses[1], sound[1], atol=0.01)


def test_there_is_no_delay():
    impulse = np.zeros(960, np.float32)
    impulse[100] = 0.5
    out = filtered(np.concatenate([np.zeros(960), impulse, np.zeros(960)]), (3.0, -3.0, 6.0))[960:]
    assert np.abs(out[:100]).max() < 1e-6
    assert np.abs(out).argmax() == 100


@given(bands, bands, st.sampled_from([60.0, 440.0, 3_000.0]), sizes)
@settings(max_examples=60)
def test_a_change_in_the_middle_of_a_tone_is_no_step(first, second, frequency, samples):
    """A step bends a curve by its own height; a fade by no more than the tone itself and the ends of the ramp do."""
    bends = np.abs(np.diff(filtered(tone(frequency), first, second, FLAT, samples=samples), 2))
    before, after = (max(1.0, biquads(frequency, setting)) for setting in (first, second))
    turn = 2 * np.pi * frequency / RATE
    assert bends[2 * samples :].max() <= 0.25 * (max(before, after) * turn**2 + (before + after) / samples) * 1.1


@given(bands, sizes, st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_it_is_linear_and_finite(setting, samples, seed):
    first, second = np.random.default_rng(seed).uniform(-1, 1, (2, 3840))
    together = filtered(2 * first + second, setting, samples=samples)
    apart = 2 * filtered(first, setting, samples=samples) + filtered(second, setting, samples=samples)
    assert np.isfinite(together).all()
    assert together == pytest.approx(apart, abs=1e-4)


def test_both_frame_sizes_filter_alike_and_silence_comes_back():
    sound = np.concatenate([np.random.default_rng(2).uniform(-1, 1, 3840), np.zeros(1920)])
    setting = (12.0, -6.0, 3.0)
    long, short = filtered(sound, setting), filtered(sound, setting, samples=480)
    assert long[960:] == pytest.approx(short[960:], abs=1e-5)
    assert not long[-960:].any()


def test_changes_between_two_frames_count_as_one_and_the_last_one_is_right():
    sound = tone(440, 4)
    equalizer = Equalizer(1, 960)
    for frame in np.split(sound.copy(), 4):
        equalizer.adopt([(12.0, 12.0, 12.0)])
        equalizer.adopt([FLAT])
        expected = frame.copy()
        equalizer.process(frame[None])
        assert np.array_equal(frame, expected)


def test_as_many_settings_as_buses():
    with pytest.raises(ValueError, match="2 settings for 1 buses"):
        Equalizer(1, 960).adopt([FLAT, FLAT])


def test_no_buses_are_no_work():
    equalizer = Equalizer(0, 960)
    equalizer.adopt([])
    equalizer.process(np.zeros((0, 960), np.float32))
