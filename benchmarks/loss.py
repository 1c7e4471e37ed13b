"""What a caster understands when packets get lost and come late: ours beside two simple ways, on the same packets.

Real speech is encoded as Discord's clients do it and sent over modelled networks (:mod:`benchmarks.network`) into the
engine's real path, into a fixed buffer of 60 ms that conceals, and into no buffer at all (:mod:`benchmarks.playouts`).
What the caster's client decodes is judged against the speech (:mod:`benchmarks.judge`), all three alike. The first
five seconds aren't judged: that's how long a network may be learnt. Every cell is measured with several seeds, which
decide what is lost and late, and where between two packets the ticks begin; its figure is their mean.

``delay_ms`` is the mean time from a packet's arrival to the tick that plays it, found from where its sound is heard,
so that whatever the path itself holds back (the limiter's look-ahead) is in it; the codecs' own delay isn't.

Leaves ``loss.png`` and what is heard in two of the cells under ``benchmarks/out/``.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks import codec, network, plot, speech
from benchmarks.judge import PESQ, QUARTER, judge
from benchmarks.metric import Metric
from benchmarks.network import Loss
from benchmarks.playouts import PLAYOUTS, TALKER, TICK_NS, Heard
from benchmarks.speech import RECORDED_RATE, Samples
from common.types import Nanoseconds, Ssrc
from engine.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, OpusPacket
from engine.audio.opus import Opus

LOSSES = (
    *(Loss(share, bursty=False) for share in (0.0, 0.05, 0.1, 0.2)),
    *(Loss(share, bursty=True) for share in (0.05, 0.1, 0.2)),
)
JITTERS_MS = (0, 20, 60)
SEEDS = 3

WARM_UP_SECONDS = 5
_AFTER_SECONDS = 1
_STEPS = SAMPLE_RATE // RECORDED_RATE
_FIRST_SEQUENCE = 65_400
"""So that sequence numbers wrap on the way."""

KEPT = ((Loss(0.1, bursty=False), 20), (Loss(0.2, bursty=True), 60))
"""Cells whose sound is left for people to hear."""

KEPT_SECONDS = 15


class Cell(NamedTuple):
    """One network."""

    loss: Loss
    jitter_ms: int
    spikes: bool = False

    @property
    def name(self) -> str:
        """The middle of its metrics' names."""
        return f"{self.loss.name}_{'spikes' if self.spikes else 'jitter'}{self.jitter_ms}"


class Score(NamedTuple):
    """How one playout did in one cell, with one seed."""

    stoi: float
    pesq: float
    delay_ms: float


class Talk(NamedTuple):
    """What is said: 48 kHz ``samples`` with warm-up and silence at the end, the ``packets``, the codecs' delay."""

    samples: Samples
    packets: Sequence[bytes]
    codecs: int


class Course(NamedTuple):
    """What the network made of it: packets in order of arrival, when the first tick is due, the mean lateness (ns)."""

    packets: Sequence[OpusPacket]
    begin: int
    lateness: float


def cells() -> list[Cell]:
    """Return all cells."""
    return [Cell(loss, jitter) for loss in LOSSES for jitter in JITTERS_MS]


def spiky_cells() -> list[Cell]:
    """Return networks whose jitter has no bound; there a fixed buffer has delay to spare, ours lets rare spikes go."""
    return [Cell(LOSSES[0], jitter, spikes=True) for jitter in JITTERS_MS if jitter]


@cache
def talk() -> Talk:
    """Return all recordings one after another; the end of the last ones, said before, is the warm-up."""
    whole = speech.join([clip.samples for clip in speech.clips()])
    warm_up = whole[-WARM_UP_SECONDS * SAMPLE_RATE :]
    samples = np.concatenate([warm_up, whole, np.zeros(_AFTER_SECONDS * SAMPLE_RATE, np.float32)])
    return Talk(samples, *codec.talk(Opus(), samples))


def course(said: Talk, cell: Cell, seed: int) -> Course:
    """Send the packets, each when its 20 ms have been said.

    With one seed, the same packets are lost whatever the jitter, and come as late whatever the loss.
    """
    count = len(said.packets)
    gone = network.lost(cell.loss, count, np.random.default_rng([seed, LOSSES.index(cell.loss)]))
    chance = np.random.default_rng([seed, cell.jitter_ms])
    late = network.lateness_ns(cell.jitter_ms, count, chance, spikes=cell.spikes)
    arrived = [
        OpusPacket(
            TALKER,
            Ssrc(1),
            (_FIRST_SEQUENCE + number) & 0xFFFF,
            number * FRAME_SAMPLES,
            said.packets[number],
            Nanoseconds((number + 1) * TICK_NS + int(late[number])),
        )
        for number in np.flatnonzero(~gone).tolist()
    ]
    arrived.sort(key=lambda packet: packet.arrival)
    return Course(arrived, int(chance.integers(TICK_NS)), float(late[~gone].mean()))


