"""What goes over UDP: RTP, the two ``rtpsize`` AEAD modes, the 74 bytes of address discovery."""

import secrets
import struct
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings

AES = "aead_aes256_gcm_rtpsize"
XCHACHA = "aead_xchacha20_poly1305_rtpsize"
SILENCE = b"\xf8\xff\xfe"
OPUS_TYPE = 120


class Rtp(NamedTuple):
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def _nonce(mode, tail):
    return tail.ljust(12 if mode == AES else 24, b"\0")


def seal(mode, key, counter, header, body):
    """Encrypt ``body`` with ``header`` authenticated; the counter's four bytes come last."""
    tail = struct.pack(">I", counter)
    if mode == AES:
        sealed = AESGCM(key).encrypt(_nonce(mode, tail), body, header)
    else:
        sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(body, header, _nonce(mode, tail), key)
    return header + sealed + tail


def unseal(mode, key, header, sealed):
    nonce = _nonce(mode, sealed[-4:])
    if mode == AES:
        return AESGCM(key).decrypt(nonce, sealed[:-4], header)
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[:-4], header, nonce, key)


def pack(mode, key, counter, rtp, *, words=0, padding=0, marker=False):
    """Build a datagram; ``words`` of header extension travel encrypted, its preamble in the clear."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if words else 0)
    header = struct.pack(">BBHII", first, OPUS_TYPE | marker << 7, rtp.sequence, rtp.timestamp, rtp.ssrc)
    body = rtp.payload
    if words:
        header += struct.pack(">HH", 0xBEDE, words)
        body = secrets.token_bytes(4 * words) + body
    if padding:
        body += bytes([padding]) * padding
    return seal(mode, key, counter, header, body)


def unpack(mode, key, data):
    """Open a datagram of audio; ValueError or the AEAD's own error if it isn't."""
    first, kind, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
    if first >> 6 != 2 or kind & 0x7F != OPUS_TYPE:
        raise ValueError("not audio")
    size = 12 + 4 * (first & 0x0F)
    words = 0
    if first & 0x10:
        words = struct.unpack_from(">H", data, size + 2)[0]
        size += 4
    body = unseal(mode, key, data[:size], data[size:])[4 * words :]
    if first & 0x20:
        body = body[: -body[-1]]
    return Rtp(sequence, timestamp, ssrc, body)


def discovery(kind, ssrc, address=b"", port=0):
    return struct.pack(">HHI64sH", kind, 70, ssrc, address, port)
