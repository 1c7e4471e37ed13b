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
from engine.audio.frame import CHANNELS, SAMPLE_RATE, Frame

BITRATE = 128_000
"""Bits a second of what casters hear, unless set otherwise."""

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

    def decoder(self, channels: int = CHANNELS) -> "OpusDecoder":
        """Return a new decoder whose output has ``channels``, whatever the packets have."""
        return OpusDecoder(self._library, channels)

    def encoder(self, bitrate: int = BITRATE) -> "OpusEncoder":
        """Return a new stereo encoder with 2.5 ms of look-ahead."""
        return OpusEncoder(self._library, bitrate)


class OpusDecoder:
    """One talker's decoder state (27 kB); not for two threads at once."""

    __slots__ = ("_decode", "_destroy", "_state")

    def __init__(self, library: ctypes.PyDLL, channels: int) -> None:
        error = ctypes.c_int()
        self._state = library.opus_decoder_create(SAMPLE_RATE, channels, ctypes.byref(error))
        if error.value:
            raise RelayError(ErrorCode.INTERNAL, opus=str(error.value))
        self._decode = library.opus_decode_float
        self._destroy = library.opus_decoder_destroy

    def decode(self, packet: bytes | None, out: Frame, *, fec: bool = False) -> int:
        """Decode into ``out``, (samples,) or (samples, 2), C-contiguous, and return the samples a channel.

        ``None`` conceals as many samples as ``out`` holds. With ``fec`` the packet is the one after the lost one and
        its redundancy is decoded, or concealment if it has none. Raises CorruptPacketError.
        """
        samples = self.decode_at(packet, out.ctypes.data, len(out), fec=fec)
        if samples < 0:
            raise CorruptPacketError(samples)
        return samples

    def decode_at(self, packet: bytes | None, address: int, samples: int, *, fec: bool = False) -> int:
        """Decode into the memory at ``address``, which has room for ``samples`` a channel.

        As :meth:`decode`, for who knows the address: an array takes longer to tell it than this call takes.
        Returns the samples a channel, or libopus's negative error number.
        """
        decoded: int = self._decode(self._state, packet, len(packet) if packet else 0, address, samples, fec)
        return decoded

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
        """Encode one frame (samples, 2), C-contiguous, 2.5 to 20 ms, into one packet."""
        size: int = self._encode(self._state, frame.ctypes.data, len(frame), self._buffer, _LARGEST_PACKET)
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