def delay_ms(said: Talk, way: Course, heard: Heard, lags: Iterable[int]) -> float:
    """Return the mean delay of what was heard, from the packets' arrival; ``lags`` as of :class:`~judge.Verdict`."""
    delays = []
    for number, lag in enumerate(lags):
        sample = WARM_UP_SECONDS * SAMPLE_RATE + number * QUARTER * _STEPS
        frame, within = divmod(sample + lag * _STEPS - said.codecs, FRAME_SAMPLES)
        sent, inside = divmod(sample, FRAME_SAMPLES)
        played_at = heard.times[frame] + within / SAMPLE_RATE * 1e9
        delays.append(played_at - ((sent + 1) * TICK_NS + inside / SAMPLE_RATE * 1e9) - way.lateness)
    return float(np.mean(delays) / 1e6)


def measure(cell: Cell, seed: int) -> dict[str, Score]:
    """Let the same packets be played in all three ways."""
    said = talk()
    way = course(said, cell, seed)
    clean, opus = speech.to_16k(said.samples[: -_AFTER_SECONDS * SAMPLE_RATE]), Opus()
    scores = {}
    for name, playout in PLAYOUTS.items():
        heard = playout(opus, way.packets, way.begin, len(said.packets))
        if seed == 0 and (cell.loss, cell.jitter_ms) in KEPT:
            keep(f"loss_{cell.name}_{name}", heard.samples)
        verdict = judge(clean, speech.to_16k(heard.samples), WARM_UP_SECONDS * RECORDED_RATE)
        scores[name] = Score(verdict.stoi, verdict.pesq, delay_ms(said, way, heard, verdict.lags.tolist()))
    return scores


def keep(name: str, samples: Samples) -> None:
    """Leave the first judged seconds for people to hear."""
    begin = WARM_UP_SECONDS * SAMPLE_RATE
    speech.write(plot.OUT / f"{name}.wav", samples[begin : begin + KEPT_SECONDS * SAMPLE_RATE])


Table = dict[Cell, dict[str, list[Score]]]
"""Every seed's score, by cell and playout."""


def measure_all(chosen: Sequence[Cell], seeds: int) -> Table:
    """Measure in as many processes as there are cores."""
    jobs = [(cell, seed) for cell in chosen for seed in range(seeds)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(measure, *zip(*jobs, strict=True)))
    table: Table = {cell: {name: [] for name in PLAYOUTS} for cell in chosen}
    for (cell, _), scores in zip(jobs, results, strict=True):
        for name, score in scores.items():
            table[cell][name].append(score)
    return table


def mean(scores: Sequence[Score], field: str) -> float:
    """Return the mean of one figure over the seeds."""
    return float(np.mean([getattr(score, field) for score in scores]))


def metrics(table: Table) -> list[Metric]:
    """Return the figures of every cell, and how far they can be trusted."""
    found = []
    fields = ("stoi", "pesq") if PESQ else ("stoi",)
    for cell, row in table.items():
        for field in fields:
            unit = "of 1" if field == "stoi" else "of 4.64"
            found += [Metric(f"{field}_{cell.name}_{name}", mean(row[name], field), unit) for name in PLAYOUTS]
        found += [Metric(f"delay_ms_{cell.name}_{name}", mean(row[name], "delay_ms"), "ms") for name in PLAYOUTS]
    for field in fields:
        found += trust(table, field)
    return found


def trust(table: Table, field: str) -> list[Metric]:
    """Return the least lead of ours over the better of the others in any cell, and the largest standard error of one.

    The lead is taken seed by seed: all three play the same packets. Networks with spikes stand for themselves.
    """
    leads = {}
    for cell, row in table.items():
        if cell.spikes:
            continue
        ours, *others = ([getattr(score, field) for score in row[name]] for name in PLAYOUTS)
        leads[cell] = np.array(ours) - max(others, key=np.mean)
    errors = [lead.std(ddof=1) / np.sqrt(len(lead)) for lead in leads.values() if len(lead) > 1]
    return [
        Metric(f"{field}_lead_min", float(min(lead.mean() for lead in leads.values())), ""),
        Metric(f"{field}_lead_error_max", float(max(errors, default=0.0)), ""),
    ]


def draw(table: Table) -> None:
    """Draw everything: a row for each figure, a column for each jitter."""
    names = {"stoi": "STOI", "pesq": "PESQ, wide band", "delay_ms": "playout delay, ms"}
    rows = []
    for field, unit in names.items():
        row = []
        for jitter in JITTERS_MS:
            across = [cell for cell in table if cell.jitter_ms == jitter and not cell.spikes]
            lines = {name: [mean(table[cell][name], field) for cell in across] for name in PLAYOUTS}
            row.append(plot.Panel(f"jitter {jitter} ms", unit, [cell.loss.name for cell in across], lines))
        rows.append(row)
    plot.save("loss", rows)


def run() -> list[Metric]:
    """Measure every cell."""
    keep("loss_clean", talk().samples)
    table = measure_all([*cells(), *spiky_cells()], SEEDS)
    draw(table)
    return metrics(table)
