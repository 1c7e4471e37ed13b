"""The one door between the receive thread and the mix thread; behind it, every talker's playout."""

from collections import deque
from collections.abc import Iterable

from common.types import Nanoseconds, UserId
from engine.audio.arrivals import Due
from engine.audio.frame import OpusPacket
from engine.audio.playout import Take, TalkerBuffer
from engine.metrics import Counters

DOOR_PACKETS = 4_096
"""Packets that may wait between two ticks: 100 talkers for 0.8 s. A mixer that is later than that loses the oldest."""


class JitterBuffer:
    """All talkers' playout behind one door.

    ``push`` may be called by one other thread; everything else belongs to the mix thread.
    """

    def __init__(self) -> None:
        self._door: deque[OpusPacket] = deque(maxlen=DOOR_PACKETS)
        self._talkers: dict[UserId, TalkerBuffer] = {}
        self.counters = Counters()
        self._pushed = 0
        self._drained = 0

    @property
    def talkers(self) -> dict[UserId, TalkerBuffer]:
        """Every talker's buffer; to read."""
        return self._talkers

    def push(self, packet: OpusPacket) -> None:
        """Put a packet at the door; never blocks. A full door loses its oldest, counted as ``door_full``."""
        self._door.append(packet)
        self._pushed += 1

    def adopt(self, users: Iterable[UserId]) -> None:
        """Have exactly these talkers from now on."""
        wanted = set(users)
        for gone in self._talkers.keys() - wanted:
            del self._talkers[gone]
        for new in wanted - self._talkers.keys():
            self._talkers[new] = TalkerBuffer(new)

    def take(self, now: Nanoseconds) -> list[Take]:
        """Drain the door, then return what every talker who sounds plays in this tick."""
        self._drain()
        takes = (talker.take(now) for talker in self._talkers.values())
        return [take for take in takes if take is not None]

    def dues(self, now: Nanoseconds) -> list[Due]:
        """Return the phases at which the talkers' packets are due, of those who talked lately."""
        dues = (talker.arrivals.phase(now) for talker in self._talkers.values())
        return [due for due in dues if due is not None]

    def _drain(self) -> None:
        door = self._door
        pushed, drained = self._pushed, len(door)
        for _ in range(drained):
            packet = door.popleft()
            talker = self._talkers.get(packet.user)
            if talker is None:
                self.counters.add("unknown_talker")
            else:
                talker.push(packet)
        self._account(pushed, drained)

    def _account(self, pushed: int, drained: int) -> None:
        """Count what the full door dropped: pushed before this drain, yet never seen."""
        self._drained += drained
        missed = pushed - self._drained
        if missed > 0:
            self.counters.add("door_full", missed)
            self._drained += missed
