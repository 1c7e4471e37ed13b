"""CPU of one 20 ms tick with N people talking at once, against libopus alone (N decodes and one encode)."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks import plot
from benchmarks.metric import Metric
from common.types import ChannelId, Gain, Nanoseconds, Ssrc, UserId
from engine.audio.decoder import MONO
from engine.audio.frame import CHANNELS, FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE, OpusPacket
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline
from engine.audio.settings import Bands, DestinationStrip, MixSettings, SourceStrip, TalkerStrip

TICKS = 1_000
WARM_UP = 50
LIMITS = {12: 1.6, 50: 1.3, 100: 1.2}
"""Talkers at once, and what ``tick_ratio_N`` may be."""

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


def settings(talkers: int, *, levelling: bool) -> MixSettings:
    """Return half of the talkers on each of two equalized sources, all into one destination."""
    strips = tuple(
        TalkerStrip(UserId(user), SOURCES[user % 2], gain=Gain(0.8), levelling=levelling)
        for user in range(1, talkers + 1)
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


def beat(pipeline: Pipeline, now: Nanoseconds) -> None:
    """Do what the mix clock does."""
    pipeline.awaits(now)
    pipeline.tick(now)


def pipeline_ticks(opus: Opus, voices: list[list[bytes]], *, levelling: bool = False) -> Iterator[float]:
    """Yield the cost of each tick of the real path; pushing is the receive thread's and not counted."""
    pipeline = Pipeline(opus)
    pipeline.apply(settings(len(voices), levelling=levelling))
    pipeline.set_output(DESTINATION, lambda _packet: None)
    for n in range(TICKS):
        now = Nanoseconds(n * FRAME_NS)
        for user, packets in enumerate(voices, 1):
            payload = packets[n % len(packets)]
            arrival = Nanoseconds(now - FRAME_NS // 2)
            pipeline.push(OpusPacket(UserId(user), Ssrc(user), n & 0xFFFF, n * FRAME_SAMPLES, payload, arrival))
        yield timed(partial(beat, pipeline, now))
    pipeline.close()


def libopus_ticks(opus: Opus, voices: list[list[bytes]], channels: int) -> Iterator[float]:
    """Yield the cost of N decodes and one encode, called directly, with nothing to look up.

    A mix needs all voices at once, so each has a buffer of its own.
    """
    rows = np.zeros((len(voices), FRAME_SAMPLES, channels), np.float32)
    calls = [
        (opus.decoder(channels).decode_at, row.ctypes.data, packets) for row, packets in zip(rows, voices, strict=True)
    ]
    encoder, out = opus.encoder(), np.zeros((FRAME_SAMPLES, CHANNELS), np.float32)

    def step(n: int) -> None:
        for decode, address, packets in calls:
            decode(packets[n % len(packets)], address, FRAME_SAMPLES)
        encoder.encode(out)

    for n in range(TICKS):
        # A mix is what the encoder gets in the relay; adding it up is not libopus's.
        out[:] = rows.sum(axis=0) / np.sqrt(len(voices))
        yield timed(lambda n=n: step(n))  # type: ignore[misc]  # binds the loop's value


def calm_mean(costs: Sequence[float]) -> float:
    """Return the mean without the dearest fiftieth and the first ticks, in which codecs settle."""
    settled = np.sort(np.asarray(costs[WARM_UP:]))
    return float(settled[: len(settled) * 49 // 50].mean())


def draw(metrics: Sequence[Metric]) -> None:
    """Draw what each number of talkers costs, beside the limits."""
    values = {metric.metric: metric.value for metric in metrics}
    across = [str(talkers) for talkers in LIMITS]
    lines = {
        name: [values[f"tick_ratio{infix}_{talkers}"] for talkers in across]
        for name, infix in (("the path", ""), ("with levelling", "_levelled"), ("against mono libopus", "_mono"))
    }
    ratios = plot.Panel("against libopus, by talkers", "×", across, {**lines, "limit": list(LIMITS.values())})
    cost = plot.Panel("by talkers", "µs a tick", across, {"the path": [values[f"tick_us_{each}"] for each in across]})
    plot.save("tick", [[ratios], [cost]])


def run() -> list[Metric]:
    """Measure all in turn, tick by tick, so that they meet the same machine.

    ``tick_ratio_N`` compares with libopus decoding the packets as they are, in two channels. The path decodes to mono,
    which costs libopus less: ``tick_ratio_mono_N`` compares with libopus doing that very same.
    """
    opus, metrics = Opus(), []
    for talkers in LIMITS:
        voices = [voice(opus, number) for number in range(talkers)]
        runs = (
            pipeline_ticks(opus, voices),
            libopus_ticks(opus, voices, MONO),
            libopus_ticks(opus, voices, CHANNELS),
            pipeline_ticks(opus, voices, levelling=True),
        )
        # Means, since not every tick does the same; without the ticks that something else interrupted.
        tick, mono, stereo, levelled = (calm_mean(costs) for costs in zip(*zip(*runs, strict=True), strict=True))
        metrics += [
            Metric(f"tick_us_{talkers}", tick, "µs"),
            Metric(f"tick_ratio_{talkers}", tick / stereo, "×"),
            Metric(f"tick_ratio_mono_{talkers}", tick / mono, "×"),
            Metric(f"tick_ratio_levelled_{talkers}", levelled / stereo, "×"),
        ]
    draw(metrics)
    return metrics
