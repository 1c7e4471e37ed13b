"""Whose audio an SSRC is. Only op 5 says so, and it may come after the first audio or again for a new SSRC."""

from collections import OrderedDict, deque

from common.types import Ssrc, UserId
from engine.metrics import Counters

WAITING_PACKETS = 10
"""Datagrams kept per unknown SSRC (0.2 s): enough for the first word, too few to matter."""

WAITING_SSRCS = 32
"""Unknown SSRCs for which datagrams are kept; the oldest gives way."""

KNOWN_SSRCS = 4_096
"""SSRCs with a known owner, forty times the largest call; the one learnt first gives way."""

Datagram = tuple[bytes, int]
"""A received datagram and its arrival in ns."""


class SsrcTable:
    """SSRC to user, and the datagrams that wait for an owner.

    The receive thread reads and parks, the loop assigns and forgets; each step is one dict operation.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._users: dict[Ssrc, UserId] = {}
        self._waiting: OrderedDict[Ssrc, deque[Datagram]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._users)

    def user(self, ssrc: Ssrc) -> UserId | None:
        """Return whose audio it is, if known."""
        return self._users.get(ssrc)

    def assign(self, ssrc: Ssrc, user: UserId) -> None:
        """Note an owner; a later assignment wins."""
        self._users[ssrc] = user
        if len(self._users) > KNOWN_SSRCS:
            self._users.pop(next(iter(self._users)))

    def forget(self, user: UserId) -> None:
        """Drop everything of a user who left."""
        for ssrc in [ssrc for ssrc, owner in self._users.items() if owner == user]:
            self._users.pop(ssrc, None)

    def park(self, ssrc: Ssrc, data: bytes, arrival: int) -> None:
        """Keep a datagram until its SSRC is known; what finds no room is counted as ``unknown_ssrc``."""
        queue = self._waiting.get(ssrc)
        if queue is None:
            queue = self._waiting.setdefault(ssrc, deque(maxlen=WAITING_PACKETS))
            self._make_room()
        if len(queue) == WAITING_PACKETS:
            self._counters.add("unknown_ssrc")
        queue.append((data, arrival))

    def parked(self, ssrc: Ssrc) -> deque[Datagram]:
        """Take out what waits for ``ssrc``, oldest first."""
        return self._waiting.pop(ssrc, None) or deque()

    def _make_room(self) -> None:
        while len(self._waiting) > WAITING_SSRCS:
            _, dropped = self._waiting.popitem(last=False)
            self._counters.add("unknown_ssrc", len(dropped))
