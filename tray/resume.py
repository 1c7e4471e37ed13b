"""What a new engine must be told to be as the lost one was. Pure.

The engine is the only one who knows the session, so what it said last is what is restored: the session with its
faders and routes, the talkers' gains and mutes, the kill switch, the match.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from common.protocol.messages import Command, SetMatch, StartSession
from common.protocol.spec import SessionSpec
from common.protocol.state import MatchPhase, Phase, SessionState

_STEPS: Mapping[MatchPhase, tuple[MatchPhase, ...]] = {
    MatchPhase.IDLE: (),
    MatchPhase.READY: (MatchPhase.READY,),
    MatchPhase.LIVE: (MatchPhase.READY, MatchPhase.LIVE),
    MatchPhase.BREAK: (MatchPhase.READY, MatchPhase.LIVE, MatchPhase.BREAK),
}
"""How a new engine's match gets to each phase."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is worth restoring; ``spec`` is ``None`` while nothing should run. Gains and mutes are by user id."""

    spec: SessionSpec | None = None
    gains: Mapping[str, float] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    kill: bool = False
    match: MatchPhase = MatchPhase.IDLE


def remembered(memory: Memory, state: SessionState) -> Memory:
    """Take in a state. People who left keep their gains; a session that was stopped is not restored."""
    present = {talker.user: talker for talker in state.talkers}
    gains = {**memory.gains, **{user: talker.gain for user, talker in present.items()}}
    silent = {user for user, talker in present.items() if talker.muted}
    memory = replace(
        memory,
        gains={user: gain for user, gain in gains.items() if gain != 1.0},
        muted=frozenset((memory.muted - present.keys()) | silent),
        match=state.match,
    )
    if state.phase in {Phase.RUNNING, Phase.DEGRADED, Phase.STARTING}:
        return replace(memory, spec=state.spec, kill=state.kill)
    return replace(memory, spec=None, kill=False)


def commands(memory: Memory) -> tuple[Command, ...]:
    """Return the commands that restore ``memory``, in order."""
    match = tuple(SetMatch(phase=phase) for phase in _STEPS[memory.match])
    if memory.spec is None:
        return match
    start = StartSession(
        spec=memory.spec,
        gains=dict(memory.gains),
        muted=tuple(sorted(memory.muted)),
        kill=memory.kill,
        restore=True,
    )
    return (start, *match)
