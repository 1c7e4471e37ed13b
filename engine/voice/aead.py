"""Transport encryption: both of Discord's ``rtpsize`` AEAD modes, for receiving and sending.

The header is authenticated, the rest encrypted; a 32-bit counter, appended to the packet, is the nonce's front.
"""

import struct
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

AES_GCM = "aead_aes256_gcm_rtpsize"
XCHACHA = "aead_xchacha20_poly1305_rtpsize"
MODES = (AES_GCM, XCHACHA)
"""In the order we prefer them: AES has hardware on every desktop processor."""

NONCE_BYTES = 4
TAG_BYTES = 16
KEY_BYTES = 32
LAST_NONCE = 2**32 - 1

_Crypt = Callable[[bytes, bytes, bytes], bytes]


class NonceExhaustedError(RuntimeError):
    """Every nonce of the key is used; only a new voice session gives a new key."""


class TransportCipher:
    """One voice session's key. Decrypting and encrypting may happen in two threads at once."""

    __slots__ = ("_decrypt", "_encrypt", "_nonce", "_pad", "mode")

    def __init__(self, mode: str, key: bytes) -> None:
        """``mode`` is one of :data:`MODES`, ``key`` 32 bytes; ValueError otherwise."""
        if len(key) != KEY_BYTES:
            message = f"a key has {KEY_BYTES} bytes, not {len(key)}"
            raise ValueError(message)
        self.mode = mode
        self._nonce = 0
        if mode == AES_GCM:
            self._pad = bytes(8)
            self._decrypt, self._encrypt = _aes_gcm(key)
        elif mode == XCHACHA:
            self._pad = bytes(20)
            self._decrypt, self._encrypt = _xchacha(key)
        else:
            message = f"unknown mode {mode}"
            raise ValueError(message)

    def decrypt(self, data: bytes, header_size: int) -> bytes | None:
        """Return what follows the header, decrypted, or ``None`` if it is not authentic."""
        end = len(data) - NONCE_BYTES
        if end < header_size + TAG_BYTES:
            return None
        try:
            return self._decrypt(data[end:] + self._pad, data[header_size:end], data[:header_size])
        except (InvalidTag, CryptoError):
            return None

    def encrypt(self, header: bytes, payload: bytes) -> bytes:
        """Return the datagram. Raises NonceExhaustedError after 2³² packets."""
        if self._nonce > LAST_NONCE:
            raise NonceExhaustedError
        counter = struct.pack(">I", self._nonce)
        self._nonce += 1
        return header + self._encrypt(counter + self._pad, payload, header) + counter


def _aes_gcm(key: bytes) -> tuple[_Crypt, _Crypt]:
    cipher = AESGCM(key)
    return cipher.decrypt, cipher.encrypt


def _xchacha(key: bytes) -> tuple[_Crypt, _Crypt]:
    def decrypt(nonce: bytes, data: bytes, header: bytes) -> bytes:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(data, header, nonce, key)

    def encrypt(nonce: bytes, data: bytes, header: bytes) -> bytes:
        return crypto_aead_xchacha20poly1305_ietf_encrypt(data, header, nonce, key)

    return decrypt, encrypt
