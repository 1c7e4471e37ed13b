"""The two ends that aren't ours: how a talker's Discord encodes, and how a caster's decodes."""

import ctypes

import numpy as np

from benchmarks.speech import Samples
from engine.audio.frame import FRAME_SAMPLES, SAMPLE_RATE
from engine.audio.opus import Opus

BITRATE = 64_000
EXPECTED_LOSS = 15
"""Percent, which decides how much redundancy the encoder puts in."""

_APPLICATION_VOIP = 2048
_SET_BITRATE = 4002
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS = 4014
_GET_LOOKAHEAD = 4027
_LARGEST_PACKET = 1_500
_LOW_DELAY_LOOKAHEAD = 120
"""Samples that the encoder of what casters hear looks ahead, 2.5 ms."""


class TalkerEncoder:
    """A client's encoder: mono, VoIP, 64 kbit/s, in-band FEC for 15 % loss; not freed before the process ends."""

    def __init__(self, opus: Opus) -> None:
        self._library = opus._library  # noqa: SLF001 - the engine itself encodes no talkers
        error = ctypes.c_int()
        self._state = self._library.opus_encoder_create(SAMPLE_RATE, 1, _APPLICATION_VOIP, ctypes.byref(error))
        self._buffer = ctypes.create_string_buffer(_LARGEST_PACKET)
        for request, value in ((_SET_BITRATE, BITRATE), (_SET_INBAND_FEC, 1), (_SET_PACKET_LOSS, EXPECTED_LOSS)):
            self._control(request, ctypes.c_int32(value))

    @property
    def lookahead(self) -> int:
        """Samples by which sound comes later out of the decoder than it went in."""
        value = ctypes.c_int32()
        self._control(_GET_LOOKAHEAD, ctypes.byref(value))
        return value.value

    def encode(self, frame: Samples) -> bytes:
        """Encode 960 samples."""
        frame = np.ascontiguousarray(frame, np.float32)
        size = self._library.opus_encode_float(
            self._state, frame.ctypes.data, FRAME_SAMPLES, self._buffer, _LARGEST_PACKET
        )
        if size < 0:
            message = f"libopus refused to encode: {size}"
            raise RuntimeError(message)
        return self._buffer.raw[:size]

    def _control(self, request: int, argument: object) -> None:
        control = self._library.opus_encoder_ctl
        control.argtypes = [ctypes.c_void_p, ctypes.c_int]  # on Apple's ARM what follows goes over the stack
        if control(self._state, request, argument):
            message = f"libopus refused setting {request}"
            raise RuntimeError(message)


class MonoDecoder:
    """A decoder that gives one channel of whatever comes; not freed before the process ends."""

    def __init__(self, opus: Opus) -> None:
        self._library = opus._library  # noqa: SLF001 - what is compared with ours shares no code with it
        error = ctypes.c_int()
        self._state = self._library.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error))

    def decode(self, packet: bytes | None) -> Samples:
        """Return 960 samples; ``None`` conceals."""
        out = np.zeros(FRAME_SAMPLES, np.float32)
        size = 0 if packet is None else len(packet)
        samples = self._library.opus_decode_float(self._state, packet, size, out.ctypes.data, FRAME_SAMPLES, 0)
        if samples != FRAME_SAMPLES:
            message = f"libopus decoded {samples} samples"
            raise RuntimeError(message)
        return out


def talk(opus: Opus, samples: Samples) -> tuple[list[bytes], int]:
    """Encode speech as packets of 20 ms; also return the samples by which both codecs on the way delay it."""
    encoder = TalkerEncoder(opus)
    packets = [encoder.encode(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)]
    return packets, encoder.lookahead + _LOW_DELAY_LOOKAHEAD
