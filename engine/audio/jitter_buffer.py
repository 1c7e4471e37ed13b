"""The one door between the receive thread and the mix thread; behind it, every talker's playout."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from common.types import Nanoseconds, UserId
from engine.audio.arrivals import Due
from engine.audio.frame import FRAME_SAMPLES, OpusPacket
from engine.audio.playout import Take, TalkerBuffer
from engine.metrics import Counters

DOOR_PACKETS = 4_096
"""Packets that may wait between two ticks: 100 talkers for 0.8 s. A mixer that is later than that loses the oldest."""

UNKNOWN_TALKER = "unknown_talker"
"""Count of packets from people who are not among the talkers."""


class Door:
    """Packets between two threads: one pushes, the other takes all there are."""

    def __init__(self) -> None:
        self._packets: deque[OpusPacket] = deque(maxlen=DOOR_PACKETS)
        self.counters = Counters()
        self._pushed = 0
        self._drained = 0

    def push(self, packet: OpusPacket) -> None:
        """Put a packet at the door; never blocks. A full door loses its oldest, counted as ``door_full``."""
        self._packets.append(packet)
        self._pushed += 1

    def drain(self) -> list[OpusPacket]:
        """Return what came since the last time, in the order it came."""
        pushed, waiting = self._pushed, len(self._packets)
        take: Callable[[], OpusPacket] = self._packets.popleft
        packets = [take() for _ in range(waiting)]
        self._account(pushed, waiting)
        return packets

    def _account(self, pushed: int, drained: int) -> None:
        """Count what the full door dropped: pushed before this drain, yet never seen."""
        self._drained += drained
        missed = pushed - self._drained
        if missed > 0:
            self.counters.add("door_full", missed)
            self._drained += missed


class JitterBuffer:
    """All talkers' playout, of one mix; ``floor_ns`` is the least target delay."""

    def __init__(self, tick: int = FRAME_SAMPLES, floor_ns: int = 0) -> None:
        self._tick = tick
        self._floor = floor_ns
        self._slots: Mapping[UserId, int] = {}
        self._talkers: dict[UserId, TalkerBuffer] = {}
        self.counters = Counters()

    @property
    def talkers(self) -> dict[UserId, TalkerBuffer]:
        """The buffers of those who have sent anything; to read."""
        return self._talkers

    def adopt(self, slots: Mapping[UserId, int]) -> None:
        """Have exactly these talkers from now on, each in its slot."""
        self._slots = dict(slots)
        self._talkers = {user: talker for user, talker in self._talkers.items() if user in slots}

    def fill(self, packets: Iterable[OpusPacket]) -> None:
        """Give every packet to its talker; one whose user isn't there is counted."""
        talkers = self._talkers
        for packet in packets:
            talker = talkers.get(packet.user)
            if talker is None:
                talker = self._begin(packet.user)
            if talker is not None:
                talker.push(packet)

    def _begin(self, user: UserId) -> TalkerBuffer | None:
        """Make a talker's buffer at the first packet; most people in a channel never speak."""
        slot = self._slots.get(user)
        if slot is None:
            self.counters.add(UNKNOWN_TALKER)
            return None
        talker = self._talkers[user] = TalkerBuffer(user, slot, self._tick, self._floor)
        return talker

    def awaits(self, arrived: Iterable[OpusPacket], now: Nanoseconds) -> bool:
        """Tell whether anybody's next packet is not here, nor among those that ``arrived``, but may come any moment."""
        here = {packet.user for packet in arrived}
        return any(user not in here and talker.awaited(now) for user, talker in self._talkers.items())

    def take(self, now: Nanoseconds, quiet: Collection[int]) -> list[Take]:
        """Return what every talker who sounds plays in this tick; ``quiet`` are the slots of who was in the last."""
        takes = []
        for talker in self._talkers.values():
            take = talker.take(now, talker.slot in quiet)
            if take is not None:
                takes.append(take)
        return takes

    def drop(self, users: Iterable[UserId]) -> None:
        """Forget what these talkers have queued."""
        for user in users:
            if user in self._talkers:
                self.counters.add("dumped", self._talkers[user].drop())

    def dues(self, now: Nanoseconds) -> list[Due]:
        """Return the phases at which the talkers' packets are due, of those who talked lately."""
        dues = (talker.arrivals.phase(now) for talker in self._talkers.values())
        return [due for due in dues if due is not None]
