"""CPU of one 20 ms tick with N people talking at once, against libopus alone (N decodes and one encode)."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.metric import Metric
from common.types import ChannelId, Gain, Nanoseconds, Ssrc, UserId
from engine.audio.decoder import MONO
from engine.audio.frame import CHANNELS, FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE, OpusPacket
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline
from engine.audio.settings import Bands, DestinationStrip, MixSettings, SourceStrip, TalkerStrip

TICKS = 1_000
WARM_UP = 50
SOURCES = (ChannelId(1), ChannelId(2))
DESTINATION = ChannelId(3)


def voice(opus: Opus, number: int) -> list[bytes]:
    """Return a second of something with the spectrum of a vowel, as packets."""
    t = np.arange(50 * FRAME_SAMPLES) / SAMPLE_RATE
    pitch = 90 + 11 * number
    wave = sum(np.sin(2 * np.pi * pitch * k * t + k) / k for k in range(1, 20)) * 0.05
    frames = np.repeat(np.asarray(wave, np.float32)[:, None], CHANNELS, axis=1)
    encoder = opus.encoder(64_000)
    return [encoder.encode(np.ascontiguousarray(frame)) for frame in np.split(frames, 50)]


def settings(talkers: int) -> MixSettings:
    """Return half of the talkers on each of two sources, all into one destination."""
    strips = tuple(
        TalkerStrip(UserId(user), SOURCES[user % 2], gain=Gain(0.8), levelling=True) for user in range(1, talkers + 1)
    )
    return MixSettings(
        strips,
        tuple(SourceStrip(channel, equalizer=Bands(-3.0, 2.0, 3.0)) for channel in SOURCES),
        (DestinationStrip(DESTINATION),),
        ((1.0,),) * 2,
    )


def timed(step: Callable[[], object]) -> float:
    """Return the CPU microseconds of one step."""
    start = time.thread_time_ns()
    step()
    return (time.thread_time_ns() - start) / 1000


def pipeline_ticks(opus: Opus, voices: list[list[bytes]]) -> Iterator[float]:
    """Yield the cost of each tick of the real path; pushing is the receive thread's and not counted."""
    pipeline = Pipeline(opus)
    pipeline.apply(settings(len(voices)))
    pipeline.set_output(DESTINATION, lambda _packet: None)
    for n in range(TICKS):
        now = Nanoseconds(n * FRAME_NS)
        for user, packets in enumerate(voices, 1):
            payload = packets[n % len(packets)]
            arrival = Nanoseconds(now - FRAME_NS // 2)
            pipeline.push(OpusPacket(UserId(user), Ssrc(user), n & 0xFFFF, n * FRAME_SAMPLES, payload, arrival))
        yield timed(lambda now=now: pipeline.tick(now))  # type: ignore[misc]  # binds the loop's value
    pipeline.close()


def libopus_ticks(opus: Opus, voices: list[list[bytes]]) -> Iterator[float]:
    """Yield the cost of N decodes and one encode, called directly, with nothing to look up."""
    decoders, encoder = [opus.decoder(MONO).decode_at for _ in voices], opus.encoder()
    mono, out = np.zeros(FRAME_SAMPLES, np.float32), np.zeros((FRAME_SAMPLES, CHANNELS), np.float32)
    address = mono.ctypes.data

    def step(n: int) -> None:
        for decode, packets in zip(decoders, voices, strict=True):
            decode(packets[n % len(packets)], address, FRAME_SAMPLES)
        out[:, 0] = out[:, 1] = mono
        encoder.encode(out)

    for n in range(TICKS):
        yield timed(lambda n=n: step(n))  # type: ignore[misc]  # binds the loop's value


def calm_mean(costs: Sequence[float]) -> float:
    """Return the mean without the dearest fiftieth and the first ticks, in which codecs settle."""
    settled = np.sort(np.asarray(costs[WARM_UP:]))
    return float(settled[: len(settled) * 49 // 50].mean())


def run() -> list[Metric]:
    """Measure both in turn, so that both meet the same machine."""
    opus, metrics = Opus(), []
    for talkers in (12, 50, 100):
        voices = [voice(opus, number) for number in range(talkers)]
        ours, theirs = zip(*zip(pipeline_ticks(opus, voices), libopus_ticks(opus, voices), strict=True), strict=True)
        # A mean, since not every tick does the same; without the ticks that something else interrupted.
        tick, alone = calm_mean(ours), calm_mean(theirs)
        metrics += [Metric(f"tick_us_{talkers}", tick, "µs"), Metric(f"tick_ratio_{talkers}", tick / alone, "×")]
    return metrics
