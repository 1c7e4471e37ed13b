"""Whether casters hear balanced, clean and never too loud sound: levelling, noise suppression, true peak.

Levelling: real speech at four loudnesses goes through the engine's real path, one talker at a time, and what the
caster's client decodes is measured by pyloudnorm (ITU-R BS.1770, gated), from five seconds after the first word on: up
to the end, and for the first five of these seconds alone. The figure is the larger error of both, in the worst order
of recordings. One side is measured as mono: in a stereo measurement, the same voice on both sides counts 3 dB more.

Suppression: speech with noise that is 5 dB quieter, and how well it is understood (STOI, against the speech without
noise) with each suppression, everything else alike.

True peak: :mod:`benchmarks.summing`, ten minutes. ``true_peak_decoded_dbtp`` is what Opus makes of it, which nobody
can promise anything of; ``summed_peak_dbfs`` says what the limiter was up against.

Leaves ``levels.png`` and, for people to hear, ``levels_*.wav`` under ``benchmarks/out/``.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
import pyloudnorm
from pystoi import stoi

from benchmarks import codec, noise, on_air, plot, speech
from benchmarks.judge import LONGEST_LAG, lag_of
from benchmarks.metric import Metric
from benchmarks.speech import RECORDED_RATE, Samples
from benchmarks.summing import Highest, stress
from common.types import Suppression
from engine.audio.frame import SAMPLE_RATE
from engine.audio.opus import Opus
from engine.audio.settings import DEFAULT_LOUDNESS

LEVELS = (-40, -30, -20, -12)
"""Loudness of talkers, LUFS."""

ORDERS = 4
"""In how many orders the recordings are said."""

TALK_SECONDS = 35
LEARNT_SECONDS = 5
SOON_SECONDS = 10

NOISES = {"keyboard": noise.keyboard, "fan": noise.fan}
SNR_DB = 5.0
NOISE_SEEDS = 2
_WARM_UP_SECONDS = 3

STRESS_TICKS_MS = (20, 10)
STRESS_PARTS, STRESS_SECONDS = 2, 150
"""With either tick; ten minutes together, each part a process of its own."""

_CLIPPINGS = 8
_SHORT_TERM_SECONDS = 3
_TURN_SECONDS = 4
_BIN_SECONDS = 20
_EVERY = 2
"""Of the seconds of a talk, so many are drawn as one."""

_FAINTEST = -70.0


class Levelled(NamedTuple):
    """What came of a talker: errors in LU, and short-term loudness (LUFS) by second, as said and as heard."""

    soon: float
    later: float
    said: list[float]
    heard: list[float]

    @property
    def error(self) -> float:
        """The error that counts, with its sign."""
        return max(self.soon, self.later, key=abs)


def loudness(samples: Samples) -> float:
    """Return the integrated, gated loudness of mono sound, LUFS."""
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples.astype(np.float64)))


def short_term(samples: Samples) -> list[float]:
    """Return the loudness of the last three seconds at every whole second."""
    meter = pyloudnorm.Meter(SAMPLE_RATE, block_size=_SHORT_TERM_SECONDS)
    ends = range(_SHORT_TERM_SECONDS * SAMPLE_RATE, len(samples) + 1, SAMPLE_RATE)
    windows = (samples[end - _SHORT_TERM_SECONDS * SAMPLE_RATE : end].astype(np.float64) for end in ends)
    return [max(_FAINTEST, float(meter.integrated_loudness(window))) for window in windows]


def at_loudness(samples: Samples, lufs: float) -> Samples:
    """Return ``samples`` at that loudness; what is above full scale is clipped, as a microphone's converter does."""
    gain, clipped = 1.0, samples
    for _ in range(_CLIPPINGS):
        gain *= 10.0 ** ((lufs - loudness(clipped)) / 20.0)
        clipped = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return clipped


@cache
def words(order: int) -> Samples:
    """Return the recordings in one of several orders, as many as fit into the time of a talk."""
    clips = speech.clips()
    shuffled = np.random.default_rng(order).permutation(len(clips)).tolist()
    return speech.join([clips[index].samples for index in shuffled])[: TALK_SECONDS * SAMPLE_RATE]


