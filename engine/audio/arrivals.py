"""How late packets come, from their arrival times and RTP timestamps; pure.

A packet's transit is its arrival minus its timestamp's time (RFC 3550 section 6.4.1); only differences of transits
mean anything. The least transit of the recent past is what the network can do (a window of some seconds lets it
follow clock drift); how much more a packet took is its jitter.
"""

from collections import deque
from typing import NamedTuple

from common.types import Nanoseconds
from engine.audio.frame import SAMPLE_RATE

WINDOW = 200
"""Packets remembered, 4 s of talk."""

CLEAN_NS = 4_000_000
"""Jitter up to here is the scheduling noise of a clean network; only a talker who ran dry waits for it."""

LONGEST_TARGET_NS = 200_000_000
"""A target beyond this would cost more in delay than it saves in gaps."""

_GUARD_NS = 500_000
_UNSEEN_JITTER_NS = 2_000_000
_NEW_CLOCK_NS = 40_000_000
_FORGET_NS = 10_000_000_000
_REFRESH = 25
_FIRST_REFRESH = 5
_PERCENTILE = 0.97
_MISSED_TICKS = 500
_NS_PER_SECOND = 1_000_000_000


class Due(NamedTuple):
    """When packets are due (ns, a phase of the tick), and how much earlier than that the quickest of them come."""

    at_ns: int
    spread_ns: int


class Arrivals:
    """One talker's arrival statistics; gives the target delay and when a timestamp is due."""

    __slots__ = ("_base", "_cautious", "_jitter", "_latest", "_since_refresh", "_timestamp", "_transits")

    def __init__(self) -> None:
        self._transits: deque[int] = deque(maxlen=WINDOW)
        self._base = 0
        self._jitter = _UNSEEN_JITTER_NS
        self._latest = 0
        self._timestamp = 0
        self._since_refresh = 0
        self._cautious = 0

    def add(self, timestamp: int, arrival: Nanoseconds) -> None:
        """Take in one packet; ``timestamp`` is extended (no wrap), 48 kHz."""
        transit = arrival - _nanoseconds(timestamp)
        if not self._transits or transit < self._base:
            self._base = transit
        self._transits.append(transit)
        self._latest, self._timestamp = arrival, timestamp
        self._since_refresh += 1
        if self._since_refresh >= (_FIRST_REFRESH if len(self._transits) < _REFRESH else _REFRESH):
            self._refresh()

    def begin(self, timestamp: int, arrival: Nanoseconds) -> None:
        """Take note that a stretch of talk begins with this packet, before it is added.

        Some senders' timestamps stand still through silence, so that a pause would look like jitter; a stretch that
        begins two ticks away from the transits before it has a clock of its own.
        """
        if self._transits and abs(arrival - _nanoseconds(timestamp) - self._base) > _NEW_CLOCK_NS:
            self.restart()

    def restart(self) -> None:
        """Forget the transits, as after a jump of the sender's timestamps; what was learnt of jitter stays."""
        self._transits.clear()
        self._since_refresh = 0

    def ran_dry(self, timestamp: int, arrival: Nanoseconds) -> None:
        """Take in that this packet, already added, missed its moment: the target goes up at once."""
        self._cautious = _MISSED_TICKS
        late = arrival - _nanoseconds(timestamp) - self._base
        self._jitter = max(self._jitter, min(late, LONGEST_TARGET_NS))

    def tick(self) -> None:
        """Let one tick pass: caution ends 10 s after the last miss."""
        if self._cautious:
            self._cautious -= 1

    @property
    def target_ns(self) -> int:
        """Delay beyond the least transit that keeps packets in time, 0 on a clean network."""
        if self._jitter <= CLEAN_NS and not self._cautious:
            return 0
        return min(self._jitter, LONGEST_TARGET_NS)

    @property
    def jitter_ns(self) -> int:
        """The 97th percentile of recent jitter."""
        return self._jitter

    def due_ns(self, timestamp: int) -> int | None:
        """Return when a packet of ``timestamp`` is surely there (97 of 100 times), ``None`` before any came."""
        if not self._transits:
            return None
        return _nanoseconds(timestamp) + self._base + self._jitter + _GUARD_NS

    def phase(self, now: Nanoseconds) -> Due | None:
        """Return where in time the packets come, ``None`` unless some came in the last 10 s.

        A shorter memory makes the tick run after whoever speaks, past the others, who then miss it when it is their
        turn: twice the concealments, and waits beyond 22 ms in a quarter of simulated conversations.
        """
        if not self._transits or now - self._latest > _FORGET_NS:
            return None
        behind = self._jitter + _GUARD_NS
        # Senders begin at any timestamp, so the phase of a packet's due time is the timestamp's too.
        return Due(_nanoseconds(self._timestamp) + self._base + behind, behind)

    def slack_ns(self, timestamp: int, now: Nanoseconds) -> int:
        """Return how long ago the packet of ``timestamp`` was due at the least transit plus the target."""
        return now - _nanoseconds(timestamp) - self._base - self.target_ns

    def _refresh(self) -> None:
        """Recompute the base and let the jitter fall slowly towards what the window shows, or rise at once.

        The first packets set it as they are: a guess that fades slowly would keep the tick away from them for seconds.
        """
        ordered = sorted(self._transits)
        self._base = ordered[0]
        # More than the longest target is no use to know, and would take its time to be forgotten.
        seen = min(ordered[int((len(ordered) - 1) * _PERCENTILE)] - self._base, LONGEST_TARGET_NS)
        learning = len(ordered) < _REFRESH and not self._cautious
        self._jitter = seen if learning or seen > self._jitter else (self._jitter * 7 + seen) // 8
        self._since_refresh = 0


def _nanoseconds(timestamp: int) -> int:
    return timestamp * _NS_PER_SECOND // SAMPLE_RATE
