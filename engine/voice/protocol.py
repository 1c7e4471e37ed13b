"""Discord's voice gateway, version 8, from the client's side: a state machine without I/O.

Order of a session (server →, client ←): → hello 8 (or later), ← identify 0, → ready 2, (UDP discovery),
← select protocol 1, → session description 4, then speaking 5, clients connect 11, disconnect 13 and DAVE 21 to 31
in any order.
A lost websocket may be taken up: ← resume 7, → resumed 9; key, SSRC and group stay valid.

Everything that changes this state is in this file and in :mod:`engine.voice.dave`. A message is fed in and what
follows from it comes out: messages to send, and events. A message that makes no sense is counted, never raised.
Source: Discord's developer documentation, "Voice Connections", and discord.py for the opcodes it leaves out.
"""

import logging
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from common.types import ChannelId, GuildId, Ssrc, UserId
from engine.metrics import Counters
from engine.voice import aead
from engine.voice.dave import VERSION, Binary, DaveGroup, Json, Op, Outgoing

IDENTIFY, SELECT_PROTOCOL, READY, HEARTBEAT, SESSION_DESCRIPTION, SPEAKING = 0, 1, 2, 3, 4, 5
HEARTBEAT_ACK, RESUME, HELLO, RESUMED, CLIENTS_CONNECT, CLIENT_DISCONNECT = 6, 7, 8, 9, 11, 13

MICROPHONE = 1
"""The speaking flag for ordinary speech."""

_POLITELY_IGNORED = frozenset({12, 14, 15, 16, 17, 18, 19, 20})
_KNOWN_FIELDS = {
    HELLO: {"v", "heartbeat_interval"},
    READY: {"ssrc", "ip", "port", "modes", "experiments", "streams", "heartbeat_interval"},
    SESSION_DESCRIPTION: {
        *("mode", "secret_key", "dave_protocol_version"),
        *("audio_codec", "video_codec", "media_session_id", "keyframe_interval"),
    },
    SPEAKING: {"speaking", "ssrc", "user_id", "delay"},
    CLIENTS_CONNECT: {"user_ids"},
    CLIENT_DISCONNECT: {"user_id"},
    Op.PREPARE_TRANSITION: {"transition_id", "protocol_version"},
    Op.EXECUTE_TRANSITION: {"transition_id"},
    Op.PREPARE_EPOCH: {"epoch", "protocol_version"},
}
_LONGEST_NAME = 40
_UNKNOWN_KEPT = 256
_BINARY_FRONT = struct.Struct(">HB")
_TRANSITION = struct.Struct(">H")
_NOT_YET = -1
_USUAL_INTERVAL = 5.0
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 0.1, 120.0
_PORTS = range(1, 2**16)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceServer:
    """Where to connect and as whom: from VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE."""

    guild: GuildId
    channel: ChannelId
    user: UserId
    session: str
    token: str = field(repr=False)
    endpoint: str


