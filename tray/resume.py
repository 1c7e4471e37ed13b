"""What a new engine must be told to be as the lost one was, and what is remembered of talkers whatever happens. Pure.

The engine is the only one who knows the session, so what it said last is what is restored: the session with its
faders and routes, the talkers' strips, the kill switch, the match. Solo is not: it belongs to the moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from common.protocol.messages import Command, SetMatch, StartSession
from common.protocol.spec import MOST_STRIPS, SessionSpec, StripSpec
from common.protocol.state import MatchPhase, Phase, SessionState

_STEPS: Mapping[MatchPhase, tuple[MatchPhase, ...]] = {
    MatchPhase.IDLE: (),
    MatchPhase.READY: (MatchPhase.READY,),
    MatchPhase.LIVE: (MatchPhase.READY, MatchPhase.LIVE),
    MatchPhase.BREAK: (MatchPhase.READY, MatchPhase.LIVE, MatchPhase.BREAK),
}
"""How a new engine's match gets to each phase."""

_RUNS = frozenset({Phase.RUNNING, Phase.DEGRADED, Phase.STARTING})


@dataclass(frozen=True, slots=True)
class Memory:
    """What is worth keeping; ``spec`` is ``None`` while nothing should run. Strips are by user id.

    ``present`` are the strips of who was there in the last state of this engine: they can differ from ``strips``, since
    others start sessions too, without what is remembered.
    """

    spec: SessionSpec | None = None
    strips: Mapping[str, StripSpec] = field(default_factory=dict)
    kill: bool = False
    match: MatchPhase = MatchPhase.IDLE
    present: Mapping[str, StripSpec] = field(default_factory=dict, compare=False)


def remembered(memory: Memory, state: SessionState) -> Memory:
    """Take in a state. People who left keep their strips; a session that was stopped is not restored."""
    present = {talker.user: talker.strip for talker in state.talkers}
    memory = replace(memory, strips=_strips(memory, present), present=present, match=state.match)
    if state.phase in _RUNS:
        return replace(memory, spec=state.spec, kill=state.kill)
    return replace(memory, spec=None, kill=False)


def with_another_engine(memory: Memory) -> Memory:
    """Return ``memory`` for an engine of which no state was seen."""
    return replace(memory, present={})


def start(memory: Memory, spec: SessionSpec) -> StartSession:
    """Return the command that starts a session in which everybody sounds as they did the last time."""
    return StartSession(spec=spec, strips=dict(memory.strips))


def commands(memory: Memory) -> tuple[Command, ...]:
    """Return the commands that restore ``memory``, in order."""
    match = tuple(SetMatch(phase=phase) for phase in _STEPS[memory.match])
    if memory.spec is None:
        return match
    strips = {user: memory.present.get(user, strip) for user, strip in memory.strips.items()}
    again = StartSession(spec=memory.spec, strips=strips, kill=memory.kill, restore=True)
    return (again, *match)


def _strips(memory: Memory, present: Mapping[str, StripSpec]) -> Mapping[str, StripSpec]:
    """Take over the strips that were changed; the longest untouched ones go when there are too many.

    Only those are kept that differ from what everybody gets. Having what everybody gets when first seen is no change:
    so does everybody in a session that was started without what is remembered. Who is there counts as touched.
    """
    nothing = StripSpec()
    now = {
        user: memory.strips.get(user, nothing) if strip == memory.present.get(user, nothing) else strip
        for user, strip in present.items()
    }
    if all(user in memory.present and memory.strips.get(user, nothing) == strip for user, strip in now.items()):
        return memory.strips
    others = {user: strip for user, strip in memory.strips.items() if user not in now}
    kept = others | {user: strip for user, strip in now.items() if strip != nothing}
    return dict(list(kept.items())[-MOST_STRIPS:])
