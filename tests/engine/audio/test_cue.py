import itertools

import numpy as np

from engine.audio.cue import Cue


def play(cue, ticks, samples=960):
    frames = [np.zeros((samples, 2), np.float32) for _ in range(ticks)]
    for frame in frames:
        if not cue.over:
            cue.add_to(frame)
    return np.concatenate(frames)


def test_it_is_played_once_on_both_sides_and_every_tick_is_noted():
    sound = np.linspace(0.1, 0.2, 2_400, dtype=np.float32)
    cue = Cue(sound, itertools.count(5).__next__)
    heard = play(cue, 5)
    assert (heard[:2_400] == sound[:, None]).all()
    assert not heard[2_400:].any()
    assert (cue.entries, cue.over) == ([5, 6, 7], True)


def test_stopped_it_fades_out_within_a_frame():
    cue = Cue(np.full(9_600, 0.1, np.float32), lambda: 0)
    play(cue, 1)
    cue.stop()
    heard = play(cue, 4)
    assert np.abs(np.diff(heard[:, 0])).max() < 0.001
    assert not heard[959:].any()
    assert cue.over


def test_what_is_in_the_frame_stays():
    cue, frame = Cue(np.full(960, 0.1, np.float32), lambda: 0), np.full((960, 2), 0.25, np.float32)
    cue.add_to(frame)
    assert np.allclose(frame, 0.35)
