"""What the icon shows: one of five faces, and the sentence of the state line. Decisions only.

On air means that a session runs; the match only says how careful everybody is. Trouble is shown before everything
else, in a rehearsal too, since that is where people learn what it looks like.
"""

from enum import StrEnum
from typing import NamedTuple

from common.protocol.state import LinkState, MatchPhase, Phase, SessionState
from tray.restart_policy import EngineLink


class Face(StrEnum):
    """What the icon tells by shape and colour."""

    IDLE = "idle"
    REHEARSING = "rehearsing"
    LIVE = "live"
    DEGRADED = "degraded"
    FAILED = "failed"


class Look(NamedTuple):
    """A face, and the key of the sentence that says why (``tray.state.<line>`` in the locales)."""

    face: Face
    line: str


ON_AIR = frozenset({Phase.RUNNING, Phase.DEGRADED})
"""The phases in which somebody hears something."""


def on_air(state: SessionState | None) -> bool:
    """Whether a session runs, well or not."""
    return state is not None and state.phase in ON_AIR


def match_is_live(state: SessionState | None) -> bool:
    """Whether nothing may happen by accident."""
    return on_air(state) and state is not None and state.match is MatchPhase.LIVE


def look(state: SessionState | None, link: EngineLink, *, rehearsing: bool) -> Look:
    """Return what to show; ``state`` is the last one known (``None`` before the first), also of an engine now lost."""
    if link is EngineLink.FAILED:
        return Look(Face.FAILED, "failed")
    trouble = _trouble(state, link) if state is not None and state.phase in ON_AIR else None
    if trouble is not None:
        return Look(Face.DEGRADED, trouble)
    if rehearsing:
        return Look(Face.REHEARSING, "rehearsing")
    if state is not None and state.phase in ON_AIR:
        return Look(Face.LIVE, "match_live" if state.match is MatchPhase.LIVE else "live")
    return Look(Face.IDLE, _waiting(state, link))


def _trouble(state: SessionState, link: EngineLink) -> str | None:
    """Return what is wrong with a session on air, the worst first."""
    if link is not EngineLink.READY:
        return "engine_away"
    if state.kill:
        return "kill"
    if state.phase is Phase.DEGRADED or any(bot.link is not LinkState.CONNECTED or bot.cause for bot in state.bots):
        return "degraded"
    return None


def _waiting(state: SessionState | None, link: EngineLink) -> str:
    """Return why nothing is heard though nothing is wrong."""
    if link is not EngineLink.READY:
        return "getting_ready"
    if state is not None and state.phase in {Phase.STARTING, Phase.STOPPING}:
        return state.phase.value
    return "idle"
