"""RTP as Discord uses it (RFC 3550 section 5.1, RFC 8285): reading a received header, writing our own. Pure."""

import struct
from typing import NamedTuple

from common.types import Ssrc

HEADER_BYTES = 12
PAYLOAD_TYPE = 120
"""Discord's payload type for Opus."""

_VERSION_BYTE = 0x80
_EXTENSION_PREAMBLE_BYTES = 4
_FIXED = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")


class RtpHeader(NamedTuple):
    """A received packet's header.

    ``size`` is the authenticated, unencrypted part: fixed header, CSRCs and the extension's preamble.
    ``extension_bytes`` lie at the front of what is decrypted; ``padded`` tells that padding ends it.
    """

    sequence: int
    timestamp: int
    ssrc: Ssrc
    size: int
    extension_bytes: int
    padded: bool


def parse(data: bytes) -> RtpHeader | str:
    """Read the header of a datagram, or return why it isn't audio: a reason to count it by."""
    if len(data) < HEADER_BYTES:
        return "short"
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:  # noqa: PLR2004 - the version RFC 3550 defines
        return "not_rtp"
    if 200 <= second <= 204:  # noqa: PLR2004 - RTCP packet types, RFC 3550 section 12.1
        return "rtcp"
    if second & 0x7F != PAYLOAD_TYPE:
        return "payload_type"
    size = HEADER_BYTES + 4 * (first & 0x0F)
    extension = 0
    if first & 0x10:
        if len(data) < size + _EXTENSION_PREAMBLE_BYTES:
            return "short"
        extension = 4 * _EXTENSION.unpack_from(data, size)[1]
        size += _EXTENSION_PREAMBLE_BYTES
    return RtpHeader(sequence, timestamp, Ssrc(ssrc), size, extension, bool(first & 0x20))


def body(header: RtpHeader, plain: bytes) -> bytes | None:
    """Return the payload of a decrypted packet without extension and padding, ``None`` if these don't fit."""
    end = len(plain)
    if header.padded:
        if not plain or not 1 <= plain[-1] <= end:
            return None
        end -= plain[-1]
    if header.extension_bytes > end:
        return None
    return plain[header.extension_bytes : end]


def write(sequence: int, timestamp: int, ssrc: Ssrc) -> bytes:
    """Return the 12-byte header of a packet of ours."""
    return _FIXED.pack(_VERSION_BYTE, PAYLOAD_TYPE, sequence, timestamp, ssrc)
