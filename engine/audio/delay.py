"""A destination's delay: packets wait as they came, so that gain, mute and dump still apply when they leave.

A packet of 20 ms is some 0.4 kB here, its samples would be 4 kB. Time is the packets' own: each leaves as long after
its arrival as the delay says, so what follows meets the same order, gaps and jitter as a mix without delay.
"""

from collections import deque
from collections.abc import Collection, Iterable

from common.types import Nanoseconds, UserId
from engine.audio.frame import OpusPacket
from engine.metrics import Counters

HELD_PACKETS = 600_000
"""Packets one line may hold, about 250 MB: forty people talking without a pause for 300 s. It loses its oldest."""


class DelayLine:
    """Holds packets for ``hold_ns``.

    ``counters``: ``delay_full`` was dropped unheard since the line was full, ``dumped`` since somebody asked for it.
    """

    def __init__(self, hold_ns: int) -> None:
        self._hold = hold_ns
        self._packets: deque[OpusPacket] = deque(maxlen=HELD_PACKETS)
        self._dumped: dict[UserId, Nanoseconds] = {}
        self.counters = Counters()

    def __len__(self) -> int:
        return len(self._packets)

    def hold(self, packets: Iterable[OpusPacket]) -> None:
        """Take packets in."""
        for packet in packets:
            if len(self._packets) == HELD_PACKETS:
                self.counters.add("delay_full")
            self._packets.append(packet)

    def release(self, now: Nanoseconds) -> list[OpusPacket]:
        """Return what has waited long enough, its arrival put off by as much."""
        packets, hold = self._packets, self._hold
        released = []
        while packets and packets[0].arrival + hold <= now:
            packet = packets.popleft()
            if packet.arrival <= self._dumped.get(packet.user, -1):
                self.counters.add("dumped")
            else:
                released.append(packet._replace(arrival=Nanoseconds(packet.arrival + hold)))
        return released

    def dump(self, users: Collection[UserId], now: Nanoseconds) -> None:
        """Let nothing out of what these people have said up to ``now``; what they say later is heard."""
        recent = {user: until for user, until in self._dumped.items() if until + self._hold > now}
        self._dumped = recent | dict.fromkeys(users, now)
