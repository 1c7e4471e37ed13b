"""Packets of one sender, as they came, laid out in the time in which they were sent. Pure, but for libopus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types import Nanoseconds
from engine.audio.decoder import MONO
from engine.audio.frame import SAMPLE_RATE, OpusPacket, Samples, packet_samples
from engine.audio.opus import CorruptPacketError, Opus

MOST_SECONDS = 10
"""Packets whose time is further than this behind the first one's are left out."""

_HALF = 1 << 31


@dataclass(frozen=True, slots=True)
class Recording:
    """What was heard. ``sound`` (n,) is mono; ``present`` (n,) says where a packet arrived.

    Per decoded packet, in the order of their sound: ``starts``, where it begins in ``sound``, and ``arrivals`` (ns).
    """

    sound: Samples
    present: NDArray[np.bool_]
    starts: tuple[int, ...]
    arrivals: tuple[Nanoseconds, ...]


def record(packets: Sequence[OpusPacket], opus: Opus) -> Recording:
    """Decode ``packets`` of one SSRC; what never came is silence, what comes twice counts once."""
    placed = _placed(packets)
    length = max((start + packet_samples(packet.payload) for start, packet in placed.items()), default=0)
    sound, present = np.zeros(length, np.float32), np.zeros(length, np.bool_)
    decoded: list[tuple[int, Nanoseconds]] = []
    decoder = opus.decoder(MONO)
    try:
        for start, packet in sorted(placed.items()):
            part = np.zeros(packet_samples(packet.payload), np.float32)
            try:
                decoder.decode(packet.payload, part)
            except CorruptPacketError:
                continue
            sound[start : start + len(part)], present[start : start + len(part)] = part, True
            decoded.append((start, packet.arrival))
    finally:
        decoder.close()
    return Recording(sound, present, tuple(start for start, _ in decoded), tuple(at for _, at in decoded))


def _placed(packets: Sequence[OpusPacket]) -> dict[int, OpusPacket]:
    """Return the packets by the sample at which they begin, counted from the earliest."""
    playable = [packet for packet in packets if packet_samples(packet.payload)]
    if not playable:
        return {}
    first = playable[0].timestamp
    offsets = [((packet.timestamp - first + _HALF) & 0xFFFFFFFF) - _HALF for packet in playable]
    earliest = min(offsets)
    placed: dict[int, OpusPacket] = {}
    for offset, packet in zip(offsets, playable, strict=True):
        if offset - earliest < MOST_SECONDS * SAMPLE_RATE:
            placed.setdefault(offset - earliest, packet)
    return placed