@dataclass(frozen=True, slots=True)
class Hello:
    """Heartbeats are wanted every ``interval`` seconds."""

    interval: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The UDP server, our SSRC, and the mode we chose (``None``: none offered that we know)."""

    ssrc: Ssrc
    ip: str
    port: int
    mode: str | None


@dataclass(frozen=True, slots=True)
class Described:
    """The key for the transport, and the DAVE version to begin with."""

    mode: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The session goes on."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """Whose audio an SSRC is."""

    ssrc: Ssrc
    user: UserId


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody disconnected."""

    user: UserId


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A heartbeat was answered."""


Event = Hello | Ready | Described | Resumed | Spoke | Left | Acknowledged


@dataclass(frozen=True, slots=True)
class Result:
    """What follows from one message."""

    send: list[Outgoing] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class VoiceProtocol:
    """One voice session, over as many websockets as it takes."""

    def __init__(self, server: VoiceServer, dave: DaveGroup, counters: Counters) -> None:
        self.server = server
        self.dave = dave
        self.sequence_ack = _NOT_YET
        self._counters = counters
        self._unknown: set[tuple[int, str]] = set()
        self._handlers: dict[int, Callable[[dict[str, Any]], Result]] = {
            HELLO: self._hello,
            READY: self._ready,
            SESSION_DESCRIPTION: self._described,
            SPEAKING: self._speaking,
            HEARTBEAT_ACK: lambda _: Result(events=[Acknowledged()]),
            RESUMED: lambda _: Result(send=dave.offer_again(), events=[Resumed()]),
            CLIENTS_CONNECT: lambda _: Result(),
            CLIENT_DISCONNECT: lambda data: Result(events=[Left(UserId(int(data["user_id"])))]),
            Op.PREPARE_TRANSITION: self._prepare_transition,
            Op.EXECUTE_TRANSITION: self._execute_transition,
            Op.PREPARE_EPOCH: self._prepare_epoch,
        }
        self._binary_handlers: dict[int, Callable[[bytes], list[Outgoing]]] = {
            Op.EXTERNAL_SENDER: dave.external_sender,
            Op.PROPOSALS: dave.proposals,
            Op.ANNOUNCE_COMMIT: lambda payload: dave.commit(*_split(payload)),
            Op.WELCOME: lambda payload: dave.welcome(*_split(payload)),
        }

    # what we say first

    def identify(self) -> Json:
        """Return the message that begins a session."""
        server = self.server
        return Json(
            IDENTIFY,
            {
                "server_id": str(server.guild),
                "user_id": str(server.user),
                "session_id": server.session,
                "token": server.token,
                "max_dave_protocol_version": VERSION,
            },
        )

    def resume(self) -> Json:
        """Return the message that takes the session up on a new websocket."""
        server = self.server
        data: dict[str, object] = {
            "server_id": str(server.guild),
            "session_id": server.session,
            "token": server.token,
            "seq_ack": self.sequence_ack,
        }
        return Json(RESUME, data)

    def heartbeat(self, now_ms: int) -> Json:
        """Return a heartbeat."""
        return Json(HEARTBEAT, {"t": now_ms, "seq_ack": self.sequence_ack})

    @staticmethod
    def select(ip: str, port: int, mode: str) -> Json:
        """Return the choice of transport; ``ip`` and ``port`` are ours as the server sees them."""
        return Json(SELECT_PROTOCOL, {"protocol": "udp", "data": {"address": ip, "port": port, "mode": mode}})

    @staticmethod
    def speaking(ssrc: Ssrc, *, active: bool) -> Json:
        """Return the announcement that our audio begins or ended."""
        return Json(SPEAKING, {"speaking": MICROPHONE if active else 0, "delay": 0, "ssrc": ssrc})

    # what the server says

    def receive(self, message: object) -> Result:
        """Take in one parsed JSON message."""
        if not isinstance(message, dict):
            return self._refuse("gateway_malformed")
        sequence = message.get("seq")
        if isinstance(sequence, int):
            self.sequence_ack = sequence
        op, data = message.get("op"), message.get("d")
        if not isinstance(op, int) or op not in self._handlers:
            return self._unhandled(op)
        fields = data if isinstance(data, dict) else {}
        self._note_unknown(op, fields)
        try:
            return self._handlers[op](fields)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return self._refuse("gateway_malformed")

    def receive_binary(self, message: bytes) -> Result:
        """Take in one binary message: ``uint16 seq ‖ uint8 op ‖ payload``."""
        if len(message) < _BINARY_FRONT.size:
            return self._refuse("gateway_malformed")
        self.sequence_ack, op = _BINARY_FRONT.unpack_from(message)
        handler = self._binary_handlers.get(op)
        if handler is None:
            return self._unhandled(op)
        refused = self.dave.refused
        try:
            answers = handler(message[_BINARY_FRONT.size :])
        except (struct.error, ValueError):
            return self._refuse("gateway_malformed")
        if self.dave.refused != refused:
            self._counters.add("dave_message_refused")
        return Result(send=answers)

    def _hello(self, data: dict[str, Any]) -> Result:
        return Result(events=[Hello(_interval(data.get("heartbeat_interval")))])

    def _ready(self, data: dict[str, Any]) -> Result:
        offered = data.get("modes") or aead.MODES
        mode = next((mode for mode in aead.MODES if mode in offered), None)
        port = int(data["port"])
        if port not in _PORTS:
            return self._refuse("gateway_malformed")
        return Result(events=[Ready(_ssrc(data["ssrc"]), str(data["ip"]), port, mode)])

    def _described(self, data: dict[str, Any]) -> Result:
        key, mode = data["secret_key"], str(data["mode"])
        # bytes() of a number would be that many zeros.
        if not isinstance(key, list) or len(key) != aead.KEY_BYTES or mode not in aead.MODES:
            return self._refuse("gateway_malformed")
        described = Described(mode, bytes(key))
        return Result(send=self.dave.start(_version(data, "dave_protocol_version", 0)), events=[described])

    def _speaking(self, data: dict[str, Any]) -> Result:
        if data.get("user_id") is None:
            return Result()
        return Result(events=[Spoke(_ssrc(data["ssrc"]), UserId(int(data["user_id"])))])

    def _prepare_transition(self, data: dict[str, Any]) -> Result:
        version = _version(data, "protocol_version", 0)
        return Result(send=self.dave.prepare_transition(_transition(data), version))

    def _execute_transition(self, data: dict[str, Any]) -> Result:
        self.dave.execute_transition(_transition(data))
        return Result()

    def _prepare_epoch(self, data: dict[str, Any]) -> Result:
        return Result(send=self.dave.prepare_epoch(int(data["epoch"]), _version(data, "protocol_version", VERSION)))

    def _refuse(self, reason: str) -> Result:
        self._counters.add(reason)
        return Result()

    def _unhandled(self, op: object) -> Result:
        if not isinstance(op, int):
            return self._refuse("gateway_malformed")
        if op not in _POLITELY_IGNORED and self._is_new(op, ""):
            log.info("unknown voice gateway op %d", op)
        return self._refuse("gateway_ignored")

    def _note_unknown(self, op: int, fields: dict[str, Any]) -> None:
        """Log, once, a field we have never heard of: Discord changing its gateway shows here first."""
        for name in fields.keys() - _KNOWN_FIELDS.get(op, fields.keys()):
            if self._is_new(op, name[:_LONGEST_NAME]):
                log.info("unknown field %r in voice gateway op %d", name[:_LONGEST_NAME], op)

    def _is_new(self, op: int, name: str) -> bool:
        """Tell whether this was not met before; beyond a bound nothing is news."""
        if (op, name) in self._unknown or len(self._unknown) >= _UNKNOWN_KEPT:
            return False
        self._unknown.add((op, name))
        return True


def on_the_wire(message: Outgoing) -> dict[str, object] | bytes:
    """Return the message as it goes on the wire: an object for JSON, or bytes."""
    if isinstance(message, Binary):
        return bytes([message.op]) + message.payload
    return {"op": int(message.op), "d": message.data}


def _interval(milliseconds: object) -> float:
    """Return seconds between heartbeats; a server that names no usable time gets them as often as most want them."""
    try:
        seconds = float(str(milliseconds)) / 1000
    except ValueError:
        return _USUAL_INTERVAL
    if not math.isfinite(seconds) or seconds <= 0:
        return _USUAL_INTERVAL
    return min(max(seconds, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)


def _transition(data: dict[str, Any]) -> int:
    """Return the number of a transition, 16 bits as in the binary messages; ValueError for any other."""
    number = int(data["transition_id"])
    if not 0 <= number < 1 << 16:
        raise ValueError(number)
    return number


def _version(data: dict[str, Any], name: str, otherwise: int) -> int:
    """Return a DAVE version we speak; ValueError for one that we never offered."""
    version = int(data.get(name) or otherwise)
    if not 0 <= version <= VERSION:
        raise ValueError(version)
    return version


def _ssrc(value: object) -> Ssrc:
    number = int(str(value))
    if not 0 <= number < 2**32:
        raise ValueError(number)
    return Ssrc(number)


def _split(payload: bytes) -> tuple[int, bytes]:
    return _TRANSITION.unpack_from(payload)[0], payload[_TRANSITION.size :]
