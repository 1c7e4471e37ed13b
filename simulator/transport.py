"""RTP with Discord's transport encryption, for the voice server and for ears: seal what goes out, open what comes in.

``header ‖ AEAD(extension body ‖ payload ‖ padding) ‖ uint32 nonce``; the header with the extension's preamble is
authenticated, not encrypted (RFC 3550 section 5.1, RFC 8285; modes ``aead_*_rtpsize``).
"""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings
from nacl.exceptions import CryptoError

AES_GCM = "aead_aes256_gcm_rtpsize"
XCHACHA = "aead_xchacha20_poly1305_rtpsize"
MODES = (AES_GCM, XCHACHA)
PAYLOAD_TYPE = 120
SILENCE = b"\xf8\xff\xfe"

_VERSION = 2
_EXTENSION_PROFILE = 0xBEDE
_OVERHEAD = 16 + 4  # tag and nonce
_LEAST = 12 + _OVERHEAD  # header first


@dataclass(frozen=True, slots=True)
class Audio:
    """One packet of audio, without its encryption in transport; ``payload`` as the speaker's client made it."""

    ssrc: int
    sequence: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dress:
    """What a packet carries besides audio: words of header extension (0 to 15), bytes of padding (0 to 255)."""

    extension_words: int = 1
    padding: int = 0


PLAIN = Dress(0, 0)


class TransportKey:
    """One client's key and mode."""

    def __init__(self, mode: str, key: bytes) -> None:
        self.mode = mode
        self.key = key
        self._nonce = 0
        self._gcm = AESGCM(key) if mode == AES_GCM else None
        self._pad = bytes(8 if mode == AES_GCM else 20)

    def seal(self, audio: Audio, dress: Dress = PLAIN) -> bytes:
        """Return the datagram."""
        first = 0x80 | (0x10 if dress.extension_words else 0) | (0x20 if dress.padding else 0)
        header = struct.pack(">BBHII", first, PAYLOAD_TYPE, audio.sequence, audio.timestamp, audio.ssrc)
        plain = audio.payload
        if dress.extension_words:
            header += struct.pack(">HH", _EXTENSION_PROFILE, dress.extension_words)
            plain = b"\x51" * (4 * dress.extension_words) + plain
        if dress.padding:
            plain += bytes(dress.padding - 1) + bytes([dress.padding])
        return self._encrypt(header, plain)

    def seal_report(self, ssrc: int) -> bytes:
        """Return an RTCP sender report, which clients must leave alone."""
        return self._encrypt(struct.pack(">BBHI", 0x80, 200, 6, ssrc), bytes(20))

    def open(self, data: bytes) -> Audio | None:
        """Read a datagram of a client's; ``None`` if it is not authentic audio. A packet of padding only is empty."""
        if len(data) < _LEAST or data[0] >> 6 != _VERSION or data[1] & 0x7F != PAYLOAD_TYPE:
            return None
        first, _, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
        size = 12 + 4 * (first & 0x0F) + (4 if first & 0x10 else 0)
        if len(data) < size + _OVERHEAD:
            return None
        extension = 4 * int.from_bytes(data[size - 2 : size], "big") if first & 0x10 else 0
        plain = self._decrypt(data[:size], data[size:-4], data[-4:])
        if plain is None:
            return None
        padding = plain[-1] if first & 0x20 and plain else 0
        if extension + padding > len(plain):
            return None
        return Audio(ssrc, sequence, timestamp, plain[extension : len(plain) - padding])

    def _encrypt(self, header: bytes, plain: bytes) -> bytes:
        counter = struct.pack(">I", self._nonce)
        self._nonce += 1
        nonce = counter + self._pad
        if self._gcm is not None:
            return header + self._gcm.encrypt(nonce, plain, header) + counter
        return header + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, header, nonce, self.key) + counter

    def _decrypt(self, header: bytes, body: bytes, counter: bytes) -> bytes | None:
        nonce = counter + self._pad
        try:
            if self._gcm is not None:
                return self._gcm.decrypt(nonce, body, header)
            return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(body, header, nonce, self.key)
        except (InvalidTag, CryptoError):
            return None
