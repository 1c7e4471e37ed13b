import numpy as np
import pytest

from engine.audio.insert import Insert


class Delay:
    """Delays and scales a voice: an effect whose output can be foretold."""

    def __init__(self, delay=1440, gain=0.5):
        self.delay_samples = delay
        self._gain = gain
        self._held = np.zeros(delay, np.float32)

    def process(self, voice):
        line = np.concatenate([self._held, voice])
        voice[:] = line[: len(voice)] * np.float32(self._gain)
        self._held = line[len(voice) :]

    def close(self):
        pass


def tone(samples=96_000):
    return (0.5 * np.sin(2 * np.pi * 150 * np.arange(samples) / 48_000)).astype(np.float32)


def play(insert, voice, frame, events=()):
    """Play ``voice``; ``events`` are (frame number, effect to change to)."""
    heard = voice.copy()
    done = []
    for number, start in enumerate(range(0, len(heard), frame)):
        for at, effect in events:
            if at == number:
                insert.change(effect)
        if insert.process(heard[start : start + frame]):
            done.append(number)
    return heard, done


@pytest.mark.parametrize("frame", [480, 960])
def test_without_an_effect_a_voice_is_untouched(frame):
    heard, done = play(Insert(), tone(9_600), frame)
    np.testing.assert_array_equal(heard, tone(9_600))
    assert done == []


@pytest.mark.parametrize("frame", [480, 960])
def test_effects_come_and_go_without_a_click_or_a_hole(frame):
    insert = Insert()
    first, second = Delay(), Delay(delay=323, gain=1.5)
    voice = np.full(96_000, 0.5, np.float32)
    heard, done = play(insert, voice, frame, [(10, first), (30, second), (50, None)])
    assert len(done) == 3
    assert np.abs(np.diff(heard)).max() < 0.5 / frame * 1.01
    assert heard.min() == pytest.approx(0.25)
    assert insert.effect is None


@pytest.mark.parametrize("frame", [480, 960])
def test_an_effect_is_heard_when_its_delay_is_over(frame):
    heard, done = play(Insert(), tone(), frame, [(10, Delay())])
    assert done == [10 + -(-1440 // frame)]
    after = (done[0] + 1) * frame
    np.testing.assert_allclose(heard[after:], 0.5 * tone()[after - 1440 : -1440], atol=1e-6)


@pytest.mark.parametrize("frame", [480, 960])
@pytest.mark.parametrize("delay", [323, 1440])
def test_a_stretch_begins_without_what_is_left_of_the_one_before(frame, delay):
    insert = Insert()
    effect = Delay(delay)
    insert.begin(effect)
    play(insert, np.full(9_600, 0.9, np.float32), frame)
    insert.begin(None)
    insert.begin(effect)
    heard, _ = play(insert, tone(9_600), frame)
    assert not heard[:delay].any()
    np.testing.assert_allclose(heard[delay + 120 :], 0.5 * tone(9_600)[120:-delay], atol=1e-6)


def test_asking_again_for_what_is_on_its_way_changes_nothing():
    insert, effect = Insert(), Delay()
    _, done = play(insert, tone(), 960, [(number, effect) for number in range(50)])
    assert done == [2]


def test_a_change_can_be_taken_back_while_it_is_unheard():
    insert = Insert()
    heard, done = play(insert, tone(), 960, [(10, Delay()), (11, None)])
    np.testing.assert_array_equal(heard, tone())
    assert done == []


def test_the_last_of_two_changes_wins():
    insert, second = Insert(), Delay(323)
    play(insert, tone(), 960, [(10, Delay()), (11, second)])
    assert insert.effect is second
