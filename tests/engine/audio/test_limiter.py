import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.audio.frame import FRAME_SAMPLES
from engine.audio.limiter import BLOCK, CEILING, Limiter

loud = hnp.arrays(np.float32, (4, FRAME_SAMPLES // 60), elements=st.floats(-20, 20, width=32))


@given(loud)
def test_never_above_the_ceiling(blocks):
    limiter = Limiter(2)
    for row in blocks:
        frames = np.repeat(row, 60)[None, :, None].repeat(2, axis=0).repeat(2, axis=2).astype(np.float32).copy()
        limiter.process(frames)
        assert np.abs(frames).max() <= CEILING * 1.0001


def test_quiet_sound_passes_unchanged_one_block_later():
    limiter = Limiter(1)
    rng = np.random.default_rng(1)
    sound = rng.uniform(-0.5, 0.5, (1, 2 * FRAME_SAMPLES, 2)).astype(np.float32)
    first, second = sound[:, :FRAME_SAMPLES].copy(), sound[:, FRAME_SAMPLES:].copy()
    limiter.process(first)
    limiter.process(second)
    out = np.concatenate([first, second], axis=1)
    assert np.array_equal(out[:, BLOCK:], sound[:, :-BLOCK])


def test_gain_moves_without_steps():
    limiter = Limiter(1)
    frames = [np.full((1, FRAME_SAMPLES, 2), value, np.float32) for value in (0.5, 4.0, 0.5, 0.5)]
    for frame in frames:
        limiter.process(frame)
    out = np.concatenate(frames, axis=1)[0, BLOCK:, 0]
    quiet = out[2 * FRAME_SAMPLES + BLOCK :]
    assert np.abs(np.diff(quiet)).max() < 0.001
