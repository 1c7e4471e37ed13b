"""The simulator's own small binding to libopus: decode what was heard, encode clips."""

import ctypes
import ctypes.util
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
FRAME = 960
"""Samples in 20 ms, the packet of Discord's clients."""

SILENCES = {FRAME: b"\xf8\xff\xfe", FRAME // 2: b"\xf0\xff\xfe"}
"""The packet that holds so many samples of silence, longest first; clients send the one of 20 ms."""

LONGEST = 5760
"""Samples in the longest packet, 120 ms (RFC 6716 section 3.2.5)."""

Samples = NDArray[np.float32]

_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_LENGTHS = _SILK * 3 + _HYBRID * 2 + _CELT * 4
"""Samples of one frame, by configuration number (RFC 6716 section 3.1, table 2)."""

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


def samples(packet: bytes) -> int:
    """Return how many samples a packet holds, by its first bytes (RFC 6716 section 3.1); 0 if it is no Opus packet."""
    if not packet:
        return 0
    told = packet[1] & 0x3F if len(packet) > 1 else 0
    total = (1, 2, 2, told)[packet[0] & 3] * _LENGTHS[packet[0] >> 3]
    return total if total <= LONGEST else 0


class Decoder:
    """A mono decoder."""

    def __init__(self) -> None:
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(_library.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error)))

    def decode(self, packet: bytes) -> Samples:
        """Return the packet's samples; a packet that can't be decoded is concealed."""
        out = np.zeros(samples(packet) or FRAME, np.float32)
        if self._decode(packet, out) < 0:
            self._decode(None, out)
        return out

    def _decode(self, packet: bytes | None, out: Samples) -> int:
        length, data = len(packet or b""), out.ctypes.data_as(ctypes.c_void_p)
        made: int = _library.opus_decode_float(self._state, packet, length, data, len(out), 0)
        return made

    def __del__(self) -> None:
        _library.opus_decoder_destroy(self._state)


class Encoder:
    """A mono encoder for speech."""

    def __init__(self, bitrate: int) -> None:
        error = ctypes.c_int()
        self._state = ctypes.c_void_p(_library.opus_encoder_create(SAMPLE_RATE, 1, _VOIP, ctypes.byref(error)))
        _library.opus_encoder_ctl(self._state, _SET_BITRATE, ctypes.c_int32(bitrate))

    def encode(self, sound: Samples) -> bytes:
        """Return the packet of 20 ms, or of as much else as Opus has packets for (10, 40 and 60 ms among them)."""
        frame = np.ascontiguousarray(sound, np.float32)
        buffer = ctypes.create_string_buffer(1_500)
        data = frame.ctypes.data_as(ctypes.c_void_p)
        size = _library.opus_encode_float(self._state, data, len(frame), buffer, len(buffer))
        return buffer.raw[:size]

    def __del__(self) -> None:
        _library.opus_encoder_destroy(self._state)


def decode_all(packets: list[bytes]) -> Samples:
    """Return the samples of consecutive packets."""
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in packets]) if packets else np.zeros(0, np.float32)
