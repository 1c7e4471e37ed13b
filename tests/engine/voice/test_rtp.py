import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.voice import rtp

PLAIN = struct.pack(">BBHII", 0x80, 120, 7, 960, 42)


def test_a_plain_header():
    header = rtp.parse(PLAIN + b"body")
    assert (header.sequence, header.timestamp, header.ssrc, header.size) == (7, 960, 42, 12)
    assert not header.padded
    assert header.extension_bytes == 0


def test_sources_and_extension_belong_to_the_authenticated_part():
    data = struct.pack(">BBHII", 0x80 | 0x10 | 2, 120, 1, 2, 3) + bytes(8) + struct.pack(">HH", 0xBEDE, 3) + b"rest"
    header = rtp.parse(data)
    assert header.size == 12 + 8 + 4
    assert header.extension_bytes == 12


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "short"),
        (PLAIN[:11], "short"),
        (b"\x40" + PLAIN[1:], "not_rtp"),
        (struct.pack(">BBHII", 0x80, 200, 6, 1, 2), "rtcp"),
        (struct.pack(">BBHII", 0x80, 96, 6, 1, 2), "payload_type"),
        (struct.pack(">BBHII", 0x90, 120, 6, 1, 2), "short"),
    ],
)
def test_what_is_no_audio_says_why(data, reason):
    assert rtp.parse(data) == reason


def test_extension_and_padding_come_off():
    header = rtp.RtpHeader(0, 0, 0, 16, extension_bytes=4, padded=True)
    assert rtp.body(header, b"EXT!opus\0\0\3") == b"opus"


def test_padding_only_leaves_nothing():
    assert rtp.body(rtp.RtpHeader(0, 0, 0, 12, extension_bytes=0, padded=True), b"\0\0\3") == b""


@pytest.mark.parametrize("plain", [b"", b"ab\0", b"ab\x09"])
def test_padding_that_does_not_fit_is_refused(plain):
    assert rtp.body(rtp.RtpHeader(0, 0, 0, 12, extension_bytes=0, padded=True), plain) is None


def test_an_extension_longer_than_the_packet_is_refused():
    assert rtp.body(rtp.RtpHeader(0, 0, 0, 16, extension_bytes=8, padded=False), b"1234567") is None


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data, plain):
    header = rtp.parse(data)
    if not isinstance(header, str):
        found = rtp.body(header, plain)
        assert found is None or len(found) <= len(plain)


def test_what_we_write_we_read():
    header = rtp.parse(rtp.write(65535, 2**32 - 1, 5) + b"x")
    assert (header.sequence, header.timestamp, header.ssrc) == (65535, 2**32 - 1, 5)
