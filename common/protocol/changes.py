"""The difference between two states, and a state plus a difference. Pure."""

from msgspec import UNSET, structs

from common.protocol.messages import Changed
from common.protocol.state import SessionState

_FIELDS = tuple(field.name for field in structs.fields(SessionState))


def difference(before: SessionState, after: SessionState, revision: int) -> Changed | None:
    """Return what turns ``before`` into ``after``; ``None`` when nothing does."""
    changed = {name: getattr(after, name) for name in _FIELDS if getattr(before, name) != getattr(after, name)}
    return Changed(revision=revision, **changed) if changed else None


def applied(state: SessionState, changed: Changed) -> SessionState:
    """Return ``state`` with ``changed`` in force."""
    values = {name: getattr(changed, name) for name in _FIELDS}
    return structs.replace(state, **{name: value for name, value in values.items() if value is not UNSET})
