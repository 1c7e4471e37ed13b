import numpy as np
import pytest

from engine.audio.encoder import TAIL_TICKS, Encoders
from engine.audio.frame import FRAME_SAMPLES

CASTERS, STREAM, ALICE = 30, 40, 1


@pytest.fixture
def encoders(opus):
    made = Encoders(opus)
    yield made
    made.close()


def frames(count, level=0.3):
    wave = level * np.sin(2 * np.pi * 440 * np.arange(FRAME_SAMPLES, dtype=np.float32) / 48_000)
    return np.repeat(np.repeat(wave.astype(np.float32)[None, :, None], 2, axis=2), count, axis=0)


def test_who_does_not_sound_is_not_encoded(encoders):
    encoders.adopt([CASTERS, STREAM])
    packets = encoders.encode(frames(2), [{ALICE}, set()])
    assert packets[CASTERS]
    assert packets[STREAM] is None


def test_after_the_last_sound_come_just_the_ticks_that_still_hold_some(encoders):
    encoders.adopt([CASTERS])
    encoders.encode(frames(1), [{ALICE}])
    tail = [encoders.encode(frames(1, 0.0), [set()])[CASTERS] is not None for _ in range(TAIL_TICKS + 2)]
    assert tail == [True] * TAIL_TICKS + [False, False]


def test_a_packet_decodes_to_what_was_encoded(encoders, opus):
    encoders.adopt([CASTERS])
    decoder, heard = opus.decoder(), np.zeros((FRAME_SAMPLES, 2), np.float32)
    for _ in range(5):
        decoder.decode(encoders.encode(frames(1), [{ALICE}])[CASTERS], heard)
    decoder.close()
    assert 0.25 < np.abs(heard).max() < 0.35


def test_one_destination_more_leaves_the_others_as_they_are(encoders):
    encoders.adopt([CASTERS])
    kept = encoders._states[CASTERS]
    encoders.encode(frames(1), [{ALICE}])
    encoders.adopt([STREAM, CASTERS])
    assert encoders._states[CASTERS] is kept
    assert list(encoders.encode(frames(2), [set(), set()])) == [STREAM, CASTERS]
    encoders.adopt([STREAM])
    assert kept._state is None
    assert list(encoders._states) == [STREAM]
