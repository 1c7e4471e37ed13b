"""Everything that control clients and the engine say to each other; docs/protocol.md is made from it.

Hello comes first and is answered by Welcome or Refused. Then one Request carries one command and gets one Reply or
Failure with its id. Events come unasked: a Snapshot first, then a Changed for every change of state, and Meters to
those who subscribed to them.
"""

import re
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from common.errors import ErrorCode
from common.protocol.meters import DestinationMeter, EngineMeter, SourceMeter, TalkerMeter
from common.protocol.spec import (
    BotName,
    DelayValue,
    DuckingValue,
    EqualizerSpec,
    GainValue,
    LoudnessValue,
    PanValue,
    SessionSpec,
    Snowflake,
    Strips,
)
from common.protocol.state import (
    BotState,
    DestinationState,
    MatchPhase,
    OutageState,
    Phase,
    SessionState,
    SourceState,
    TalkerState,
)
from common.secret import Secret
from common.types import Suppression

PROTOCOL_VERSION = 1
"""Raised with every change that an older peer would misunderstand; both sides must have the same."""

RequestId = Annotated[int, Meta(ge=0, le=2**53 - 1, description="chosen by the client, repeated in the answer")]
Revision = Annotated[int, Meta(ge=0, description="counts the changes of state since the engine started")]


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Message(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=_tag):
    """A struct whose ``type`` on the wire is its name in snake case."""


# the handshake


class Hello(Message, frozen=True):
    """The client's first message; ``client`` is a name for the log."""

    protocol: int
    token: Secret
    client: Annotated[str, Meta(max_length=100)] = ""


class Welcome(Message, frozen=True):
    """The engine's answer to a good Hello; ``engine`` is its version."""

    protocol: int
    engine: str
    pid: int


class Refused(Message, frozen=True):
    """The engine's answer to anything else, before it hangs up; ``details`` as in Fault."""

    code: ErrorCode
    details: dict[str, str] = {}


# commands


class StartSession(Message, frozen=True):
    """Start a session. ``strips`` are what is remembered of talkers, whether they are there yet or not.

    With ``kill`` nothing is heard until somebody ends that. ``restore`` is for bringing back the session of a lost
    engine: it is refused with not_running once anybody has started or stopped a session in this engine.
    """

    spec: SessionSpec
    strips: Strips = {}
    kill: bool = False
    restore: bool = False


class StopSession(Message, frozen=True):
    """End the session: it falls silent, then the bots leave.

    Also without a session it ends the restoring of a lost engine's.
    """


class SetTalkerGain(Message, frozen=True):
    """Set a present talker's gain, for now and for the next time."""

    user: Snowflake
    gain: GainValue


class MuteTalker(Message, frozen=True):
    """Mute or unmute a present talker."""

    user: Snowflake
    muted: bool


class SetTalkerSuppression(Message, frozen=True):
    """Take noise out of a present talker's voice, for now and for the next time."""

    user: Snowflake
    suppression: Suppression


class SetTalkerLevelling(Message, frozen=True):
    """Bring a present talker to the session's loudness or not, for now and for the next time."""

    user: Snowflake
    levelling: bool


class SetTalkerHighPass(Message, frozen=True):
    """Take rumble out of a present talker's voice or not, for now and for the next time."""

    user: Snowflake
    high_pass: bool


class SetTalkerPriority(Message, frozen=True):
    """Have destinations that duck lower the others while this present talker speaks, for now and for the next time."""

    user: Snowflake
    priority: bool


class SoloTalker(Message, frozen=True):
    """Hear a present talker alone in the monitor destinations, until they leave; no_monitor if there are none."""

    user: Snowflake
    solo: bool


class DumpTalker(Message, frozen=True):
    """Drop what the delay lines hold of a talker; who left is known as long as something may be held."""

    user: Snowflake


class SetSourceGain(Message, frozen=True):
    """Set a source's gain."""

    source: Snowflake
    gain: GainValue


class MuteSource(Message, frozen=True):
    """Mute or unmute a source."""

    source: Snowflake
    muted: bool


class SetSourceEqualizer(Message, frozen=True):
    """Set a source's equalizer."""

    source: Snowflake
    equalizer: EqualizerSpec


class SetSourcePan(Message, frozen=True):
    """Place a source between left and right."""

    source: Snowflake
    pan: PanValue


class SoloSource(Message, frozen=True):
    """Hear a source alone in the monitor destinations; no_monitor if there are none."""

    source: Snowflake
    solo: bool


class DumpSource(Message, frozen=True):
    """Drop what the delay lines hold of a source's talkers."""

    source: Snowflake


class SetRouteGain(Message, frozen=True):
    """Set the gain of one route; 0.0 closes it."""

    source: Snowflake
    destination: Snowflake
    gain: GainValue


class SetDestinationDelay(Message, frozen=True):
    """Set how long ago what a destination hears was said. Its line starts empty, so it is silent for that time."""

    destination: Snowflake
    delay_s: DelayValue


class SetDestinationDucking(Message, frozen=True):
    """Set by how much the others are lowered in a destination while a priority talker speaks; 0 is not at all."""

    destination: Snowflake
    duck_db: DuckingValue


class SetDestinationMonitor(Message, frozen=True):
    """Let a destination hear what is soloed, or no longer. All solos end with the last monitor."""

    destination: Snowflake
    monitor: bool


