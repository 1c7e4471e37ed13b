import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.high_pass import HighPass

SAMPLES = 960
SLOT = np.array([3], np.intp)
ON, OFF = np.array([True]), np.array([False])


def run(high_pass, sound, switches):
    """The sound of one slot, frame by frame."""
    out = sound.astype(np.float32).copy()
    for frame, on in zip(out.reshape(-1, 1, SAMPLES), switches, strict=True):
        high_pass.process(SLOT, frame, np.array([on]))
    return out


def tone(hertz, frames, level=0.5):
    return level * np.sin(2 * np.pi * hertz * np.arange(frames * SAMPLES) / 48_000)


@pytest.mark.parametrize(("hertz", "decibels"), [(20, -24.1), (40, -12.3), (80, -3.01), (160, -0.26), (1000, 0.0)])
def test_response_is_butterworths(hertz, decibels):
    out = run(HighPass(4, SAMPLES), tone(hertz, 50), [True] * 50)[10 * SAMPLES :]
    gain = 20 * np.log10(np.sqrt(2 * np.mean(out.astype(np.float64) ** 2)) / 0.5)
    assert gain == pytest.approx(decibels, abs=0.05)


def test_what_is_off_stays_as_it_is():
    sound = tone(50, 3).astype(np.float32)
    assert np.array_equal(run(HighPass(4, SAMPLES), sound, [False] * 3), sound)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=12), st.floats(0, 6.28))
def test_switching_makes_no_step(switches, phase):
    low = 0.5 * np.sin(2 * np.pi * 60 * np.arange(12 * SAMPLES) / 48_000 + phase) + 0.3
    out = run(HighPass(4, SAMPLES), low, switches)
    # The sound itself moves by 0.004 a sample, a fade by 0.001 more.
    assert np.abs(np.diff(out)).max() < 0.006


def test_a_constant_offset_is_no_thump():
    out = run(HighPass(4, SAMPLES), np.full(5 * SAMPLES, 0.4), [True] * 5)
    assert np.abs(np.diff(out)).max() < 0.001
    assert np.abs(out[SAMPLES:]).max() < 1e-4


def test_rows_do_not_touch_each_other():
    rng = np.random.default_rng(1)
    together, alone = HighPass(8, SAMPLES), HighPass(8, SAMPLES)
    slots = np.array([6, 1, 3], np.intp)
    for _ in range(5):
        enabled = rng.random(3) < 0.7
        rows = rng.uniform(-0.5, 0.5, (3, SAMPLES)).astype(np.float32)
        single = rows[2:].copy()
        together.process(slots, rows, enabled)
        alone.process(slots[2:], single, enabled[2:])
        assert np.allclose(rows[2:], single, atol=1e-6)


def test_a_pause_or_another_talker_starts_afresh():
    for forget in (lambda it: it.process(SLOT[:0], np.zeros((0, SAMPLES), np.float32), ON[:0]), lambda it: it.reset(3)):
        used, new = HighPass(4, SAMPLES), HighPass(4, SAMPLES)
        run(used, tone(30, 2), [True, True])
        forget(used)
        sound = tone(50, 1)
        assert np.array_equal(run(used, sound, [True]), run(new, sound, [True]))
