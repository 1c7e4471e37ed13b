"""Where in time the tick should stand: each talker's packets come at a phase of their own, and wait for the tick; pure.

Waiting is least when the tick follows closely on the packets of as many talkers as possible. The best place is always
right behind one of them, so only those places are compared.
"""

import math
from collections.abc import Sequence

from engine.audio.frame import TICK_NS

STEP_NS = 100_000
"""The tick moves by at most 0.1 ms at a time, 5 ms a second: nobody hears that, senders' clocks are worse."""

_WORTH_NS = 1_000_000
"""A better place must save this much on average, or the tick would wander."""


def waiting(phase: int, dues: Sequence[int]) -> float:
    """Return the root mean square time in ns that packets due at ``dues`` wait for ticks at ``phase``.

    Both are taken modulo 20 ms. Squared, since the longest wait is the one that is noticed.
    """
    return math.sqrt(sum(((phase - due) % TICK_NS) ** 2 for due in dues) / len(dues))


def correction(now: int, dues: Sequence[int]) -> int:
    """Return by how much (ns, −10 to 10 ms) ticks at ``now`` should move; 0 when it isn't worth it."""
    if not dues:
        return 0
    best = min(dues, key=lambda due: waiting(due, dues))
    if waiting(now, dues) - waiting(best, dues) < _WORTH_NS:
        return 0
    distance = (best - now) % TICK_NS
    return distance - TICK_NS if distance > TICK_NS // 2 else distance


def step(remaining: int) -> int:
    """Return the part of a correction that one tick takes."""
    return max(-STEP_NS, min(STEP_NS, remaining))
