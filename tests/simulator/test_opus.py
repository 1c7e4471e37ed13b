import ctypes

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.opus import FRAME, LONGEST, SAMPLE_RATE, SILENCES, Decoder, Encoder, _library, decode_all, samples


def tone(length):
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(length) / SAMPLE_RATE)).astype(np.float32)


@given(st.binary(min_size=1, max_size=8))
@example(b"\x03")
@example(b"\x03\x00")
@example(b"\x1b\x3f")
def test_the_length_is_what_libopus_says(packet):
    told = _library.opus_packet_get_nb_samples(packet, ctypes.c_int32(len(packet)), SAMPLE_RATE)
    assert samples(packet) == max(0, told)


def test_nothing_is_no_packet():
    assert samples(b"") == 0


@pytest.mark.parametrize("length", [FRAME // 8, FRAME // 2, FRAME, 3 * FRAME])
def test_packets_of_any_length_are_encoded_and_decoded(length):
    encoder, decoder = Encoder(64_000), Decoder()
    packets = [encoder.encode(piece) for piece in tone(20 * length).reshape(20, length)]
    assert {samples(packet) for packet in packets} == {length}
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == 20 * length
    assert np.abs(heard).max() == pytest.approx(0.3, abs=0.1)


def test_lengths_may_change_from_packet_to_packet():
    encoder = Encoder(64_000)
    assert len(decode_all([encoder.encode(tone(FRAME)), encoder.encode(tone(FRAME // 2))])) == FRAME * 3 // 2


@pytest.mark.parametrize("length", SILENCES)
def test_silence_is_as_long_as_it_says_and_silent(length):
    assert samples(SILENCES[length]) == length
    assert np.abs(Decoder().decode(SILENCES[length])).max() < 1e-9


@given(st.binary(min_size=1, max_size=40))
@example(b"\x03\x00")
def test_a_broken_packet_is_concealed(packet):
    heard = Decoder().decode(packet)
    assert len(heard) == (samples(packet) or FRAME) <= LONGEST
    assert np.isfinite(heard).all()
