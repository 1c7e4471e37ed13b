"""How late packets come, from their arrival times and RTP timestamps; pure.

A packet's transit is its arrival minus its timestamp's time (RFC 3550 section 6.4.1); only differences of transits
mean anything. The least transit of the recent past is what the network can do (a window of some seconds lets it
follow clock drift); how much more a packet took is its jitter.

The jitter to allow for weighs delay against gaps: a packet that comes too late once in the window is worth 20 ms of
delay. So an even spread is covered whole, a rare spike is let go.
"""

from typing import NamedTuple

import numpy as np

from common.types import Nanoseconds
from engine.audio.frame import FRAME_NS, nanoseconds

WINDOW = 500
"""Packets remembered, 10 s of talk."""

CLEAN_NS = 4_000_000
"""Jitter up to here is the scheduling noise of a clean network; only a talker who ran dry waits for it."""

GRACE_NS = 1_500_000
"""So long a tick waits for a packet that is expected: what is less late than that costs nobody a constant wait."""

LONGEST_TARGET_NS = 200_000_000
"""A target beyond this would cost more in delay than it saves in gaps."""

_MISS_NS = FRAME_NS
_MOST_MISSES = 25
_DEAREST_MISS = 3
_BURST_NS = FRAME_NS - 5_000_000
_GUARD_NS = 500_000
_UNSEEN_JITTER_NS = 2_000_000
_NEW_CLOCK_NS = 40_000_000
_MEMORY_NS = 10_000_000_000
_REFRESH = 100
_SETTLED = 25
_FIRST_REFRESH = 5


class Due(NamedTuple):
    """When packets are due (ns, a phase of the tick), and how much earlier than that the quickest of them come."""

    at_ns: int
    spread_ns: int


