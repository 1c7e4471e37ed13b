"""Worst-case summing: what a mix can be made to add up to, and the highest true peak that leaves the limiter meanwhile.

Twenty people at up to 200 % send what is hardest for a limiter, come and go, lose packets, and the whole desk is moved
all the time: gains, mutes, solos, priority, equalizers, pan, routes, kill switch. The real pipeline mixes it for three
destinations: plain, ducking, and a monitor that hears solos. True peak is measured as ITU-R BS.1770-5 annex 2 says,
with eight times the sample rate instead of four and scipy's resampler (:class:`Meter`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, resample_poly

from benchmarks import codec, on_air, speech
from benchmarks.speech import Samples
from common.types import ChannelId, Gain, Nanoseconds, Ssrc, UserId
from engine.audio import output_bus
from engine.audio.frame import CHANNELS, FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE, SILENCE, Frame, OpusPacket
from engine.audio.limiter import Limiter
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline
from engine.audio.settings import Bands, DestinationStrip, MixSettings, SourceStrip, TalkerStrip

TALKERS = 20
SOURCES = (ChannelId(1), ChannelId(2), ChannelId(3))
DESTINATIONS = (
    DestinationStrip(ChannelId(4)),
    DestinationStrip(ChannelId(5), duck_db=12.0),
    DestinationStrip(ChannelId(6), monitor=True),
)

OVERSAMPLING = 8
REACH = 16
"""Samples to either side of a value between samples, in the meter's kernel."""

_KAISER_BETA = 5.0
_SECONDS = 4
"""Length of each kind of material, which is repeated."""

_BITRATE = 256_000
_LOST = 0.01
_COMES, _GOES = 0.02, 0.01
"""Chance in each frame that somebody begins or stops talking."""

_CHANGED = 0.25
"""Chance in each tick that somebody moves something."""

_KILLED, _REVIVED = 0.002, 0.1
_FOREVER = 1 << 32


class Highest(NamedTuple):
    """The highest values of one second, linear: samples that reached the limiter, true peaks behind it and decoded."""

    summed: float
    limited: float
    decoded: float


