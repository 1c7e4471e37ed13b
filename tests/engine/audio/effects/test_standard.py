import numpy as np
import pytest

from engine.audio.effect import EffectError
from engine.audio.effects import standard

RNG = np.random.default_rng(4)


@pytest.fixture
def effect():
    effect = standard.create()
    yield effect
    effect.close()


def play(effect, voice, frame=960):
    heard = voice.astype(np.float32)
    for start in range(0, len(heard), frame):
        effect.process(heard[start : start + frame])
    return heard


def syllables(seconds):
    """Return a voice of a kind: 200 Hz and its harmonics, five bursts a second."""
    t = np.arange(int(seconds * 48_000)) / 48_000
    tone = sum(np.sin(2 * np.pi * 200 * k * t) / k for k in range(1, 20))
    return 0.1 * tone * np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1) ** 2


def lag(before, after):
    size = 2 * len(before)
    product = np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size))
    return int(np.argmax(np.fft.irfft(product, size)[:4800]))


def test_it_delays_by_what_it_says(effect):
    voice = syllables(1) * RNG.uniform(-1, 1, 48_000)
    assert abs(lag(voice, play(effect, voice)) - effect.delay_samples) <= 24


def test_steady_noise_is_lowered_by_eight_decibels_and_more(effect):
    noise = 0.05 * RNG.standard_normal(3 * 48_000)
    heard = play(effect, noise)
    assert heard[-48_000:].std() < 0.4 * noise.std()


def test_a_voice_stays(effect):
    voice = syllables(2)
    heard = play(effect, voice)
    assert heard[48_000:].std() == pytest.approx(voice[48_000:].std(), rel=0.25)


def test_frames_of_10_ms_give_the_same(effect):
    voice = syllables(0.5)
    other = standard.create()
    np.testing.assert_array_equal(play(effect, voice, 960), play(other, voice, 480))
    other.close()


def test_a_voice_beyond_full_scale_is_not_wrapped_around(effect):
    voice = np.clip(40 * syllables(0.5), -5, 5)
    assert np.abs(np.diff(play(effect, voice))).max() < 1.0


def test_a_library_that_refuses_a_block_is_an_error(effect):
    def refuse(*_):
        effect._length.value = 40
        return 0

    effect._request, effect._drop = refuse, lambda _: True
    with pytest.raises(EffectError):
        effect.process(np.zeros(480, np.float32))


def test_numbers_of_any_size_are_written_as_protobuf_does():
    assert standard._varint(300) == b"\xac\x02"
    assert standard._message(50, standard._numbers(0, 0, 1, 1)).hex() == "9203080800100018012001"


@pytest.mark.parametrize(("answer", "handle"), [("8a03060a040a020801", 1), ("8a03070a050a0308ac02", 300)])
def test_the_handle_is_found_in_the_answer(answer, handle):
    assert standard._handle_in(bytes.fromhex(answer)) == handle


@pytest.mark.parametrize("answer", ["", "9203060a040a020801", "8a03060a040a021001", "8a03060a040a020800"])
def test_another_protocol_is_an_error(answer):
    with pytest.raises(EffectError):
        standard._handle_in(bytes.fromhex(answer))


def test_closing_twice_is_fine(effect):
    effect.close()
