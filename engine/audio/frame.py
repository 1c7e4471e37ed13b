"""The units of the audio path, and what an Opus packet tells of itself without being decoded (RFC 6716).

Sound is float32 at 48 kHz, full scale ± 1.0. A talker's voice and a source's bus are mono, shape (samples,); what
leaves for a destination is stereo, shape (samples, 2). A tick is 20 ms, or 10 ms where delay matters more than CPU.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.types import Nanoseconds, Ssrc, UserId

SAMPLE_RATE = 48_000
"""Samples a second and channel; Opus and Discord know no other."""

CHANNELS = 2
"""Channels of a destination."""

FRAME_MS = 20
"""What one packet of Discord's clients holds."""

FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000

FRAME_NS = FRAME_MS * 1_000_000

TICK_MS = 20
"""The mixer's step unless a session asks for 10 ms."""

LONGEST_PACKET_SAMPLES = 5_760
"""Samples a channel in the longest packet Opus knows, 120 ms (RFC 6716 section 3.2.5)."""

Samples = NDArray[np.float32]
"""Mono, shape (samples,), or one row each of several, shape (rows, samples)."""

Frame = NDArray[np.float32]
"""Interleaved stereo, shape (samples, 2)."""

SILENCE: Final = b"\xf8\xff\xfe"
"""The Opus packet that Discord's clients send as silence; five of them end a stretch of talk."""

_SILK, _HYBRID, _CELT = (480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960)
_FRAME_LENGTHS = _SILK * 3 + _HYBRID * 2 + _CELT * 4
"""Samples of one Opus frame by the five upper bits of a packet's first byte (RFC 6716 section 3.1, table 2)."""

_FIRST_CELT = 16

SAMPLES_BY_FIRST_BYTE: Final = tuple(
    0 if byte & 3 == 3 else _FRAME_LENGTHS[byte >> 3] * (2 if byte & 3 else 1)  # noqa: PLR2004 - the RFC's codes
    for byte in range(256)
)
"""Samples of a packet by its first byte; 0 where that byte does not say it all (more than two frames)."""


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


def tick_samples(tick_ms: int) -> int:
    """Return the samples a channel of a tick."""
    return SAMPLE_RATE * tick_ms // 1000


def nanoseconds(samples: int) -> int:
    """Return how long so many samples last, or when a timestamp is, in ns; 48 kHz are 62 500 ns per three samples."""
    return samples * 62_500 // 3


def packet_samples(payload: bytes) -> int:
    """Return the samples a channel that ``payload`` says it holds, 0 if it can't be an Opus packet (RFC 6716, 3.2)."""
    if not payload:
        return 0
    samples = SAMPLES_BY_FIRST_BYTE[payload[0]]
    if not samples:
        samples = (payload[1] & 63 if len(payload) > 1 else 0) * _FRAME_LENGTHS[payload[0] >> 3]
    return samples if samples <= LONGEST_PACKET_SAMPLES else 0


def has_redundancy(payload: bytes) -> bool:
    """Tell whether a packet carries the one before it once more, coarsely (RFC 6716 section 4.2.4, LBRR flags).

    Known for packets of one Opus frame, as Discord's clients send them; others are taken to carry none.
    """
    if len(payload) < 2 or payload[0] & 3 or payload[0] >> 3 >= _FIRST_CELT:  # noqa: PLR2004 - TOC and flags
        return False
    silk_frames = max(1, _FRAME_LENGTHS[payload[0] >> 3] // FRAME_SAMPLES)
    stereo = payload[0] & 4
    flags = payload[1] >> (7 - silk_frames) & 1
    return bool(flags or (stereo and payload[1] >> (6 - 2 * silk_frames) & 1))
