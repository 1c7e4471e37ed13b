"""The simulator's own small binding to libopus: decode what was heard, encode clips."""

import ctypes
import ctypes.util
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
FRAME = 960
"""Samples in 20 ms."""

Samples = NDArray[np.float32]

_VOIP = 2048
_SET_BITRATE = 4002


def _load() -> ctypes.CDLL:
    spec = importlib.util.find_spec("opuslib_next")
    folders = [Path(place) / "_native" for place in (spec.submodule_search_locations or [])] if spec else []
    for folder in folders:
        for path in sorted(folder.glob("*opus*")):
            if path.suffix in {".so", ".dylib", ".dll"}:
                return ctypes.CDLL(str(path))
    name = ctypes.util.find_library("opus")
    if name is None:
        raise OSError("no libopus")
    return ctypes.CDLL(name)


_library = _load()
_library.opus_decoder_create.restype = ctypes.c_void_p
_library.opus_encoder_create.restype = ctypes.c_void_p


class Decoder:
    """A mono decoder."""

    def __init__(self) -> None:
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(_library.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error)))

    def decode(self, packet: bytes | None) -> Samples:
        """Return 20 ms of samples; ``None`` conceals, and so does a packet that is no Opus."""
        out = np.zeros(FRAME, np.float32)
        length = 0 if packet is None else len(packet)
        made = _library.opus_decode_float(self._state, packet, length, out.ctypes.data_as(ctypes.c_void_p), FRAME, 0)
        return out if made > 0 or packet is None else self.decode(None)

    def __del__(self) -> None:
        _library.opus_decoder_destroy(self._state)


class Encoder:
    """A mono encoder for speech."""

    def __init__(self, bitrate: int) -> None:
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(_library.opus_encoder_create(SAMPLE_RATE, 1, _VOIP, ctypes.byref(error)))
        _library.opus_encoder_ctl(self._state, _SET_BITRATE, ctypes.c_int32(bitrate))

    def encode(self, samples: Samples) -> bytes:
        """Return the packet of 20 ms."""
        frame = np.ascontiguousarray(samples, np.float32)
        buffer = ctypes.create_string_buffer(1_500)
        size = _library.opus_encode_float(self._state, frame.ctypes.data_as(ctypes.c_void_p), FRAME, buffer, 1_500)
        return buffer.raw[:size]

    def __del__(self) -> None:
        _library.opus_encoder_destroy(self._state)


def decode_all(packets: list[bytes]) -> Samples:
    """Return the samples of consecutive packets."""
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in packets]) if packets else np.zeros(0, np.float32)
