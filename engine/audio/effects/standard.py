"""Noise suppression and high-pass of WebRTC's audio processing module, from the library in ``livekit``'s wheel.

Of the wheel only the library is loaded: its Python package would bring asyncio, protobuf, 290 modules and an end of the
process on a panic. The library's door (``livekit_ffi_request``) takes protobuf messages, of which we need two, and the
one for a block is always the same bytes. Field numbers: livekit 1.2, ``ffi.proto`` and ``audio_frame.proto``.

Measured (2 cores, Linux): 30 µs a block of 10 ms, all of it under the interpreter lock (``ctypes.PyDLL``: shorter than
the wait for the lock would be), 0.07 ms and 70 kB a state, 23 MB once for the library, which starts four idle threads
of its own. It allocates its answer of three bytes in every call. See docs/adr/0003.
"""

import ctypes
import functools

import numpy as np

from engine.audio.effect import BLOCK, EffectError, locate, open_library
from engine.audio.frame import SAMPLE_RATE, Samples

_FILES = ("resources/liblivekit_ffi.so", "resources/liblivekit_ffi.dylib", "resources/livekit_ffi.dll")

_NEW_APM = 50
_PROCESS = 51
_NEW_APM_ANSWER = 49
_PROCESSED = b"\x92\x03\x00"
"""The answer to a block that went well: field 50, empty."""

_FULL_SCALE = 16_384.0
"""What ± 1.0 is in the library's 16 bits: a voice may be 6 dB louder before it is cut off."""

_LOWEST, _HIGHEST = -32_768.0, 32_767.0


class Standard:
    """One talker's state. The 6.7 ms of delay are those of the library's band split."""

    delay_samples = 323

    def __init__(self, library: ctypes.PyDLL) -> None:
        self._request = library.livekit_ffi_request
        self._drop = library.livekit_ffi_drop_handle
        self._answer = ctypes.c_void_p()
        self._length = ctypes.c_size_t()
        self._to_answer = (ctypes.byref(self._answer), ctypes.byref(self._length))
        self._handle = _handle_in(self._ask(_message(_NEW_APM, _numbers(0, 0, 1, 1))))
        self._block = np.zeros(BLOCK, np.int16)
        self._scaled = np.zeros(BLOCK, np.float32)
        self._each = _message(
            _PROCESS, _numbers(self._handle, self._block.ctypes.data, self._block.nbytes, SAMPLE_RATE, 1)
        )

    def process(self, voice: Samples) -> None:
        """See :class:`engine.audio.effect.Effect`."""
        for start in range(0, len(voice), BLOCK):
            self._process(voice[start : start + BLOCK])

    def close(self) -> None:
        """See :class:`engine.audio.effect.Effect`."""
        handle, self._handle = self._handle, 0
        if handle:
            self._drop(handle)

    def _process(self, part: Samples) -> None:
        scaled = self._scaled
        np.multiply(part, _FULL_SCALE, out=scaled)
        np.rint(scaled, out=scaled)
        np.maximum(scaled, _LOWEST, out=scaled)
        np.minimum(scaled, _HIGHEST, out=scaled)
        self._block[:] = scaled
        answer = self._request(self._each, len(self._each), *self._to_answer)
        went_well = self._length.value == len(_PROCESSED)
        self._drop(answer)
        if not went_well:
            raise EffectError("the audio processing module refused a block")
        np.multiply(self._block, np.float32(1.0 / _FULL_SCALE), out=part)

    def _ask(self, request: bytes) -> bytes:
        answer = self._request(request, len(request), *self._to_answer)
        message = ctypes.string_at(self._answer.value or 0, self._length.value)
        self._drop(answer)
        return message


def create() -> Standard:
    """Return a new state; the first one loads the library."""
    return Standard(_library())


@functools.cache
def _library() -> ctypes.PyDLL:
    library = open_library(locate("livekit.rtc", *_FILES), ctypes.PyDLL)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    library.livekit_ffi_request.argtypes = [ctypes.c_char_p, size, ctypes.POINTER(pointer), ctypes.POINTER(size)]
    library.livekit_ffi_request.restype = ctypes.c_uint64
    library.livekit_ffi_drop_handle.argtypes = [ctypes.c_uint64]
    library.livekit_ffi_drop_handle.restype = ctypes.c_bool
    return library


# The little of protobuf that two messages need: https://protobuf.dev/programming-guides/encoding/


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(digits) + bytes([number])


def _tag(field: int) -> bytes:
    """Return the tag of a field that holds a message."""
    return _varint(field << 3 | 2)


def _message(field: int, body: bytes) -> bytes:
    return _tag(field) + _varint(len(body)) + body


def _numbers(*values: int) -> bytes:
    """Return a message whose fields 1, 2, … are these numbers."""
    return b"".join(_varint(field << 3) + _varint(value) for field, value in enumerate(values, 1))


def _handle_in(answer: bytes) -> int:
    """Return the handle in the answer to "new": a number in a message in a message in a message."""
    for field in (_NEW_APM_ANSWER, 1, 1):
        tag = _tag(field)
        if not answer.startswith(tag):
            raise EffectError("livekit speaks another protocol than 1.2")
        answer = answer[len(tag) + 1 :]  # lengths here have one byte: a handle takes at most eleven
    number = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(answer[1:]))
    if answer[:1] != b"\x08" or not number:
        raise EffectError("livekit gave no handle")
    return number
