"""The record of what went wrong and what was done about it: for the panel, the log and the person on call."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from common.protocol.state import OutageState
from common.types import BotKey

KEPT = 100
"""Outages kept per session; the oldest go first."""

MOST_ACTIONS = 50
"""Actions kept per outage; one that goes on for hours repeats its last one anyway."""


@dataclass(slots=True)
class Outage:
    """One outage while it is being written; times in milliseconds of the session's clock."""

    bot: BotKey
    cause: str
    started_ms: int
    actions: list[str] = field(default_factory=list)
    ended_ms: int | None = None
    recovered: bool | None = None

    def note(self, action: str) -> None:
        """Add what is being done; a repetition beyond ``MOST_ACTIONS`` is not written down any more."""
        if len(self.actions) < MOST_ACTIONS:
            self.actions.append(action)

    def state(self) -> OutageState:
        """Return the outage as it travels."""
        return OutageState(
            bot=self.bot,
            cause=self.cause,
            started_ms=self.started_ms,
            duration_ms=None if self.ended_ms is None else self.ended_ms - self.started_ms,
            actions=tuple(self.actions),
            recovered=self.recovered,
        )


class OutageLog:
    """The last outages of a session. ``clock`` returns milliseconds and never goes back."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._outages: deque[Outage] = deque(maxlen=KEPT)

    def open(self, bot: BotKey, cause: str) -> Outage:
        """Begin to record an outage."""
        outage = Outage(bot=bot, cause=cause, started_ms=self._clock())
        self._outages.append(outage)
        return outage

    def close(self, outage: Outage, *, recovered: bool) -> None:
        """End it; a second time changes nothing."""
        if outage.ended_ms is None:
            outage.ended_ms = self._clock()
            outage.recovered = recovered

    def states(self) -> tuple[OutageState, ...]:
        """Return all that are kept, oldest first."""
        return tuple(outage.state() for outage in self._outages)