class SetLoudness(Message, frozen=True):
    """Set what levelling brings every talker to."""

    loudness: LoudnessValue


class Kill(Message, frozen=True):
    """Silence every destination at once, or end that; also while a session starts or stops."""

    active: bool


class RejoinBot(Message, frozen=True):
    """Send a bot back to its channel after somebody kicked it."""

    bot: BotName


class SetToken(Message, frozen=True):
    """Give a bot its token, new or instead of the one it had.

    A bot of the running session that lost its token logs in again with this one; the others are not touched.
    """

    bot: BotName
    token: Secret


class SoundCheck(Message, frozen=True):
    """Play a chirp into a destination and have another bot hear it there; answered by SoundCheckResult in some seconds.

    ``listener`` is a bot that is there for the moment: one that has a token and no place in the running session, or a
    source's, which comes back afterwards. Refused while the match is live.
    """

    destination: Snowflake
    listener: BotName


class SetMatch(Message, frozen=True):
    """Take the match one step on."""

    phase: MatchPhase


class GetSnapshot(Message, frozen=True):
    """Ask for the whole state; the reply's payload is a Snapshot."""


class SubscribeMeters(Message, frozen=True):
    """Ask for Meters 25 times a second, or no more."""

    active: bool


class Ping(Message, frozen=True):
    """Ask whether the engine's loop is alive; the reply's payload is a Pong."""


class Shutdown(Message, frozen=True):
    """Ask the engine to end: the session is stopped, then the process."""


Command = (
    StartSession
    | StopSession
    | SetTalkerGain
    | MuteTalker
    | SetTalkerSuppression
    | SetTalkerLevelling
    | SetTalkerHighPass
    | SetTalkerPriority
    | SoloTalker
    | DumpTalker
    | SetSourceGain
    | MuteSource
    | SetSourceEqualizer
    | SetSourcePan
    | SoloSource
    | DumpSource
    | SetRouteGain
    | SetDestinationDelay
    | SetDestinationDucking
    | SetDestinationMonitor
    | SetLoudness
    | Kill
    | RejoinBot
    | SetToken
    | SoundCheck
    | SetMatch
    | GetSnapshot
    | SubscribeMeters
    | Ping
    | Shutdown
)
"""Every command there is."""


# events


class Snapshot(Message, frozen=True):
    """The whole state as of ``revision``."""

    revision: Revision
    state: SessionState


class Changed(Message, frozen=True, omit_defaults=True):
    """The fields of the state that changed since ``revision - 1``; fields left out are as before."""

    revision: Revision
    phase: Phase | UnsetType = UNSET
    match: MatchPhase | UnsetType = UNSET
    kill: bool | UnsetType = UNSET
    spec: SessionSpec | UnsetType | None = UNSET
    bots: tuple[BotState, ...] | UnsetType = UNSET
    talkers: tuple[TalkerState, ...] | UnsetType = UNSET
    sources: tuple[SourceState, ...] | UnsetType = UNSET
    destinations: tuple[DestinationState, ...] | UnsetType = UNSET
    outages: tuple[OutageState, ...] | UnsetType = UNSET


class Meters(Message, frozen=True):
    """Levels and counters at one moment; ``at_ms`` is Unix time."""

    at_ms: int
    talkers: tuple[TalkerMeter, ...]
    sources: tuple[SourceMeter, ...]
    destinations: tuple[DestinationMeter, ...]
    engine: EngineMeter


Event = Snapshot | Changed | Meters
"""What comes unasked."""


# envelopes


class Request(Message, frozen=True):
    """One command."""

    id: RequestId
    command: Command


class Pong(Message, frozen=True):
    """The engine's loop is alive."""

    uptime_ms: int


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is wrong: its code, and what the code's sentence needs."""

    code: ErrorCode
    details: dict[str, str] = {}


class Hop(StrEnum):
    """What sound passes on its way from a player to a caster."""

    RECEIVED = "received"
    DECRYPTED = "decrypted"
    DECODED = "decoded"
    MIXED = "mixed"
    SENT = "sent"
    HEARD = "heard"


class HopCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the chirp passed a hop, and if not, why."""

    hop: Hop
    passed: bool
    fault: Fault | None = None


class SoundCheckResult(Message, frozen=True):
    """What the listener heard of the chirp; ``encryption`` is the DAVE version (0 = none).

    ``hops`` are all six, in the chirp's order: mixed, sent, received, decrypted, decoded, heard. Latency is the median
    from the chirp's entry into the mix to its arrival at the listener, what the codec holds included; loss is that of
    its packets. ``level_db`` is the chirp's peak in dBFS: −20 as it was played, −120 if it was not heard.
    """

    destination: Snowflake
    hops: tuple[HopCheck, ...]
    latency_ms: float
    loss_percent: float
    level_db: float
    encryption: int


Payload = Snapshot | Pong | SoundCheckResult
"""What commands are answered with, those that are answered with anything."""


class Reply(Message, frozen=True):
    """The command was carried out."""

    id: RequestId
    payload: Payload | None = None


class Failure(Message, frozen=True):
    """The command was not carried out; every reason that was found, at least one."""

    id: RequestId
    faults: Annotated[tuple[Fault, ...], Meta(min_length=1)]


ClientMessage = Hello | Request
"""What a client may send."""

EngineMessage = Welcome | Refused | Reply | Failure | Snapshot | Changed | Meters
"""What the engine may send."""
