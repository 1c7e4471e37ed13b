import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.frame import LONGEST_PACKET_SAMPLES, SILENCE, has_redundancy, packet_samples, tick_samples
from engine.audio.opus import CorruptPacketError


def test_a_tick_has_its_samples():
    assert (tick_samples(20), tick_samples(10)) == (960, 480)


def test_discord_s_silence_is_20_ms_without_redundancy():
    assert packet_samples(SILENCE) == 960
    assert not has_redundancy(SILENCE)


def test_nothing_and_too_much_are_no_packets():
    assert packet_samples(b"") == 0
    assert packet_samples(b"\x03") == 0
    assert packet_samples(b"\xff\x3f") == 0
    assert packet_samples(b"\x00") == 480


@given(st.binary(min_size=1, max_size=60))
def test_what_libopus_decodes_has_the_samples_that_were_read_off_its_first_bytes(opus, payload):
    decoder, frame = opus.decoder(), np.zeros((LONGEST_PACKET_SAMPLES, 2), np.float32)
    try:
        decoded = decoder.decode(payload, frame)
    except CorruptPacketError:
        decoded = None
    finally:
        decoder.close()
    assert decoded is None or decoded == packet_samples(payload)


@pytest.mark.parametrize(
    ("payload", "carries"),
    [
        (b"\x08\x40", True),  # 20 ms of SILK, mono: voice activity, then the flag
        (b"\x08\x80", False),
        (b"\x0c\x10", True),  # stereo: the side's flag
        (b"\x0c\x20", False),
        (b"\x10\x20", True),  # 40 ms: two voice activity flags first
        (b"\x10\x40", False),
        (b"\xf8\xff", False),  # CELT has none
        (b"\x09\xff", False),  # two frames in a packet
        (b"\x08", False),
    ],
)
def test_redundancy_is_told_by_a_flag(payload, carries):
    assert has_redundancy(payload) is carries
