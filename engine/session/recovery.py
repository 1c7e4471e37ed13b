"""What to do when a bot's voice connection is in trouble: the reconnect table, as a function. Pure.

========================================= =====================================================
cause                                     action
========================================= =====================================================
aborted (1006), going away (1001),        resume, then full
missed heartbeats, 4015
4006, 4009, 1000 unasked, any other code  full, after a short backoff
nothing comes over UDP any more           full: a resume would keep the dead socket
server update                             handshake with the new server
moved by an admin                         follow
thrown out while the gateway is alive     stay out: a human decided
4014, 4022, server gone, no reason known  wait 2 s for an update, then full
4004, but moved or a server update waits  follow or handshake: Discord has overtaken the token
4004, 4011, 4012, 4016, 4017, 4021        stop this bot
session of the main gateway lost          full: Discord dropped the voice state with the session
somebody asked for the return             full
back from a sound check                   full
========================================= =====================================================
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from common.errors import ErrorCode

FIRST_DELAY = 0.25
"""Seconds before the first retry; doubled each time."""

LONGEST_DELAY = 15.0
"""Seconds between retries at most: an outage of Discord's must not turn into hours of waiting after it."""

UPDATE_WAIT = 2.0
"""Seconds in which Discord normally says what a 4014 or 4022 meant."""


class Action(StrEnum):
    """What the supervisor can do; the value is recorded in the outage."""

    RESUME = "resume"
    FULL = "full"
    HANDSHAKE_NEW_SERVER = "handshake_new_server"
    FOLLOW = "follow"
    STAY_OUT = "stay_out"
    WAIT_THEN_FULL = "wait_then_full"
    STOP = "stop"


class Trouble(StrEnum):
    """Kinds of trouble; the value is recorded as the outage's cause (a close adds its code)."""

    ABORT = "abort"
    HEARTBEAT = "heartbeat"
    UDP = "udp"
    CLOSE = "close"
    SERVER_UPDATE = "server_update"
    SERVER_GONE = "server_gone"
    MOVED = "moved"
    REMOVED = "removed"
    GATEWAY_SESSION = "gateway_session"
    NO_ANSWER = "no_answer"
    REJOIN = "rejoin"
    SOUND_CHECK = "sound_check"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the connection is in trouble; ``code`` is the websocket's close code where there was one."""

    trouble: Trouble
    code: int | None = None

    def __str__(self) -> str:
        return self.trouble.value if self.code is None else f"{self.trouble.value}_{self.code}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the supervisor knows when it asks.

    ``removed``: Discord said, unasked, that the bot is in no channel. ``moved``: it said the bot is in another one.
    ``server_waiting``: a voice server update came that no handshake has used yet. ``gateway_alive``: the main
    gateway is connected. ``resume_tried``, ``waited``: it was done in this outage already.
    """

    gateway_alive: bool = True
    removed: bool = False
    moved: bool = False
    server_waiting: bool = False
    resume_tried: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next; ``code`` says why a bot stops or stays out."""

    action: Action
    code: ErrorCode | None = None


_BAD_TOKEN = 4004
_STOPS: dict[int, ErrorCode] = {
    _BAD_TOKEN: ErrorCode.VOICE_REFUSED,
    4011: ErrorCode.VOICE_REFUSED,
    4012: ErrorCode.VOICE_REFUSED,
    4016: ErrorCode.VOICE_REFUSED,
    4017: ErrorCode.ENCRYPTION_REQUIRED,
    4021: ErrorCode.RATE_LIMITED,
}
_RESUMABLE_CODES = frozenset({1001, 1006, 4015})
_UNEXPLAINED_CODES = frozenset({4014, 4022})


def decide(cause: Cause, facts: Facts) -> Decision:
    """Choose the next action. What Discord said about the bot's place outranks how the socket ended."""
    overtaken = cause.code == _BAD_TOKEN and (facts.moved or facts.server_waiting)
    if cause.code in _STOPS and not overtaken:
        return Decision(Action.STOP, _STOPS[cause.code])
    if facts.removed and facts.gateway_alive:
        return Decision(Action.STAY_OUT, ErrorCode.KICKED)
    rules = (
        (facts.moved, Action.FOLLOW),
        (facts.server_waiting, Action.HANDSHAKE_NEW_SERVER),
        (_resumable(cause) and not facts.resume_tried, Action.RESUME),
        (_unexplained(cause) and not facts.waited, Action.WAIT_THEN_FULL),
    )
    return Decision(next((action for applies, action in rules if applies), Action.FULL))


def delay(attempt: int, random: Random) -> float:
    """Seconds to wait before retry number ``attempt`` (0 is the first): doubled each time, ± 20 %, capped."""
    steady = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt, 16))
    return steady * random.uniform(0.8, 1.2)


def _resumable(cause: Cause) -> bool:
    if cause.trouble is Trouble.CLOSE:
        return cause.code in _RESUMABLE_CODES
    return cause.trouble in {Trouble.ABORT, Trouble.HEARTBEAT}


def _unexplained(cause: Cause) -> bool:
    if cause.trouble is Trouble.CLOSE:
        return cause.code in _UNEXPLAINED_CODES
    return cause.trouble is Trouble.SERVER_GONE
