"""The units of the audio path: one frame is 20 ms of 48 kHz stereo, float32, shape (960, 2), full scale ± 1.0."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.types import Nanoseconds, Ssrc, UserId

SAMPLE_RATE = 48_000
"""Samples a second and channel; Opus and Discord know no other."""

CHANNELS = 2

TICK_MS = 20

FRAME_SAMPLES = SAMPLE_RATE * TICK_MS // 1000
"""Samples a channel in one tick, and the step of an RTP timestamp."""

TICK_NS = TICK_MS * 1_000_000

Frame = NDArray[np.float32]
"""Interleaved stereo, shape (960, 2)."""


class OpusPacket(NamedTuple):
    """One Opus packet off the network, decrypted.

    ``sequence`` 16 bits and ``timestamp`` 32 bits (48 kHz) as in RFC 3550 section 5.1; ``arrival`` is the reading of
    ``time.perf_counter_ns`` when the datagram was received.
    """

    user: UserId
    ssrc: Ssrc
    sequence: int
    timestamp: int
    payload: bytes
    arrival: Nanoseconds
