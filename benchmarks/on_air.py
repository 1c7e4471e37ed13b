"""What casters hear of people on a clean network: packets through the engine's real path, decoded as a client does."""

from collections.abc import Sequence

import numpy as np

from benchmarks.codec import MonoDecoder
from benchmarks.speech import Samples
from common.types import ChannelId, Nanoseconds, Ssrc, Suppression, UserId
from engine.audio.effect import EffectError
from engine.audio.frame import FRAME_NS, FRAME_SAMPLES, OpusPacket
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip

SOURCE, DESTINATION = ChannelId(1), ChannelId(2)


def one_channel(talkers: int, suppression: Suppression = Suppression.OFF, *, levelling: bool = False) -> MixSettings:
    """Return a mix of talkers 1 to ``talkers``, all of one channel and all alike."""
    strips = (
        TalkerStrip(UserId(number), SOURCE, suppression=suppression, levelling=levelling)
        for number in range(1, talkers + 1)
    )
    return MixSettings(tuple(strips), (SourceStrip(SOURCE),), (DestinationStrip(DESTINATION),), ((1.0,),))


def play(opus: Opus, voices: Sequence[Sequence[bytes]], settings: MixSettings) -> Samples:
    """Return what is heard, mono, in as many frames as the first talker has packets; all begin at the same time.

    A talker's packets come 10 ms before the tick that plays them. A voice that isn't panned is the same on both sides,
    so what one channel makes of them is either side.
    """
    now = Nanoseconds(0)
    pipeline = Pipeline(opus, lambda: now)
    heard: list[bytes | None] = []
    begin(pipeline, settings)
    pipeline.set_output(DESTINATION, heard.append)
    for number in range(len(voices[0])):
        now = Nanoseconds((number + 1) * FRAME_NS)
        for user, packets in enumerate(voices, 1):
            sent = Nanoseconds(now - FRAME_NS // 2)
            pipeline.push(OpusPacket(UserId(user), Ssrc(user), number, number * FRAME_SAMPLES, packets[number], sent))
        pipeline.tick(now)
    end(pipeline)
    return listen(opus, heard)


def begin(pipeline: Pipeline, settings: MixSettings) -> None:
    """Let the first tick pass, and wait until what takes noise out is built: a talker is passed untouched until then.

    Raises EffectError where it can't be built here, since what is measured then would be something else.
    """
    pipeline.apply(settings)
    pipeline.tick(Nanoseconds(0))
    # The engine waits for no effect, so there is no door for it.
    rack = pipeline._rack  # noqa: SLF001
    rack.settle()
    if rack.failed:
        raise EffectError(str(dict(rack.failed)))


def end(pipeline: Pipeline) -> None:
    """Free what it holds; raises RuntimeError if it failed at anything, since it goes on then and nothing is right."""
    counts = pipeline.read_meters().counts
    pipeline.close()
    if failed := {reason: count for reason, count in counts.items() if "failed" in reason}:
        message = f"the engine counts {failed}"
        raise RuntimeError(message)


def listen(opus: Opus, heard: Sequence[bytes | None]) -> Samples:
    """Return what a client makes of packets; where none was sent, nothing sounds."""
    decoder, silence = MonoDecoder(opus), np.zeros(FRAME_SAMPLES, np.float32)
    return np.concatenate([silence if packet is None else decoder.decode(packet) for packet in heard])
