"""What the engine tells about itself: one state that every view draws.

Snowflakes travel as decimal strings, since JavaScript's numbers can't hold 64 bits. Times are milliseconds since the
Unix epoch, gains linear (0.0 to 2.0). What moves all the time (levels, hop counters) is in the meters instead, so that
a change of state is always news.
"""

from enum import StrEnum

from msgspec import Struct

from common.errors import ErrorCode
from common.protocol.spec import SessionSpec, StripSpec


class Phase(StrEnum):
    """Where the session is; ``degraded`` runs with at least one bot that does not do its work."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    STOPPING = "stopping"


class MatchPhase(StrEnum):
    """Where the match is; ``live`` locks updates and the one-way rule."""

    IDLE = "idle"
    READY = "ready"
    LIVE = "live"
    BREAK = "break"


class Role(StrEnum):
    """What a bot is for."""

    SOURCE = "source"
    DESTINATION = "destination"


class LinkState(StrEnum):
    """A bot's voice connection; ``kicked`` and ``stopped`` wait for a person."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECOVERING = "recovering"
    KICKED = "kicked"
    STOPPED = "stopped"


class BotState(Struct, frozen=True, forbid_unknown_fields=True):
    """One bot; ``encryption`` is the DAVE version in use (0 = none), ``cause`` why it does not do its work."""

    bot: str
    user: str
    name: str
    role: Role
    channel: str
    link: LinkState
    encryption: int = 0
    cause: ErrorCode | None = None


class TalkerState(Struct, frozen=True, forbid_unknown_fields=True):
    """One person who is in a source channel now; ``name`` is the server nickname, ``bot`` marks another's bot.

    ``solo`` ends when the person leaves.
    """

    user: str
    name: str
    source: str
    strip: StripSpec
    solo: bool = False
    bot: bool = False


class SourceState(Struct, frozen=True, forbid_unknown_fields=True):
    """What the spec does not say of a source."""

    source: str
    solo: bool


class DestinationState(Struct, frozen=True, forbid_unknown_fields=True):
    """What the spec does not say of a destination.

    A delay line starts empty: a destination is silent up to ``silent_until_ms`` (``None`` = without a delay) after its
    delay was set. The meter's ``held_ms`` shows how it fills.
    """

    destination: str
    silent_until_ms: int | None


class OutageState(Struct, frozen=True, forbid_unknown_fields=True):
    """One loss of a voice connection: cause, what was done, and how it ended (``None`` = it goes on)."""

    bot: str
    cause: str
    started_ms: int
    duration_ms: int | None
    actions: tuple[str, ...]
    recovered: bool | None


class SessionState(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole truth about the session; ``outages`` are the last hundred.

    ``spec`` has every fader as it stands now: started again, it gives the same session. ``kill`` says that every
    destination is silent because somebody wanted it.
    """

    phase: Phase = Phase.IDLE
    match: MatchPhase = MatchPhase.IDLE
    kill: bool = False
    spec: SessionSpec | None = None
    bots: tuple[BotState, ...] = ()
    talkers: tuple[TalkerState, ...] = ()
    sources: tuple[SourceState, ...] = ()
    destinations: tuple[DestinationState, ...] = ()
    outages: tuple[OutageState, ...] = ()
