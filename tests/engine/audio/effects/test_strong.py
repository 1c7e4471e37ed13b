import numpy as np
import pytest

from engine.audio.effect import EffectError
from engine.audio.effects import strong
from simulator import clips
from simulator.opus import decode_all

RNG = np.random.default_rng(4)
SNR_DB = 5


@pytest.fixture(scope="module")
def spoken():
    """Return two seconds of a clip of the simulator."""
    voice = decode_all(list(clips.packets("en_1")))[: 100 * 960]
    return 0.1 * voice / voice.std()


@pytest.fixture
def effect():
    effect = strong.create()
    yield effect
    effect.close()


def play(effect, voice, frame=960):
    heard = voice.astype(np.float32)
    for start in range(0, len(heard), frame):
        effect.process(heard[start : start + frame])
    return heard


def keys(samples):
    """Return clicks that die away within 20 ms, eight a second."""
    noise = np.zeros(samples)
    for at in range(0, samples - 960, 6_000):
        noise[at : at + 960] = RNG.standard_normal(960) * np.exp(-np.arange(960) / 200)
    return noise


def distance_db(wanted, heard):
    """Return by how much ``heard`` is off ``wanted``, which it may lag behind by the effect's delay."""
    wanted = wanted[: len(heard)]
    return 10 * np.log10(np.mean((heard - wanted) ** 2) / np.mean(wanted**2))


@pytest.mark.parametrize("noise", [keys, RNG.standard_normal], ids=["keyboard", "fan"])
def test_speech_in_noise_comes_nearer_to_clean_speech(effect, spoken, noise):
    sound = noise(len(spoken))
    noisy = spoken + sound * spoken.std() / sound.std() * 10 ** (-SNR_DB / 20)
    heard = play(effect, noisy)[effect.delay_samples :]
    assert distance_db(spoken, noisy) == pytest.approx(-SNR_DB, abs=0.1)
    assert distance_db(spoken, heard) < -SNR_DB - 3


def test_it_delays_by_what_it_says_and_leaves_clean_speech_alone(effect, spoken):
    heard = play(effect, spoken)[effect.delay_samples :]
    assert distance_db(spoken, heard) < -15


def test_noise_alone_all_but_goes(effect):
    noise = 0.05 * RNG.standard_normal(48_000)
    assert play(effect, noise)[24_000:].std() < 0.05 * noise.std()


def test_frames_of_10_ms_give_the_same(effect, spoken):
    other = strong.create()
    np.testing.assert_array_equal(play(effect, spoken[:9_600], 960), play(other, spoken[:9_600], 480))
    other.close()


def test_a_model_for_other_blocks_is_an_error():
    class Library:
        freed = None

        def df_create(self, *_):
            return 7

        def df_get_frame_length(self, _):
            return 512

        def df_free(self, state):
            self.freed = state

    library = Library()
    with pytest.raises(EffectError):
        strong.Strong(library, "model")
    assert library.freed == 7


def test_closing_twice_is_fine(effect):
    effect.close()