def level(lufs: int, order: int) -> Levelled:
    """Let somebody talk that loud, with levelling."""
    opus, said = Opus(), at_loudness(words(order), lufs)
    heard = on_air.play(opus, [codec.talk(opus, said)[0]], on_air.one_channel(1, levelling=True))
    learnt, soon = LEARNT_SECONDS * SAMPLE_RATE, SOON_SECONDS * SAMPLE_RATE
    first, rest = (loudness(part) - DEFAULT_LOUDNESS for part in (heard[learnt:soon], heard[learnt:]))
    return Levelled(first, rest, short_term(said), short_term(heard))


def understood(name: str, suppression: Suppression, seed: int) -> float:
    """Return the STOI of all recordings in a noise, after one of them as warm-up."""
    opus, whole = Opus(), speech.join([clip.samples for clip in speech.clips()])
    said = np.concatenate([whole[-_WARM_UP_SECONDS * SAMPLE_RATE :], whole])
    loud = noise.noisy(said, NOISES[name](len(said), np.random.default_rng(seed)), SNR_DB)
    packets, _ = codec.talk(opus, np.concatenate([loud, np.zeros(SAMPLE_RATE, np.float32)]))
    heard = on_air.play(opus, [packets], on_air.one_channel(1, suppression))
    if seed == 0:
        speech.write(plot.OUT / f"levels_{name}_{suppression}.wav", heard[: 20 * SAMPLE_RATE])
    return clarity(said, heard)


def clarity(said: Samples, heard: Samples) -> float:
    """Return the STOI of ``heard`` after the warm-up, both at 48 kHz; ``heard`` goes on for half a second longer.

    One lag is found for the whole: the network is clean, so delay doesn't change, and noise would mislead.
    """
    start = _WARM_UP_SECONDS * RECORDED_RATE
    clean = speech.to_16k(said)[start:]
    late = speech.to_16k(heard)[start:]
    lag = lag_of(clean, late[: len(clean) + LONGEST_LAG])
    return float(stoi(clean, late[lag : lag + len(clean)], RECORDED_RATE))


def leave_a_talk(*, levelling: bool) -> None:
    """Leave the quietest and the loudest talker taking turns, for people to hear."""
    opus = Opus()
    turns = np.arange(len(words(0))) // (_TURN_SECONDS * SAMPLE_RATE) % 2
    voices = [
        codec.talk(opus, at_loudness(words(order), lufs) * (turns == order))[0]
        for order, lufs in enumerate((LEVELS[0], LEVELS[-1]))
    ]
    heard = on_air.play(opus, voices, on_air.one_channel(len(voices), levelling=levelling))
    speech.write(plot.OUT / f"levels_talkers_{'after' if levelling else 'before'}.wav", heard)


class Measured(NamedTuple):
    """Everything: talks by level, STOI by noise and suppression (each seed's), and every second of summing by tick."""

    talks: dict[int, list[Levelled]]
    stoi: dict[str, dict[Suppression, list[float]]]
    peaks: dict[int, list[Highest]]


def measure() -> Measured:
    """Measure in as many processes as there are cores, the longest work first."""
    seeds = range(NOISE_SEEDS)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        peaks = {
            tick: [pool.submit(stress, STRESS_SECONDS, seed, tick) for seed in range(STRESS_PARTS)]
            for tick in STRESS_TICKS_MS
        }
        clear = {
            name: {kind: [pool.submit(understood, name, kind, seed) for seed in seeds] for kind in Suppression}
            for name in NOISES
        }
        talks = {lufs: [pool.submit(level, lufs, order) for order in range(ORDERS)] for lufs in LEVELS}
        clips = [pool.submit(leave_a_talk, levelling=levelling) for levelling in (False, True)]
        for clip in clips:
            clip.result()
        return Measured(
            {lufs: [talk.result() for talk in row] for lufs, row in talks.items()},
            {name: {kind: [each.result() for each in row[kind]] for kind in row} for name, row in clear.items()},
            {tick: [second for part in parts for second in part.result()] for tick, parts in peaks.items()},
        )


