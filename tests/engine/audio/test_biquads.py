import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio import biquads as module
from engine.audio.biquads import Biquads

SECTIONS = [(0.9, -1.7, 0.85, -1.6, 0.7), (1.0, -2.0, 1.0, -1.99, 0.9901)]


def plain_loop(row, sections):
    """The same difference equations, sample by sample in double precision."""
    out = np.asarray(row, np.float64)
    for b0, b1, b2, a1, a2 in sections:
        one = two = 0.0
        filtered = []
        for sample in out.tolist():
            value = b0 * sample + one
            one, two = b1 * sample - a1 * value + two, b2 * sample - a2 * value
            filtered.append(value)
        out = np.array(filtered)
    return out


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([480, 960]), st.integers(1, 4))
def test_is_the_difference_equation_whatever_slots_come_when(seed, samples, sections):
    rng = np.random.default_rng(seed)
    cascade = (SECTIONS * 2)[:sections]
    biquads = Biquads(5, samples, cascade)
    heard = {slot: [] for slot in range(5)}
    came = {slot: [] for slot in range(5)}
    for _ in range(4):
        slots = rng.permutation(5)[: rng.integers(1, 6)].astype(np.intp)
        rows = rng.uniform(-1, 1, (len(slots), samples)).astype(np.float32)
        out = np.empty_like(rows)
        biquads.process(slots, rows, out)
        for slot, row, filtered in zip(slots.tolist(), rows, out, strict=True):
            heard[slot].append(row)
            came[slot].append(filtered)
    for slot, rows in heard.items():
        if rows:
            reference = plain_loop(np.concatenate(rows), cascade)
            error = np.concatenate(came[slot]) - reference
            assert np.abs(error).max() <= 3e-6 * np.abs(reference).max()


def test_settled_on_a_value_it_goes_on_as_after_that_value_for_ever():
    biquads = Biquads(2, 480, SECTIONS)
    rows = np.full((1, 480), 0.5, np.float32)
    biquads.settle(np.array([1]), rows[:, 0])
    biquads.process(np.array([1]), rows, rows)
    assert np.abs(np.diff(rows)).max() < 1e-5


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_what_is_no_sound_is_gone_after_its_frame(poison):
    biquads = Biquads(1, 480, SECTIONS)
    rows = np.full((1, 480), poison, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        biquads.process(np.array([0]), rows, rows)
    rows = np.zeros((1, 480), np.float32)
    biquads.process(np.array([0]), rows, rows)
    assert np.array_equal(rows, np.zeros((1, 480)))


def test_reset_forgets():
    biquads = Biquads(1, 480, SECTIONS)
    rows = np.ones((1, 480), np.float32)
    biquads.process(np.array([0]), rows, rows)
    biquads.reset(0)
    rows = np.zeros((1, 480), np.float32)
    biquads.process(np.array([0]), rows, rows)
    assert not rows.any()


def test_filters_of_one_cascade_share_what_it_is_and_nothing_of_what_they_hear(monkeypatch):
    first = Biquads(1, 480, SECTIONS)
    monkeypatch.setattr(module, "_scan", None)
    second = Biquads(300, 480, list(SECTIONS), 4)
    assert second._scan is first._scan
    assert not second._scan.flags.writeable
    rows = np.ones((1, 480), np.float32)
    first.process(np.array([0]), rows, rows)
    rows = np.zeros((1, 480), np.float32)
    second.process(np.array([0]), rows, rows)
    assert not rows.any()


def test_another_cascade_or_length_is_another_filter():
    assert Biquads(1, 480, SECTIONS)._scan is not Biquads(1, 960, SECTIONS)._scan
    assert Biquads(1, 480, SECTIONS)._scan is not Biquads(1, 480, SECTIONS[:1])._scan
