"""A network between people, servers and clients: loss, delay, jitter, reordering, duplication, cuts; all seeded.

Time is an argument: what is sent goes into a queue and leaves it when ``advance`` comes to its moment.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

Deliver = Callable[[], None]

MS = 1_000_000

MOST_ON_THE_WAY = 100_000
"""Packets under way on all links together; ten seconds of two hundred people."""


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """What a link does to packets; shares 0 to 1, times in ms.

    Bursts follow Gilbert and Elliott: ``burst_enter`` and ``burst_leave`` are the chances per packet to fall into and
    out of a state in which ``burst_loss`` of the packets are lost.
    """

    loss: float = 0.0
    burst_enter: float = 0.0
    burst_leave: float = 0.3
    burst_loss: float = 0.9
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0

    @property
    def is_perfect(self) -> bool:
        """Whether packets go through untouched."""
        return self == PERFECT


PERFECT = LinkQuality()


class Network:
    """All links; ``advance`` delivers what is due."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._queue: list[tuple[int, int, Deliver]] = []
        self._order = itertools.count()
        self.lost = 0
        """Packets lost on any link, or because too many were under way."""

    def link(self, name: str, quality: LinkQuality = PERFECT) -> "Link":
        """Make a link; its chances follow from the network's seed and its name."""
        return Link(self, quality, random.Random(f"link-{self._seed}-{name}"))

    def schedule(self, moment: int, deliver: Deliver) -> None:
        """Have ``deliver`` called at ``moment`` (ns); lost if ``MOST_ON_THE_WAY`` packets are under way already."""
        if len(self._queue) >= MOST_ON_THE_WAY:
            self.lost += 1
            return
        heapq.heappush(self._queue, (moment, next(self._order), deliver))

    def advance(self, now: int) -> None:
        """Deliver everything due at ``now``, in order of time."""
        while self._queue and self._queue[0][0] <= now:
            heapq.heappop(self._queue)[2]()

    @property
    def next_due(self) -> int | None:
        """When the next delivery is due (ns)."""
        return self._queue[0][0] if self._queue else None


class Link:
    """One direction between two ends. ``quality`` may be changed at any time; ``cut_until`` drops all until then."""

    def __init__(self, network: Network, quality: LinkQuality, chance: random.Random) -> None:
        self.quality = quality
        self.cut_until = 0
        self._network = network
        self._chance = chance
        self._in_burst = False

    def send(self, now: int, deliver: Deliver) -> None:
        """Send something that ``deliver`` hands over at the other end."""
        if now >= self.cut_until and self.quality.is_perfect:
            deliver()
            return
        if now < self.cut_until or self._is_lost():
            self._network.lost += 1
            return
        copies = 2 if self._chance.random() < self.quality.duplicate else 1
        for _ in range(copies):
            self._network.schedule(now + self._travel_time(), deliver)

    def _is_lost(self) -> bool:
        quality, chance = self.quality, self._chance
        flips = quality.burst_leave if self._in_burst else quality.burst_enter
        if chance.random() < flips:
            self._in_burst = not self._in_burst
        return chance.random() < (quality.burst_loss if self._in_burst else quality.loss)

    def _travel_time(self) -> int:
        quality, chance = self.quality, self._chance
        time = quality.delay_ms + chance.uniform(0, quality.jitter_ms)
        if chance.random() < quality.reorder:
            time += chance.uniform(20, 60)
        return int(time * MS)