def decibels(value: float) -> float:
    """Return a linear value in dB, no less than the axis of a diagram shows."""
    return float(20.0 * np.log10(max(value, 10.0 ** (_FAINTEST / 20.0))))


def gain(measured: Measured, name: str, kind: Suppression) -> float:
    """Return what a suppression adds to STOI, the mean over the seeds."""
    row = measured.stoi[name]
    return float(np.mean(row[kind]) - np.mean(row[Suppression.OFF]))


def metrics(measured: Measured) -> list[Metric]:
    """Return the figures: those with a limit first."""
    errors = {lufs: max((talk.error for talk in row), key=abs) for lufs, row in measured.talks.items()}
    seconds = [second for row in measured.peaks.values() for second in row]
    highest = Highest(*np.max(seconds, axis=0).tolist())
    kinds = (Suppression.STANDARD, Suppression.STRONG)
    return [
        Metric("lufs_error_max", max(abs(error) for error in errors.values()), "LU"),
        Metric("stoi_gain_noise", min(gain(measured, name, Suppression.STRONG) for name in NOISES), "of 1"),
        Metric("true_peak_dbtp", decibels(highest.limited), "dBTP"),
        *(Metric(f"lufs_error_{-lufs}", error, "LU") for lufs, error in errors.items()),
        *(Metric(f"stoi_gain_{name}_{kind}", gain(measured, name, kind), "of 1") for name in NOISES for kind in kinds),
        *(Metric(f"stoi_{name}_off", float(np.mean(measured.stoi[name][Suppression.OFF])), "of 1") for name in NOISES),
        Metric("true_peak_decoded_dbtp", decibels(highest.decoded), "dBTP"),
        Metric("summed_peak_dbfs", decibels(highest.summed), "dBFS"),
        Metric("summed_seconds", len(seconds), "s"),
    ]


def draw(measured: Measured) -> None:
    """Draw how talkers come together, how well they are understood, and ten minutes of peaks."""
    said = {f"{lufs} LUFS": row[0].said[::_EVERY] for lufs, row in measured.talks.items()}
    heard = {f"{lufs} LUFS": row[0].heard[::_EVERY] for lufs, row in measured.talks.items()}
    seconds = [str(second) for second in range(_SHORT_TERM_SECONDS, TALK_SECONDS + 1, _EVERY)]
    talks = [
        plot.Panel(f"talkers as {what}, by second", "short-term loudness, LUFS", seconds, lines, DEFAULT_LOUDNESS)
        for what, lines in (("said", said), ("heard", heard))
    ]
    noises = [
        plot.Panel(f"{name} at {SNR_DB:.0f} dB SNR", "STOI", list(row), _by_seed(list(row.values())))
        for name, row in measured.stoi.items()
    ]
    limited, summed = zip(*(_peaks(tick, row) for tick, row in measured.peaks.items()), strict=True)
    plot.save("levels", [talks, noises, limited, summed])


def _peaks(tick_ms: int, seconds: Sequence[Highest]) -> tuple[plot.Panel, plot.Panel]:
    """Return the panels behind and before the limiter."""
    bins = np.array(seconds).reshape(-1, _BIN_SECONDS, len(Highest._fields)).max(axis=1)
    across = [str(number * _BIN_SECONDS) for number in range(len(bins))]
    lines = {name: [decibels(value) for value in row] for name, row in zip(Highest._fields, bins.T, strict=True)}
    summed = {"summed": lines.pop("summed")}
    title = f"worst-case summing, ticks of {tick_ms} ms, by second"
    return plot.Panel(title, "true peak, dBTP", across, lines, -1.0), plot.Panel(title, "peak, dBFS", across, summed)


def _by_seed(row: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    return {f"noise {seed + 1}": list(values) for seed, values in enumerate(zip(*row, strict=True))}


def run() -> list[Metric]:
    """Measure everything."""
    measured = measure()
    draw(measured)
    return metrics(measured)
