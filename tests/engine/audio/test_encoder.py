import numpy as np
import pytest

from engine.audio.encoder import TAIL_MS, Encoders
from engine.audio.frame import FRAME_SAMPLES, packet_samples

CASTERS, STREAM = 30, 40


@pytest.fixture
def encoders(opus):
    made = Encoders(opus)
    yield made
    made.close()


def frames(count, level=0.3, samples=FRAME_SAMPLES):
    wave = level * np.sin(2 * np.pi * 440 * np.arange(samples, dtype=np.float32) / 48_000)
    return np.repeat(np.repeat(wave.astype(np.float32)[None, :, None], 2, axis=2), count, axis=0)


def test_who_does_not_sound_is_not_encoded(encoders):
    encoders.adopt([CASTERS, STREAM])
    packets = encoders.encode(frames(2), [True, False])
    assert packets[CASTERS]
    assert packets[STREAM] is None


@pytest.mark.parametrize("tick_ms", [20, 10])
def test_after_the_last_sound_come_just_the_ticks_that_still_hold_some(opus, tick_ms):
    encoders, samples = Encoders(opus, tick_ms), 48 * tick_ms
    encoders.adopt([CASTERS])
    packet = encoders.encode(frames(1, samples=samples), [True])[CASTERS]
    assert packet_samples(packet) == samples
    tail = [encoders.encode(frames(1, 0.0, samples), [False])[CASTERS] is not None for _ in range(10)]
    assert tail == [True] * (TAIL_MS // tick_ms) + [False] * (10 - TAIL_MS // tick_ms)
    encoders.close()


def test_a_packet_decodes_to_what_was_encoded(encoders, opus):
    encoders.adopt([CASTERS])
    decoder, heard = opus.decoder(), np.zeros((FRAME_SAMPLES, 2), np.float32)
    for _ in range(5):
        decoder.decode(encoders.encode(frames(1), [True])[CASTERS], heard)
    decoder.close()
    assert 0.25 < np.abs(heard).max() < 0.35


def test_one_destination_more_leaves_the_others_as_they_are(encoders):
    encoders.adopt([CASTERS])
    kept = encoders._states[CASTERS]
    encoders.encode(frames(1), [True])
    encoders.adopt([STREAM, CASTERS])
    assert encoders._states[CASTERS] is kept
    assert list(encoders.encode(frames(2), [False, False])) == [STREAM, CASTERS]
    encoders.adopt([STREAM])
    assert kept._state is None
    assert list(encoders._states) == [STREAM]
