"""The match: IDLE → READY → LIVE → BREAK, and which step may follow which. Pure.

While LIVE nothing happens that nobody asked for: no update, no restart, and no way for sound to reach a source.
A match leaves LIVE only through BREAK, so that one slip of a finger can't unlock what LIVE locks.
"""

from common.errors import ErrorCode, SessionError
from common.protocol.state import MatchPhase

_NEXT: dict[MatchPhase, frozenset[MatchPhase]] = {
    MatchPhase.IDLE: frozenset({MatchPhase.READY}),
    MatchPhase.READY: frozenset({MatchPhase.LIVE, MatchPhase.IDLE}),
    MatchPhase.LIVE: frozenset({MatchPhase.BREAK}),
    MatchPhase.BREAK: frozenset({MatchPhase.LIVE, MatchPhase.READY, MatchPhase.IDLE}),
}


def allowed(phase: MatchPhase) -> frozenset[MatchPhase]:
    """Return the phases that may follow ``phase``."""
    return _NEXT[phase]


def step(phase: MatchPhase, wanted: MatchPhase) -> MatchPhase:
    """Go to ``wanted``; staying is allowed. Raises MATCH_STEP when the step is none of the allowed ones."""
    if wanted != phase and wanted not in _NEXT[phase]:
        raise SessionError(ErrorCode.MATCH_STEP, phase=phase, wanted=wanted)
    return wanted


def locked(phase: MatchPhase) -> bool:
    """Say whether updates, restarts and prompts are locked out."""
    return phase is MatchPhase.LIVE
