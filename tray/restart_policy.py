"""Whether and when a dead engine is started again. Pure; time is an argument, in seconds of any steady clock."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

CRASHES: Final = 5
WINDOW_SECONDS: Final = 60.0
"""So many crashes within so long are a loop: starting once more would only fail again, on air."""

FIRST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 5.0
"""Seconds before a restart: the first is quick, since casters hear nothing meanwhile; doubled for each recent crash."""

PING_SECONDS: Final = 2.0
"""Between heartbeats."""

PING_TIMEOUT: Final = 3.0
"""An engine that answers no ping for so long hangs: its loop turns 50 times a second when it is well."""

RESTORE_TRIES: Final = 8
"""Starts of the lost session in a new engine, spread over 45 s: what killed the engine may have hit the line too."""


class EngineLink(StrEnum):
    """How the engine is; ``failed`` is not started again by itself."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class History:
    """When the engine crashed, within the window."""

    crashes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Restart:
    """Start again after ``delay`` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Don't start again: ``crashes`` in the window are a loop."""

    crashes: int


def crashed(history: History, now: float) -> tuple[History, Restart | GiveUp]:
    """Take in a crash at ``now``; return what is remembered and what to do."""
    recent = tuple(time for time in history.crashes if now - time < WINDOW_SECONDS)
    history = replace(history, crashes=(*recent, now))
    count = len(history.crashes)
    if count >= CRASHES:
        return history, GiveUp(crashes=count)
    return history, Restart(delay=min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (count - 1)))


def restore_delay(failures: int) -> float | None:
    """Return the seconds to the next try to restore a session after so many failures; ``None``: no more tries."""
    return None if failures >= RESTORE_TRIES else min(10.0, 0.5 * 2.0 ** (failures - 1))