def stress(seconds: int, seed: int, tick_ms: int) -> list[Highest]:
    """Let it sound for that long and return each second's highest values, of all destinations."""
    opus, rng, now = Opus(), np.random.default_rng(seed), Nanoseconds(0)
    pipeline = Pipeline(opus, lambda: now, tick_ms)
    settings = _settings()
    pipeline.apply(settings)
    with _tapped() as taps:
        pipeline.tick(now)
    ears = [_Ear(opus, pipeline, strip.channel, tick_ms) for strip in DESTINATIONS]
    packets, ticks_a_second = _packets(rng), 1_000 // tick_ms
    found = []
    for number in range(1, seconds * ticks_a_second + 1):
        now = Nanoseconds(number * tick_ms * 1_000_000)
        if now % FRAME_NS == 0:
            for packet in next(packets):
                pipeline.push(packet._replace(arrival=Nanoseconds(now - FRAME_NS // 2)))
        settings = _moved(settings, rng)
        pipeline.apply(settings)
        pipeline.tick(now)
        if number % ticks_a_second == 0:
            summed, limited = np.max([tap.read() for tap in taps], axis=0).tolist()
            found.append(Highest(summed, limited, max(ear.read() for ear in ears)))
    on_air.end(pipeline)
    return found


class Meter:
    """The true peak of a stream of several channels, (n, channels) at a time.

    Its kernel is a sinc of 16 samples to either side in a Kaiser window with β = 5: flat to 21 kHz, and further than
    Opus goes. It shares nothing with the limiter's but the mathematics.
    """

    _KERNEL = firwin(2 * REACH * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", _KAISER_BETA))

    def __init__(self, channels: int) -> None:
        self._before = np.zeros((2 * REACH, channels))

    def highest(self, sound: NDArray[np.float32]) -> float:
        """Return the highest true peak up to 16 samples before the end, of what was not measured yet."""
        whole = np.concatenate([self._before, sound])
        self._before = whole[-2 * REACH :]
        between = resample_poly(whole, OVERSAMPLING, 1, axis=0, window=self._KERNEL)
        edge = REACH * OVERSAMPLING
        return float(max(np.abs(between[edge:-edge]).max(), np.abs(sound).max()))


class _Tap(Limiter):
    """A limiter of the engine that tells how loud it was before it and behind it."""

    def __init__(self, count: int, samples: int) -> None:
        super().__init__(count, samples)
        self._meter = Meter(count * CHANNELS)
        self._limited: list[NDArray[np.float32]] = []
        self._summed = 0.0

    def process(self, frames: NDArray[np.float32]) -> None:
        self._summed = max(self._summed, float(np.abs(frames).max()))
        super().process(frames)
        self._limited.append(frames.transpose(1, 0, 2).reshape(frames.shape[1], -1).copy())

    def read(self) -> tuple[float, float]:
        """Return the highest sum and the highest true peak since the last call."""
        summed, limited = self._summed, self._limited
        self._summed, self._limited = 0.0, []
        return summed, self._meter.highest(np.concatenate(limited)) if limited else 0.0


@contextmanager
def _tapped() -> Iterator[list[_Tap]]:
    """Let the engine take limiters that can be read, and give them: there is no other place before the encoder."""
    taps: list[_Tap] = []

    def make(count: int, samples: int) -> _Tap:
        taps.append(_Tap(count, samples))
        return taps[-1]

    with patch.object(output_bus, "Limiter", make):
        yield taps


class _Ear:
    """A caster's client at one destination."""

    def __init__(self, opus: Opus, pipeline: Pipeline, channel: ChannelId, tick_ms: int) -> None:
        self._decoder = opus.decoder()
        self._samples = SAMPLE_RATE * tick_ms // 1_000
        self._meter = Meter(CHANNELS)
        self._heard: list[Frame] = []
        pipeline.set_output(channel, self._hear)

    def read(self) -> float:
        """Return the highest true peak since the last call."""
        heard, self._heard = self._heard, []
        return self._meter.highest(np.concatenate(heard))

    def _hear(self, packet: bytes | None) -> None:
        frame = np.zeros((self._samples, CHANNELS), np.float32)
        if packet is not None:
            self._decoder.decode(packet, frame)
        self._heard.append(frame)


# what is said


@cache
def material() -> list[list[bytes]]:
    """Return packets of everything that is said, each some seconds long."""
    opus, size = Opus(), _SECONDS * SAMPLE_RATE
    rng, t = np.random.default_rng(1), np.arange(size)
    whole = np.concatenate([clip.samples for clip in speech.clips()])
    sounds = [
        np.sin(2 * np.pi * 997 / SAMPLE_RATE * t),
        # Samples at ± 1 and the peaks between them at √2: a quarter of the sample rate.
        np.sqrt(2) * np.sin(np.pi / 2 * t + np.pi / 4),
        np.sin(2 * np.pi * 19_500 / SAMPLE_RATE * t),
        np.sign(np.sin(2 * np.pi * 110 / SAMPLE_RATE * t) + 1e-9),
        np.where(rng.random(size) < 1 / 2_000, rng.choice([-1.0, 1.0], size), 0.0),
        np.repeat(rng.choice([-1.0, 1.0], size // 480), 480),
        *(np.where((t + t // flips) % 2, 1.0, -1.0) for flips in (3, 12, 60)),
        np.sign(rng.standard_normal(size)),
    ]
    shouted = [np.clip(6.0 * whole[start : start + size], -1.0, 1.0) for start in (0, size, 2 * size)]
    spoken = [codec.talk(opus, np.asarray(sound, np.float32))[0] for sound in shouted]
    return [*(encoded(opus, np.asarray(sound, np.float32)) for sound in sounds), *spoken]


def encoded(opus: Opus, sound: Samples) -> list[bytes]:
    """Encode for music, and richly, so that little of what is hard to limit gets lost."""
    encoder = opus.encoder(_BITRATE)
    frames = np.repeat(sound.reshape(-1, FRAME_SAMPLES, 1), CHANNELS, axis=2)
    packets = [encoder.encode(np.ascontiguousarray(frame)) for frame in frames]
    encoder.close()
    return packets


def _packets(rng: np.random.Generator) -> Iterator[list[OpusPacket]]:
    """Give each frame's packets, for ever: everybody says one thing after another, with pauses and losses."""
    kinds = material()
    saying: list[Sequence[bytes]] = [kinds[user % len(kinds)] for user in range(TALKERS)]
    talking, sequence = np.zeros(TALKERS, np.bool_), np.zeros(TALKERS, np.int64)
    for number in range(_FOREVER):
        chance = rng.random(TALKERS)
        begin, end = ~talking & (chance < _COMES), talking & (chance < _GOES)
        for user in np.flatnonzero(begin).tolist():
            saying[user] = kinds[rng.integers(len(kinds))]
        sends = talking | begin
        sent = [
            OpusPacket(
                UserId(user + 1),
                Ssrc(user + 1),
                int(sequence[user]) & 0xFFFF,
                number * FRAME_SAMPLES & 0xFFFFFFFF,
                SILENCE if end[user] else saying[user][number % len(saying[user])],
                Nanoseconds(0),
            )
            for user in np.flatnonzero(sends).tolist()
        ]
        sequence += sends
        talking = sends & ~end
        yield [packet for packet in sent if rng.random() >= _LOST]


# what is done at the desk


def _settings() -> MixSettings:
    strips = tuple(
        TalkerStrip(UserId(user + 1), SOURCES[user % len(SOURCES)], gain=Gain(2.0), levelling=user % 4 == 0)
        for user in range(TALKERS)
    )
    routes = ((1.0,) * len(DESTINATIONS),) * len(SOURCES)
    return MixSettings(strips, tuple(SourceStrip(channel) for channel in SOURCES), DESTINATIONS, routes)


def _moved(settings: MixSettings, rng: np.random.Generator) -> MixSettings:
    """Return the settings after what somebody did, if he did anything in this tick."""
    if rng.random() < (_REVIVED if settings.kill else _KILLED):
        settings = replace(settings, kill=not settings.kill)
    if rng.random() >= _CHANGED:
        return settings
    match rng.integers(4):
        case 0 | 1:
            strips = list(settings.talkers)
            index = rng.integers(TALKERS)
            strips[index] = _moved_talker(strips[index], rng)
            return replace(settings, talkers=tuple(strips))
        case 2:
            sources = list(settings.sources)
            index = rng.integers(len(sources))
            sources[index] = _moved_source(sources[index], rng)
            return replace(settings, sources=tuple(sources))
        case _:
            gains = rng.choice([0.0, 0.5, 1.0, 1.0, 2.0], (len(SOURCES), len(DESTINATIONS)))
            return replace(settings, routes=tuple(tuple(row) for row in gains.tolist()))


def _moved_talker(strip: TalkerStrip, rng: np.random.Generator) -> TalkerStrip:
    return replace(
        strip,
        gain=Gain(rng.choice([0.0, 0.3, 1.0, 2.0, 2.0, 2.0])),
        muted=bool(rng.random() < 0.2),  # noqa: PLR2004 - this and what follows: how often somebody does that
        solo=bool(rng.random() < 0.03),  # noqa: PLR2004
        priority=bool(rng.random() < 0.1),  # noqa: PLR2004
        high_pass=bool(rng.random() < 0.3),  # noqa: PLR2004
    )


def _moved_source(strip: SourceStrip, rng: np.random.Generator) -> SourceStrip:
    low, mid, high = rng.choice([-12.0, 0.0, 12.0, 12.0], 3).tolist()
    return replace(
        strip,
        gain=Gain(rng.choice([0.5, 1.0, 2.0, 2.0])),
        muted=bool(rng.random() < 0.1),  # noqa: PLR2004
        equalizer=Bands(low, mid, high),
        pan=float(rng.choice([-1.0, 0.0, 0.0, 0.5, 1.0])),
    )
