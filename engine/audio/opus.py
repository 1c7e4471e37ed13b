"""libopus, called directly: float samples in and out of buffers that the caller owns (RFC 6716).

``ctypes.PyDLL`` keeps the interpreter lock during a call: a decode is shorter than the wait for the lock would be.
The library is looked for in the bundle, then in the wheel that carries one, then on the system.
"""

import ctypes
import ctypes.util
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from common.errors import ErrorCode, RelayError
from engine.audio.frame import CHANNELS, FRAME_SAMPLES, SAMPLE_RATE, Frame

SILENCE = b"\xf8\xff\xfe"
"""The Opus packet that Discord's clients send as silence; five of them end a stretch of talk."""

BITRATE = 128_000
"""Bits a second of what casters hear, unless set otherwise."""

LONGEST_PACKET_SAMPLES = 5_760
"""Samples a channel in the longest packet Opus knows, 120 ms (RFC 6716 section 3.2.5)."""

_APPLICATION_RESTRICTED_LOWDELAY = 2051
_SET_BITRATE = 4002
_LARGEST_PACKET = 1_500
_FILE_NAMES = ("libopus.so", "libopus.so.0", "libopus.dylib", "libopus.0.dylib", "libopus.dll", "opus.dll")

_Floats = ctypes.c_void_p


class CorruptPacketError(ValueError):
    """libopus refused a packet; the argument is its (negative) error number."""


def _candidates() -> Iterator[str]:
    folders = [Path(sys.executable).parent]
    spec = importlib.util.find_spec("opuslib_next")
    if spec is not None and spec.submodule_search_locations:
        folders.append(Path(spec.submodule_search_locations[0]) / "_native")
    yield from (str(path) for folder in folders for path in (folder / name for name in _FILE_NAMES) if path.exists())
    system = ctypes.util.find_library("opus")
    if system is not None:
        yield system


def _load() -> ctypes.PyDLL:
    for path in _candidates():
        try:
            return ctypes.PyDLL(path)
        except OSError:
            continue
    raise RelayError(ErrorCode.OPUS_MISSING)


class Opus:
    """The loaded library; makes decoders and encoders.

    Raises OPUS_MISSING when no library can be loaded.
    """

    def __init__(self) -> None:
        self._library = library = _load()
        pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        signatures = {
            "opus_decoder_create": (pointer, [ctypes.c_int32, number, ctypes.POINTER(number)]),
            "opus_decoder_destroy": (None, [pointer]),
            "opus_decode_float": (number, [pointer, text, ctypes.c_int32, _Floats, number, number]),
            "opus_packet_get_nb_samples": (number, [text, ctypes.c_int32, ctypes.c_int32]),
            "opus_encoder_create": (pointer, [ctypes.c_int32, number, number, ctypes.POINTER(number)]),
            "opus_encoder_destroy": (None, [pointer]),
            "opus_encode_float": (ctypes.c_int32, [pointer, _Floats, number, text, ctypes.c_int32]),
            "opus_get_version_string": (text, []),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    @property
    def version(self) -> str:
        """What the library says of itself."""
        text: bytes = self._library.opus_get_version_string()
        return text.decode(errors="replace")

    def packet_samples(self, packet: bytes) -> int:
        """Return the samples a channel in ``packet`` at 48 kHz, or a negative number if it is corrupt."""
        samples: int = self._library.opus_packet_get_nb_samples(packet, len(packet), SAMPLE_RATE)
        return samples

    def decoder(self) -> "OpusDecoder":
        """Return a new stereo decoder."""
        return OpusDecoder(self._library)

    def encoder(self, bitrate: int = BITRATE) -> "OpusEncoder":
        """Return a new stereo encoder with 2.5 ms of look-ahead."""
        return OpusEncoder(self._library, bitrate)


class OpusDecoder:
    """One talker's decoder state (27 kB); not for two threads at once."""

    __slots__ = ("_decode", "_destroy", "_state")

    def __init__(self, library: ctypes.PyDLL) -> None:
        error = ctypes.c_int()
        self._state = library.opus_decoder_create(SAMPLE_RATE, CHANNELS, ctypes.byref(error))
        if error.value:
            raise RelayError(ErrorCode.INTERNAL, opus=str(error.value))
        self._decode = library.opus_decode_float
        self._destroy = library.opus_decoder_destroy

    def decode(self, packet: bytes | None, out: Frame, *, fec: bool = False) -> int:
        """Decode into ``out`` (samples, 2), C-contiguous, and return the samples a channel.

        ``None`` conceals as many samples as ``out`` holds. With ``fec`` the packet is the one after the lost one and
        its redundancy is decoded, or concealment if it has none. Raises CorruptPacketError.
        """
        size = 0 if packet is None else len(packet)
        samples: int = self._decode(self._state, packet, size, out.ctypes.data, len(out), int(fec))
        if samples < 0:
            raise CorruptPacketError(samples)
        return samples

    def close(self) -> None:
        """Free the state."""
        state, self._state = self._state, None
        if state is not None:
            self._destroy(state)


class OpusEncoder:
    """One destination's encoder state (49 kB); not for two threads at once."""

    __slots__ = ("_buffer", "_destroy", "_encode", "_library", "_state")

    def __init__(self, library: ctypes.PyDLL, bitrate: int) -> None:
        error = ctypes.c_int()
        self._library = library
        self._state = library.opus_encoder_create(
            SAMPLE_RATE, CHANNELS, _APPLICATION_RESTRICTED_LOWDELAY, ctypes.byref(error)
        )
        if error.value:
            raise RelayError(ErrorCode.INTERNAL, opus=str(error.value))
        self._encode = library.opus_encode_float
        self._destroy = library.opus_encoder_destroy
        self._buffer = ctypes.create_string_buffer(_LARGEST_PACKET)
        self._control(_SET_BITRATE, bitrate)

    def encode(self, frame: Frame) -> bytes:
        """Encode one frame (960, 2), C-contiguous, into one packet."""
        size: int = self._encode(self._state, frame.ctypes.data, FRAME_SAMPLES, self._buffer, _LARGEST_PACKET)
        if size < 0:
            raise RelayError(ErrorCode.INTERNAL, opus=str(size))
        return self._buffer.raw[:size]

    def close(self) -> None:
        """Free the state."""
        state, self._state = self._state, None
        if state is not None:
            self._destroy(state)

    def _control(self, request: int, value: int) -> None:
        """Call the variadic control function; fixed argument types keep it right on every platform's convention.

        On Apple's ARM variadic arguments go over the stack, which ctypes does only for undeclared arguments after
        the declared ones.
        """
        control = self._library.opus_encoder_ctl
        control.argtypes = [ctypes.c_void_p, ctypes.c_int]
        result = control(self._state, request, ctypes.c_int32(value))
        if result:
            raise RelayError(ErrorCode.INTERNAL, opus=str(result))
