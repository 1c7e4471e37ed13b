"""Where in time the tick should stand: each talker's packets come at a phase of their own, and wait for the tick; pure.

The longest wait is the one that is noticed, so the tick stands where that is least: behind the longest pause between
packets. The best place is always right behind one talker's packets, so only those places are compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.audio.arrivals import Due

STEP_NS = 500_000
"""While something sounds the tick moves by at most 0.5 ms at a time; listeners' jitter buffers are made for more."""

_WORTH_NS = 500_000
"""A better place must save this much, or the tick would wander."""


def waiting(phases: Sequence[int], dues: Sequence[Due], tick_ns: int) -> NDArray[np.int64]:
    """Return, for ticks at each of ``phases`` (taken modulo the tick), the longest wait (ns) of anybody's packets."""
    at, spread = np.array(dues, np.int64).T
    waits = (np.array(phases, np.int64)[:, None] - at) % tick_ns + spread
    longest: NDArray[np.int64] = waits.max(axis=1)
    return longest


def correction(now: int, dues: Sequence[Due], tick_ns: int) -> int:
    """Return by how much (ns, up to half a tick) ticks at ``now`` should move; 0 when it isn't worth it."""
    if not dues:
        return 0
    waits = waiting([now, *(due.at_ns for due in dues)], dues, tick_ns)
    best = int(np.argmin(waits[1:]))
    if waits[0] - waits[1 + best] < _WORTH_NS:
        return 0
    distance = (dues[best].at_ns - now) % tick_ns
    return distance - tick_ns if distance > tick_ns // 2 else distance


def step(remaining: int) -> int:
    """Return the part of a correction that one tick takes."""
    return max(-STEP_NS, min(STEP_NS, remaining))
