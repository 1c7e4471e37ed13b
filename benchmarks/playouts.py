"""Three ways from packets off the network to what a caster hears: ours and the two it is compared with.

All three are ticked every 20 ms, beginning at the same moment, and what they play goes through the same limiter, second
encoder and decoder.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.codec import MonoDecoder
from benchmarks.speech import Samples
from common.types import ChannelId, Nanoseconds, UserId
from engine.audio.clock import gather
from engine.audio.frame import CHANNELS, FRAME_SAMPLES, OpusPacket
from engine.audio.limiter import Limiter
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip

TALKER = UserId(1)
SOURCE, DESTINATION = ChannelId(2), ChannelId(3)
SETTINGS = MixSettings(
    (TalkerStrip(TALKER, SOURCE),), (SourceStrip(SOURCE),), (DestinationStrip(DESTINATION),), ((1.0,),)
)
TICK_NS = 20_000_000
FIXED_NS = 60_000_000


class Heard(NamedTuple):
    """What a caster's client decodes: ``samples`` 48 kHz mono, and when each frame of 960 of them was played (ns)."""

    samples: Samples
    times: NDArray[np.int64]


Playout = Callable[[Opus, Sequence[OpusPacket], int, int], Heard]
"""Takes packets in order of arrival, when the first tick is due (ns), and the number of ticks."""


def ours(opus: Opus, packets: Sequence[OpusPacket], begin: int, ticks: int) -> Heard:
    """Play through the engine's real path, with ticks that move as the engine's clock lets them."""
    now = at = begin
    pipeline = Pipeline(opus, lambda: at)
    pipeline.apply(SETTINGS)
    sent: list[bytes | None] = []
    pipeline.set_output(DESTINATION, sent.append)
    times, waiting = [], list(reversed(packets))

    def arrive() -> int:
        while waiting and waiting[-1].arrival <= at:
            pipeline.push(waiting.pop())
        return at

    def wait(seconds: float) -> None:
        nonlocal at
        at += round(seconds * 1e9)

    for _ in range(ticks):
        at = now
        gather(pipeline, Nanoseconds(now), arrive, wait)
        pipeline.tick(Nanoseconds(now))
        times.append(now)
        now += TICK_NS + pipeline.steer(Nanoseconds(now))
    pipeline.close()
    return Heard(_listen(opus, sent), np.array(times, np.int64))


def fixed60(opus: Opus, packets: Sequence[OpusPacket], begin: int, ticks: int) -> Heard:
    """Play each packet 60 ms after it should have come, going by the first; conceal what isn't there."""
    return _fixed(opus, packets, begin, ticks, FIXED_NS, conceal=True)


def none(opus: Opus, packets: Sequence[OpusPacket], begin: int, ticks: int) -> Heard:
    """Play each packet at the next tick after it should have come, going by the first; else nothing sounds."""
    return _fixed(opus, packets, begin, ticks, 0, conceal=False)


PLAYOUTS: dict[str, Playout] = {"ours": ours, "fixed60": fixed60, "none": none}


def schedule(packets: Sequence[OpusPacket], begin: int, ticks: int, delay: int) -> Iterator[bytes | None]:
    """Give the payload that a fixed buffer plays at each tick, ``None`` for one that isn't there in time.

    The first packet to arrive waits ``delay`` (ns) for a tick, and every other is due so many ticks after it as its
    number is higher.
    """
    first = packets[0]
    begins = -((begin - first.arrival - delay) // TICK_NS)
    kept = {packet.sequence: packet for packet in packets}
    for tick in range(ticks):
        packet = kept.get((first.sequence + tick - begins) & 0xFFFF)
        in_time = packet is not None and packet.arrival <= begin + tick * TICK_NS
        yield packet.payload if packet is not None and in_time else None


def _fixed(opus: Opus, packets: Sequence[OpusPacket], begin: int, ticks: int, delay: int, *, conceal: bool) -> Heard:
    decoder, limiter, encoder = MonoDecoder(opus), Limiter(1), opus.encoder()
    silence = np.zeros(FRAME_SAMPLES, np.float32)
    sent: list[bytes | None] = []
    for payload in schedule(packets, begin, ticks, delay):
        frame = silence if payload is None and not conceal else decoder.decode(payload)
        frames = np.ascontiguousarray(np.repeat(frame[None, :, None], CHANNELS, axis=2))
        limiter.process(frames)
        sent.append(encoder.encode(frames[0]))
    encoder.close()
    return Heard(_listen(opus, sent), begin + np.arange(ticks, dtype=np.int64) * TICK_NS)


def _listen(opus: Opus, sent: Sequence[bytes | None]) -> Samples:
    """Return what a caster's client decodes; where nothing was sent, nothing sounds."""
    decoder, silence = MonoDecoder(opus), np.zeros(FRAME_SAMPLES, np.float32)
    return np.concatenate([silence if packet is None else decoder.decode(packet) for packet in sent])
