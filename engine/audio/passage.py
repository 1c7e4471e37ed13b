"""How packets pass the live mix: per source how many were decoded and mixed, and how long each has been here."""

from collections.abc import Mapping, Sequence

from common.types import ChannelId, Nanoseconds, UserId
from engine.audio.meter import Percentiles, Ring
from engine.audio.playout import Kind, Take
from engine.audio.settings import MixSettings

_NOWHERE = -1
"""The last row: of those who are just leaving, or whose source is not in the session."""


class Passage:
    """Counts by source; one row more than there are sources is for talkers whose source is not in the session."""

    def __init__(self) -> None:
        self._row: dict[ChannelId, int] = {}
        self._decoded = [0]
        self._mixed = [0]
        self._row_of_slot: dict[int, int] = {}
        self._residence = Ring()

    def adopt(self, settings: MixSettings, slots: Mapping[UserId, int]) -> None:
        """Take who talks on which source; the counts of sources that stay go on."""
        decoded, mixed = self.decoded(), self.mixed()
        self._row = {strip.channel: row for row, strip in enumerate(settings.sources)}
        self._decoded = [*(decoded.get(channel, 0) for channel in self._row), 0]
        self._mixed = [*(mixed.get(channel, 0) for channel in self._row), 0]
        self._row_of_slot = {slots[strip.user]: self._row.get(strip.source, _NOWHERE) for strip in settings.talkers}

    def note(self, takes: Sequence[Take], heard: Sequence[bool], now: Nanoseconds) -> None:
        """Count what a tick's ``takes`` played, and keep how long what was ``heard`` (n) has been here."""
        decoded, mixed, row_of_slot, ages = self._decoded, self._mixed, self._row_of_slot, []
        for take, sounds in zip(takes, heard, strict=True):
            slot, kind, packet, skipped, _, _, more = take
            if packet is None or kind is Kind.REDUNDANCY:
                continue
            row = row_of_slot.get(slot, _NOWHERE)
            decoded[row] += 1
            if sounds:
                mixed[row] += 1
                ages.append(now - packet.arrival)
            for other in more if skipped is None else (skipped,):
                decoded[row] += 1
                if sounds:
                    mixed[row] += 1
                    ages.append(now - other.arrival)
        self._residence.add_all(ages)

    # reading, any thread

    def decoded(self) -> dict[ChannelId, int]:
        """Return how many packets of each source were decoded."""
        return dict(zip(self._row, self._decoded, strict=False))

    def mixed(self) -> dict[ChannelId, int]:
        """Return how many packets of each source went out to at least one destination."""
        return dict(zip(self._row, self._mixed, strict=False))

    @property
    def residence(self) -> Percentiles:
        """Time from a packet's arrival to the send of the first packet that holds its sound."""
        return self._residence.percentiles()
