import numpy as np
import pytest

from simulator import clips
from simulator.opus import FRAME, SAMPLE_RATE, decode_all


def test_there_are_five_in_each_language_and_they_are_small():
    assert [name[:2] for name in clips.names()] == ["en"] * 5 + ["ja"] * 5
    assert sum(path.stat().st_size for path in clips.FOLDER.iterdir()) < 1_000_000
    assert (clips.FOLDER / "LICENSE.md").is_file()


def test_an_unknown_clip():
    with pytest.raises(KeyError):
        clips.packets("nobody")


@pytest.mark.parametrize("name", clips.names())
def test_a_clip_is_speech_without_silence_around_it(name):
    samples = decode_all(list(clips.packets(name)))
    assert 2.5 <= len(samples) / SAMPLE_RATE <= 5
    levels = np.sqrt((samples.reshape(-1, FRAME) ** 2).mean(axis=1))
    assert 0.3 < np.abs(samples).max() < 0.7
    loud = np.flatnonzero(levels > 0.005)
    assert loud[0] <= 1
    assert loud[-1] >= len(levels) - 4
    assert len(clips.text(name)) > 20


def test_all_texts_differ():
    assert len({clips.text(name) for name in clips.names()}) == 10
