"""One socket of the main gateway: frames, compression, heartbeats and the order of messages.

Order: HELLO(10) → IDENTIFY(2) or RESUME(6) → dispatches(0), with HEARTBEAT(1) → HEARTBEAT_ACK(11) at any time.
What the messages mean is decided by a ``Hub`` (``gateway.Gateway``).
"""

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from simulator.clock import Clock
from simulator.gateway_session import Message, Prepared, Session
from simulator.tasks import Tasks

_OUTBOX_LIMIT = 4096
_MAX_FRAME = 4096
_MESSAGES_PER_MINUTE = 120
_HEARTBEAT_GRACE = 1.5


class Op(IntEnum):
    """Gateway opcodes (v10)."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    """Gateway close codes (v10)."""

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


UNRESUMABLE = (1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014)
"""Codes after which Discord wants a new session."""


class GatewayClosed(Exception):  # noqa: N818 - it is an event of the protocol, not an error of the program
    """The server ends this connection with a close code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class _Close:
    code: int


class Hub(Protocol):
    """What a connection needs of the gateway behind it; each may raise ``GatewayClosed``."""

    def identify(self, connection: "Connection", data: dict[str, Any]) -> None:
        """Begin a session on this connection."""

    def resume(self, connection: "Connection", data: dict[str, Any]) -> None:
        """Go on with a session on this connection."""

    def request(self, session: Session, op: int, data: dict[str, Any]) -> None:
        """Carry out any other message of a session."""


class Connection:
    """A socket; ``session`` is None until it has identified or resumed. Sending never waits; a full outbox aborts."""

    def __init__(self, request: web.Request, hub: Hub, clock: Clock, heartbeat_s: float) -> None:
        self._request = request
        self._hub = hub
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self.version = request.query.get("v", "10")
        """The API version asked for."""
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        self._deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._outbox: asyncio.Queue[Message | _Close] = asyncio.Queue(_OUTBOX_LIMIT)
        self._recent: deque[float] = deque(maxlen=_MESSAGES_PER_MINUTE)
        self._closing = False
        self.session: Session | None = None
        self.close_code_received: int | None = None
        """The code the client closed with; None if it vanished or the server closed first."""
        self.frozen = False
        """Nothing is sent any more, as on a line that died without a word."""

    async def run(self) -> web.WebSocketResponse:
        """Serve the socket until it ends."""
        await self._socket.prepare(self._request)
        tasks = Tasks()
        writer = tasks.start(self._write(), name="gateway-writer")
        try:
            self.send(Op.HELLO, {"heartbeat_interval": round(self._heartbeat_s * 1000), "_trace": []})
            await self._read()
        except GatewayClosed as closed:
            self.close(closed.code)
            await asyncio.wait([writer], timeout=2.0)
        finally:
            await tasks.close()
        return self._socket

    def send(self, op: int, data: object = None) -> None:
        """Send a message that isn't a dispatch."""
        self.send_encoded((json.dumps({"op": int(op), "d": data, "s": None, "t": None}),))

    def send_encoded(self, message: Message) -> None:
        """Send a message that is already encoded."""
        self._put(message)

    def close(self, code: int) -> None:
        """Close with a code, after what has been sent; most codes end the session too."""
        if self.session is not None and code in UNRESUMABLE:
            self.session.resumable = False
        self._closing = True
        self._put(_Close(code))

    def abort(self) -> None:
        """Cut the TCP connection without a closing frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def _put(self, item: Message | _Close) -> None:
        try:
            self._outbox.put_nowait(item)
        except asyncio.QueueFull:
            self.abort()

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if isinstance(item, _Close):
                await self._socket.close(code=item.code)
                return
            if self.frozen:
                continue
            try:
                await self._send_frame(item)
            except ConnectionError:
                return

    async def _send_frame(self, message: Message) -> None:
        if self._deflate is None:
            await self._socket.send_str("".join(map(str, message)))
        else:
            await self._socket.send_bytes(b"".join([_deflated(self._deflate, part) for part in message]))

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        patience = self._heartbeat_s * _HEARTBEAT_GRACE
        try:
            async with asyncio.timeout(patience) as limit:
                async for frame in self._socket:
                    if frame.type is not WSMsgType.TEXT:
                        raise GatewayClosed(CloseCode.DECODE_ERROR)
                    if self._on_message(frame.data) is Op.HEARTBEAT:
                        limit.reschedule(loop.time() + patience)
        except TimeoutError:
            raise GatewayClosed(CloseCode.SESSION_TIMED_OUT) from None
        if not self._closing:
            self.close_code_received = self._socket.close_code

    def _on_message(self, text: str) -> int:
        self._count_message()
        op, data = _decode(text)
        if op == Op.HEARTBEAT:
            self.send(Op.HEARTBEAT_ACK)
            return Op.HEARTBEAT
        if not isinstance(data, dict):
            raise GatewayClosed(CloseCode.DECODE_ERROR)
        try:
            self._on_request(op, data)
        except (KeyError, TypeError, ValueError):
            raise GatewayClosed(CloseCode.DECODE_ERROR) from None
        return op

    def _on_request(self, op: int, data: dict[str, Any]) -> None:
        if op in (Op.IDENTIFY, Op.RESUME) and self.session is not None:
            raise GatewayClosed(CloseCode.ALREADY_AUTHENTICATED)
        if op == Op.IDENTIFY:
            self._hub.identify(self, data)
        elif op == Op.RESUME:
            self._hub.resume(self, data)
        elif op not in (Op.PRESENCE, Op.VOICE_STATE, Op.REQUEST_MEMBERS):
            raise GatewayClosed(CloseCode.UNKNOWN_OPCODE)
        elif self.session is None:
            raise GatewayClosed(CloseCode.NOT_AUTHENTICATED)
        else:
            self._hub.request(self.session, op, data)

    def _count_message(self) -> None:
        now = self._clock.now()
        if len(self._recent) == _MESSAGES_PER_MINUTE and now - self._recent[0] < 60.0:  # noqa: PLR2004 - a minute
            raise GatewayClosed(CloseCode.RATE_LIMITED)
        self._recent.append(now)


def _deflated(stream: "zlib._Compress", part: str | Prepared) -> bytes:
    """Deflate without looking back at what was sent before, since the stream has not seen prepared parts."""
    if isinstance(part, Prepared):
        return part.deflated
    return stream.compress(part.encode()) + stream.flush(zlib.Z_FULL_FLUSH)


def _decode(text: str) -> tuple[int, object]:
    if len(text) > _MAX_FRAME:
        raise GatewayClosed(CloseCode.DECODE_ERROR)
    try:
        message = json.loads(text)
        return int(message["op"]), message.get("d")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise GatewayClosed(CloseCode.DECODE_ERROR) from None
