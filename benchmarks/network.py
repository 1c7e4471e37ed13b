"""Seeded models of what a network does to packets that were sent 20 ms apart.

Loss is random (each packet for itself) or bursty (Gilbert's two states: in the bad one everything is lost, and it
lasts three packets on average).

Jitter of J ms: each packet is late by something between 0 and J, evenly spread and independent of the others, so that
packets overtake each other. Networks with spikes keep to no bound: one packet in a hundred is late by more,
exponential with a mean of J/2. On top comes what the computers at both ends add, 0 to 1 ms, evenly spread; at J = 0
that is all.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

BURST_PACKETS = 3.0
"""Mean length of a burst."""

SPIKE_SHARE = 0.01
COMPUTERS_MS = 1.0


class Loss(NamedTuple):
    """``share`` of packets is lost, in bursts or each for itself."""

    share: float
    bursty: bool

    @property
    def name(self) -> str:
        """Its part of a metric's name, like ``burst10``."""
        return f"{'burst' if self.bursty else 'random'}{round(self.share * 100)}"


def lost(loss: Loss, count: int, chance: Generator) -> NDArray[np.bool_]:
    """Return which of ``count`` packets are lost."""
    if not loss.bursty:
        return chance.random(count) < loss.share
    end = 1.0 / BURST_PACKETS
    begin = end * loss.share / (1.0 - loss.share)
    bad = bool(chance.random() < loss.share)
    states = np.empty(count, np.bool_)
    for number, draw in enumerate(chance.random(count)):
        states[number] = bad
        bad = draw >= end if bad else draw < begin
    return states


def lateness_ns(jitter_ms: float, count: int, chance: Generator, *, spikes: bool = False) -> NDArray[np.int64]:
    """Return by how much each of ``count`` packets comes later than the quickest can."""
    late = chance.uniform(0.0, jitter_ms, count)
    if spikes:
        late += (chance.random(count) < SPIKE_SHARE) * chance.exponential(1.0, count) * jitter_ms / 2
    late += chance.uniform(0.0, COMPUTERS_MS, count)
    return (late * 1e6).astype(np.int64)
