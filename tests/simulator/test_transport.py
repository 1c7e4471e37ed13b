import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.transport import AES_GCM, MODES, PLAIN, XCHACHA, Audio, Dress, TransportKey

KEY = bytes(range(32))

audios = st.builds(
    Audio,
    ssrc=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    payload=st.binary(min_size=1, max_size=400),
)
dresses = st.builds(Dress, extension_words=st.integers(0, 15), padding=st.integers(0, 255))


@pytest.mark.parametrize("mode", MODES)
@given(audio=audios, dress=dresses)
def test_what_is_sealed_can_be_opened_and_is_not_readable(mode, audio, dress):
    datagram = TransportKey(mode, KEY).seal(audio, dress)
    assert TransportKey(mode, KEY).open(datagram) == audio
    assert len(audio.payload) < 4 or audio.payload not in datagram


@pytest.mark.parametrize("mode", MODES)
def test_the_bits_of_the_header_tell_the_dress(mode):
    datagram = TransportKey(mode, KEY).seal(Audio(7, 8, 9, b"speech"), Dress(extension_words=2, padding=4))
    first, kind, sequence, timestamp, ssrc, profile, words = struct.unpack_from(">BBHIIHH", datagram)
    assert (first, kind, sequence, timestamp, ssrc) == (0xB0, 0x78, 8, 9, 7)
    assert (profile, words) == (0xBEDE, 2)
    assert len(datagram) == 16 + 8 + len(b"speech") + 4 + 16 + 4  # header, extension, payload, padding, tag, nonce


def test_the_nonce_counts():
    key = TransportKey(AES_GCM, KEY)
    datagrams = [key.seal(Audio(1, 2, 3, b"x")) for _ in range(3)]
    assert [datagram[-4:] for datagram in datagrams] == [b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"]


@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
def test_a_datagram_changed_anywhere_is_refused(mode, data):
    datagram = bytearray(TransportKey(mode, KEY).seal(Audio(1, 2, 3, b"speech"), Dress(1, 3)))
    place = data.draw(st.integers(0, len(datagram) - 1))
    datagram[place] ^= data.draw(st.integers(1, 255))
    assert TransportKey(mode, KEY).open(bytes(datagram)) is None


def test_another_key_or_mode_does_not_open():
    datagram = TransportKey(AES_GCM, KEY).seal(Audio(1, 2, 3, b"speech"), PLAIN)
    assert TransportKey(AES_GCM, bytes(32)).open(datagram) is None
    assert TransportKey(XCHACHA, KEY).open(datagram) is None


@given(
    front=st.sampled_from([b"\x80\x78", b"\x90\x78", b"\x9f\x78", b"\xbf\x78", b"\xb0\x78", b""]),
    noise=st.binary(max_size=120),
)
def test_noise_is_never_opened_and_never_raises(front, noise):
    assert TransportKey(AES_GCM, KEY).open(front + noise) is None


@pytest.mark.parametrize(("extension", "padding"), [(15, 0), (0, 200), (15, 255)])
def test_an_authentic_datagram_that_lies_about_its_lengths_is_refused(extension, padding):
    key = TransportKey(AES_GCM, KEY)
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    header = struct.pack(">BBHII", first, 120, 1, 2, 3)
    if extension:
        header += struct.pack(">HH", 0xBEDE, extension)
    assert key.open(key._encrypt(header, b"abc" + bytes([padding]))) is None


@pytest.mark.parametrize("mode", MODES)
def test_a_sender_report_is_no_audio(mode):
    report = TransportKey(mode, KEY).seal_report(77)
    assert 200 <= report[1] <= 204
    assert TransportKey(mode, KEY).open(report) is None