class Arrivals:
    """One talker's arrival statistics; gives the target delay and when a timestamp is due."""

    __slots__ = (
        "_base",
        "_cautious_until",
        "_count",
        "_floor",
        "_jitter",
        "_latest",
        "_refresh_in",
        "_timestamp",
        "_transits",
        "extra_ns",
    )

    def __init__(self, floor_ns: int = 0) -> None:
        self._transits = np.zeros(WINDOW, np.int64)
        self._count = 0
        self._floor = floor_ns
        self._base = 0
        self._jitter = _UNSEEN_JITTER_NS
        self._latest = 0
        self._timestamp = 0
        self._refresh_in = _FIRST_REFRESH
        self._cautious_until = 0
        self.extra_ns = 0
        """Delay wanted beyond the jitter, for the packet after a lost one to be there too."""

    def add(self, timestamp: int, arrival: Nanoseconds) -> None:
        """Take in one packet; ``timestamp`` is extended (no wrap), 48 kHz."""
        transit = arrival - timestamp * 62_500 // 3  # nanoseconds(), without the call: every packet comes through here
        count = self._count
        if transit < self._base or not count:
            self._base = transit
        elif transit - self._base > self._jitter and self._refresh_in > _FIRST_REFRESH:
            self._refresh_in = _FIRST_REFRESH
        self._transits[count % WINDOW] = transit
        self._count = count + 1
        self._latest, self._timestamp = arrival, timestamp
        self._refresh_in -= 1
        if not self._refresh_in:
            self._refresh(arrival)

    def begin(self, timestamp: int, arrival: Nanoseconds) -> None:
        """Take note that a stretch of talk begins with this packet, before it is added.

        Some senders' timestamps stand still through silence, so that a pause would look like jitter; a stretch that
        begins two ticks away from the transits before it has a clock of its own.
        """
        if self._count and abs(arrival - nanoseconds(timestamp) - self._base) > _NEW_CLOCK_NS + self._jitter:
            self.restart()

    def restart(self) -> None:
        """Forget the transits, as after a jump of the sender's timestamps; what was learnt of jitter stays."""
        self._count = 0
        self._refresh_in = _FIRST_REFRESH

    def ran_dry(self, now: Nanoseconds) -> None:
        """Take in that a packet, already added, missed its moment: the target goes up at once if that is worth it."""
        self._cautious_until = now + _MEMORY_NS
        self._refresh(now)

    def target_ns(self, now: Nanoseconds) -> int:
        """Return the delay beyond the least transit that keeps packets in time, 0 on a clean network."""
        jitter = self._jitter
        if jitter <= CLEAN_NS and now >= self._cautious_until:
            jitter = 0
        return max(self._floor, min(jitter + self.extra_ns, LONGEST_TARGET_NS))

    @property
    def settled(self) -> bool:
        """Whether enough packets came to tell their jitter."""
        return self._count >= _SETTLED

    @property
    def clean(self) -> bool:
        """Whether little jitter and no loss is seen: what came late nevertheless was an accident."""
        return self._jitter <= CLEAN_NS and not self.extra_ns

    @property
    def jitter_ns(self) -> int:
        """The spread of arrivals that is worth waiting for."""
        return self._jitter

    def surplus_ns(self, timestamp: int, now: Nanoseconds) -> int:
        """Return how long ago the packet of ``timestamp`` was surely there and had waited the target."""
        wait = max(self._behind_ns + self.extra_ns, self._floor)
        return now - nanoseconds(timestamp) - self._base - wait

    def slack_ns(self, timestamp: int, now: Nanoseconds) -> int:
        """Return how long ago the packet of ``timestamp`` was due at the least transit plus the target."""
        return now - nanoseconds(timestamp) - self._base - self.target_ns(now)

    def phase(self, now: Nanoseconds) -> Due | None:
        """Return where in time the packets come, ``None`` unless some came in the last 10 s.

        A shorter memory makes the tick run after whoever speaks, past the others, who then miss it when it is their
        turn: twice the concealments, and waits beyond 22 ms in a quarter of simulated conversations.
        """
        if not self._count or now - self._latest > _MEMORY_NS:
            return None
        behind = self._behind_ns
        # Senders begin at any timestamp, so the phase of a packet's due time is the timestamp's too.
        return Due(nanoseconds(self._timestamp) + self._base + behind, behind)

    def may_come(self, timestamp: int, now: Nanoseconds) -> bool:
        """Tell whether the packet of ``timestamp``, not here yet, is less late than others were.

        Or the one after it, where that one's redundancy is counted on.
        """
        return now - nanoseconds(timestamp) - self._base < self._jitter + _GUARD_NS + self.extra_ns

    @property
    def _behind_ns(self) -> int:
        """How long after the quickest packets a tick should come: on a clean network it waits for what is later."""
        return (max(self._jitter - GRACE_NS, 0) if self.clean else self._jitter) + _GUARD_NS

    def _refresh(self, now: Nanoseconds) -> None:
        """Recompute the base and let the jitter fall slowly towards what the window shows, or rise at once.

        The first packets set it as they are: a guess that fades slowly would keep the tick away from them for seconds.
        """
        count = min(self._count, WINDOW)
        transits = self._transits[:count]
        self._base = int(transits.min())
        seen = self._worth(transits)
        learning = count < _SETTLED and now >= self._cautious_until
        self._jitter = seen if learning or seen > self._jitter else (self._jitter * 3 + seen) // 4
        self._refresh_in = _FIRST_REFRESH if count < _SETTLED else _REFRESH

    def _worth(self, transits: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> int:
        """Return the jitter at which delay and misses together cost least, with a sixteenth to spare."""
        # A stall delivers a burst, each packet of it a frame less late than the one before: together they miss once.
        alone = transits[np.concatenate(([True], np.diff(transits) > -_BURST_NS))]
        most = min(_MOST_MISSES, len(alone))
        latest = np.sort(np.partition(alone, -most)[-most:])[::-1] - self._base
        # Of few packets one late one is a large share, but may still be the only one.
        misses = np.arange(most) * (_MISS_NS * min(_DEAREST_MISS, WINDOW // len(transits)))
        chosen = int(latest[int(np.argmin(latest + misses))])
        # More than the longest target is no use to know, and would take its time to be forgotten.
        return min(chosen + chosen // 16, LONGEST_TARGET_NS)
