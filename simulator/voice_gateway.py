"""One voice server: voice gateway v8 over TLS, and the UDP socket its clients' audio goes through.

In-process people enter the same rooms by :meth:`VoiceServer.attach` and get the same messages.
"""

import asyncio
import json
import logging
import random
import secrets
import socket
import ssl
import struct
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from common.types import ChannelId, GuildId, UserId
from simulator.dave import Op
from simulator.network import PERFECT, Link, Network
from simulator.rooms import Clock, Participant, Room, RoomSettings, make_ssrc
from simulator.tasks import Tasks
from simulator.transport import MODES, Audio, Dress, TransportKey
from simulator.udp import UdpPort
from simulator.world import World

HOST = "127.0.0.1"
HEARTBEAT_MS = 5_000

NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY, INVALID_SESSION, SESSION_TIMEOUT = 4003, 4004, 4005, 4006, 4009
UNKNOWN_OPCODE, DECODE_ERROR, UNKNOWN_PROTOCOL, UNKNOWN_MODE, DAVE_REQUIRED = 4001, 4002, 4012, 4016, 4017

RESUMABLE = frozenset({None, 1001, 4015})
"""Ends after which a session may be taken up; ``None`` is a TCP abort."""

_REPLAY_MESSAGES = 500
_RTCP_EVERY = 250
_OUTBOX = 10_000
_MISSED_HEARTBEATS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may identify, as the control plane announced it."""

    guild: GuildId
    channel: ChannelId
    session: str
    token: str


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How one voice server behaves. Shares are of the packets it forwards."""

    modes: tuple[str, ...] = MODES
    heartbeat_ms: int = HEARTBEAT_MS
    extension_share: float = 1.0
    padded_share: float = 0.05


class Session(Participant):
    """A socket client's voice session, over as many websockets as it takes."""

    def __init__(self, server: "VoiceServer", user: UserId, admission: Admission, *, down: Link, up: Link) -> None:
        super().__init__(user, make_ssrc(server.chance), down)
        self.up = up
        """The link from the client."""
        self.admission = admission
        self.key: TransportKey | None = None
        self.room: Room | None = None
        self.address: tuple[str, int] | None = None
        self.socket: web.WebSocketResponse | None = None
        self._server = server
        self._sequence = 0
        self._sent: deque[tuple[int, str | bytes]] = deque(maxlen=_REPLAY_MESSAGES)
        self._forwarded = 0

    @property
    def links(self) -> tuple[Link, ...]:
        """Both directions."""
        return (self.down, self.up)

    @property
    def wants_audio(self) -> bool:
        """Whether its address and key are known."""
        return self.address is not None and self.key is not None

    def json(self, op: int, data: dict[str, object]) -> None:
        """Send a JSON message."""
        self._sequence = self._sequence % 0xFFFF + 1
        self._put(json.dumps({"op": int(op), "d": data, "seq": self._sequence}))

    def binary(self, op: int, payload: bytes) -> None:
        """Send a binary message."""
        self._sequence = self._sequence % 0xFFFF + 1
        self._put(struct.pack(">HB", self._sequence, op) + payload)

    def audio(self, audio: Audio) -> None:
        """Send a packet of somebody else's."""
        if self.key is None or self.address is None:
            return
        settings, chance = self._server.settings, self._server.chance
        words = 1 + self._forwarded % 3 if chance.random() < settings.extension_share else 0
        padding = chance.randrange(1, 16) if chance.random() < settings.padded_share or not audio.payload else 0
        self._server.udp.send(self.key.seal(audio, Dress(words, padding)), self.address)
        self._forwarded += 1
        if self._forwarded % _RTCP_EVERY == 0:
            self._server.udp.send(self.key.seal_report(audio.ssrc), self.address)

    def missed(self, sequence_ack: int) -> list[str | bytes] | None:
        """Return what came after ``sequence_ack`` (-1: everything); ``None`` if that is no longer known."""
        if sequence_ack == self._sequence:
            return []
        known = [number for number, _ in self._sent]
        if sequence_ack not in known and sequence_ack != -1:
            return None
        later = known.index(sequence_ack) + 1 if sequence_ack in known else 0
        return [message for _, message in list(self._sent)[later:]]

    def reply(self, op: int, data: dict[str, object] | int) -> None:
        """Send a message that is not counted: hello, heartbeat acks, resumed."""
        self._push(json.dumps({"op": op, "d": data}))

    def _put(self, message: str | bytes) -> None:
        self._sent.append((self._sequence, message))
        self._push(message)

    def _push(self, message: str | bytes) -> None:
        if self.socket is not None:
            self._server.push(self.socket, message)


class VoiceServer:
    """One voice server; see :class:`simulator.world.VoicePlane` for the control plane's side of it."""

    def __init__(
        self,
        world: World,
        tls: ssl.SSLContext,
        network: Network,
        clock: Clock,
        *,
        name: str = "voice",
        seed: int = 0,
        settings: VoiceSettings | None = None,
        rooms: RoomSettings | None = None,
    ) -> None:
        self.settings = settings or VoiceSettings()
        self.room_settings = rooms or RoomSettings()
        self.chance = random.Random(f"{name}-{seed}")
        self.rooms: dict[ChannelId, Room] = {}
        self.refuse_next: int | None = None
        """Close the next websocket that identifies with this code."""
        self.link_quality = PERFECT
        """What the way to clients does to the packets of those who come from now on."""
        self.uplink_quality = PERFECT
        """Likewise the way from socket clients."""
        self.overrun = 0
        """Websockets cut because their client did not read."""
        self._world = world
        self._tls = tls
        self._network = network
        self._clock = clock
        self._name = name
        self._bot_packets: Counter[ChannelId] = Counter()
        self._admitted: dict[UserId, Admission] = {}
        self._inside: dict[UserId, Participant] = {}
        self._local_end: dict[UserId, Callable[[], None]] = {}
        self._outboxes: dict[web.WebSocketResponse, asyncio.Queue[str | bytes]] = {}
        self._tasks = Tasks()
        self._port = 0

    @property
    def endpoint(self) -> str:
        """``127.0.0.1:port``."""
        return f"{HOST}:{self._port}"

    async def start(self) -> None:
        """Open the websocket and UDP ports."""
        app = web.Application()
        app.router.add_get("/", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        listener = socket.create_server((HOST, 0))
        self._port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener, ssl_context=self._tls).start()
        self.udp = await UdpPort.open(HOST, self._datagram)

    async def close(self) -> None:
        """End everything."""
        for websocket in list(self._outboxes):
            await websocket.close(code=WSCloseCode.GOING_AWAY)
        await self._tasks.close()
        await self._runner.cleanup()
        self.udp.close()

    # control plane

    def admit(self, guild_id: GuildId, channel_id: ChannelId, user_id: UserId, session_id: str, token: str) -> None:
        """Let an IDENTIFY with these values in."""
        self._admitted[user_id] = Admission(guild_id, channel_id, session_id, token)

    async def evict(self, user_id: UserId, *, close_code: int | None) -> None:
        """Drop the user's connection; what may be resumed stays."""
        participant = self._inside.get(user_id)
        if not isinstance(participant, Session):
            self._drop(user_id)
            return
        websocket, participant.socket = participant.socket, None
        if close_code not in RESUMABLE:
            self._drop(user_id, keep_admission=self._admitted.get(user_id) is not participant.admission)
        if websocket is not None:
            self._end(websocket, close_code)

    def freeze(self, user_id: UserId) -> None:
        """Let the user's websocket fall silent: nothing goes out on it any more, no heartbeat ack either."""
        participant = self._inside.get(user_id)
        if isinstance(participant, Session) and participant.socket is not None:
            self._outboxes.pop(participant.socket, None)

    def end_of(self, user_id: UserId) -> Participant | None:
        """Find whoever is inside as this user."""
        return self._inside.get(user_id)

    def room(self, channel: ChannelId) -> Room:
        """Find or open the call of a channel."""
        if channel not in self.rooms:
            found = self._world.channel(channel)
            if found is None:
                raise KeyError(channel)
            self.rooms[channel] = Room(
                self._world, found.guild_id, channel, settings=self.room_settings, clock=self._clock
            )
        return self.rooms[channel]

    def taken_from_bots(self) -> Counter[ChannelId]:
        """Count the packets taken from bots since the start, by channel."""
        return self._bot_packets + Counter({channel: room.taken_from_bots for channel, room in self.rooms.items()})

    def attach(
        self, user: UserId, token: str, make: Callable[[Link], Participant], on_end: Callable[[], None]
    ) -> Room | None:
        """Let a person of this process in; ``on_end`` is called when it is dropped. ``None``: not admitted."""
        admission = self._admitted.get(user)
        if admission is None or admission.token != token:
            return None
        self._drop(user, keep_admission=True)
        participant = make(self._network.link(f"{self._name}-to-{user}", self.link_quality))
        room = self.room(admission.channel)
        self._inside[user], self._local_end[user] = participant, on_end
        room.enter(participant)
        return room

    def _drop(self, user: UserId, *, keep_admission: bool = False) -> None:
        participant = self._inside.pop(user, None)
        on_end = self._local_end.pop(user, None)
        if not keep_admission:
            self._admitted.pop(user, None)
        if participant is not None:
            for channel, room in list(self.rooms.items()):
                room.leave(participant)
                if not room.participants:
                    self._bot_packets[channel] += room.taken_from_bots
                    del self.rooms[channel]
        if on_end is not None:
            on_end()

    def _end(self, websocket: web.WebSocketResponse, code: int | None) -> None:
        if code is None:
            transport = websocket._req.transport if websocket._req is not None else None  # noqa: SLF001 - aiohttp has no public abort
            if transport is not None:
                transport.abort()
        else:
            self._tasks.start(self._close_socket(websocket, code), name="voice-close")

    @staticmethod
    async def _close_socket(websocket: web.WebSocketResponse, code: int) -> None:
        with suppress(ConnectionError, TimeoutError, RuntimeError):
            async with asyncio.timeout(1.0):
                await websocket.close(code=code)

    # websocket

    def push(self, websocket: web.WebSocketResponse, message: str | bytes) -> None:
        """Put a message on its way; order is kept. A client that does not read is cut off."""
        outbox = self._outboxes.get(websocket)
        if outbox is None:
            return
        try:
            outbox.put_nowait(message)
        except asyncio.QueueFull:
            del self._outboxes[websocket]
            self.overrun += 1
            self._end(websocket, None)

    async def _write(self, websocket: web.WebSocketResponse, outbox: asyncio.Queue[str | bytes]) -> None:
        with suppress(ConnectionError, RuntimeError):
            while True:
                message = await outbox.get()
                if isinstance(message, bytes):
                    await websocket.send_bytes(message)
                else:
                    await websocket.send_str(message)

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(max_msg_size=1 << 20)
        await websocket.prepare(request)
        outbox: asyncio.Queue[str | bytes] = asyncio.Queue(_OUTBOX)
        self._outboxes[websocket] = outbox
        writer = self._tasks.start(self._write(websocket, outbox), name="voice-write")
        outbox.put_nowait(json.dumps({"op": 8, "d": {"v": 8, "heartbeat_interval": self.settings.heartbeat_ms}}))
        client = _Client(self, websocket)
        try:
            await client.run()
        finally:
            writer.cancel()
            self._outboxes.pop(websocket, None)
            client.gone()
        return websocket

    def identify(self, websocket: web.WebSocketResponse, data: dict[str, object]) -> "Session | int":
        """Begin a session; a close code if it is refused."""
        if self.refuse_next is not None:
            code, self.refuse_next = self.refuse_next, None
            return code
        user = UserId(int(str(data["user_id"])))
        admission = self._admitted.get(user)
        if admission is None or (admission.session, admission.token) != (data.get("session_id"), data.get("token")):
            return (
                AUTHENTICATION_FAILED if admission is None or admission.token != data.get("token") else INVALID_SESSION
            )
        if str(admission.guild) != str(data.get("server_id")):
            return INVALID_SESSION
        room = self.room(admission.channel)
        if room.requires_dave and not data.get("max_dave_protocol_version"):
            return DAVE_REQUIRED
        self._drop(user, keep_admission=True)
        down = self._network.link(f"{self._name}-to-{user}", self.link_quality)
        up = self._network.link(f"{self._name}-from-{user}", self.uplink_quality)
        session = Session(self, user, admission, down=down, up=up)
        session.socket = websocket
        self._inside[user] = session
        session.json(2, {"ssrc": session.ssrc, "ip": HOST, "port": self.udp.port, "modes": list(self.settings.modes)})
        return session

    def resume(self, websocket: web.WebSocketResponse, data: dict[str, object]) -> "Session | int":
        """Take up a session; a close code if that is impossible. A refused one leaves the session as it is."""
        acknowledged = int(str(data.get("seq_ack", -1)))
        for session in self._inside.values():
            if not isinstance(session, Session) or session.admission.session != data.get("session_id"):
                continue
            missed = session.missed(acknowledged)
            if session.admission.token != data.get("token") or session.key is None or missed is None:
                return INVALID_SESSION
            session.socket = websocket
            for message in missed:
                self.push(websocket, message)
            session.reply(9, {})
            return session
        return INVALID_SESSION

    def select(self, session: Session, data: dict[str, object]) -> int | None:
        """Take the choice of transport; a close code if it is no good."""
        choice = data.get("data")
        if data.get("protocol") != "udp" or not isinstance(choice, dict):
            return UNKNOWN_PROTOCOL
        if choice.get("mode") not in self.settings.modes:
            return UNKNOWN_MODE
        session.key = TransportKey(str(choice["mode"]), secrets.token_bytes(32))
        session.room = room = self.room(session.admission.channel)
        session.json(
            4,
            {
                "mode": session.key.mode,
                "secret_key": list(session.key.key),
                "dave_protocol_version": room.dave.version,
                "audio_codec": "opus",
                "media_session_id": secrets.token_hex(8),
            },
        )
        for op in (15, 18, 20):
            session.json(op, {"any": 100, "user_id": str(session.user)})
        if room.participants.get(session.user) is not session:
            room.enter(session)
        return None

    # UDP

    def _datagram(self, data: bytes, address: tuple[str, int]) -> None:
        if len(data) == 8:  # noqa: PLR2004 - a keepalive, echoed
            self.udp.send(data, address)
            return
        if len(data) == 74 and data[:2] == b"\0\1":  # noqa: PLR2004 - address discovery
            self._discover(data, address)
            return
        for session in self._inside.values():
            if isinstance(session, Session) and session.address == address and session.key and session.room:
                session.up.send(self._clock(), lambda session=session: self._audio(session, data))  # type: ignore[misc]  # binds the loop's value
                return

    def _audio(self, session: Session, data: bytes) -> None:
        audio = session.key.open(data) if session.key is not None else None
        if audio is not None and audio.ssrc == session.ssrc and session.room is not None:
            session.room.audio(session, audio)

    def _discover(self, data: bytes, address: tuple[str, int]) -> None:
        ssrc = struct.unpack_from(">I", data, 4)[0]
        for session in self._inside.values():
            if isinstance(session, Session) and session.ssrc == ssrc:
                session.address = address
                answer = struct.pack(">HHI64sH", 2, 70, ssrc, address[0].encode(), address[1])
                self.udp.send(answer, address)


class _Client:
    """One websocket of a client's."""

    def __init__(self, server: VoiceServer, websocket: web.WebSocketResponse) -> None:
        self._server = server
        self._websocket = websocket
        self._session: Session | None = None
        self._alive()

    def _alive(self) -> None:
        """Note a heartbeat; nothing else a client sends keeps its session."""
        patience = _MISSED_HEARTBEATS * self._server.settings.heartbeat_ms / 1000
        self._deadline = asyncio.get_running_loop().time() + patience

    async def run(self) -> None:
        """Serve until the client goes, beats no more or is refused."""
        with suppress(ConnectionError):
            while True:
                try:
                    async with asyncio.timeout_at(self._deadline):
                        message = await self._websocket.receive()
                except TimeoutError:
                    await self._websocket.close(code=SESSION_TIMEOUT)
                    return
                if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    return
                code = self._take(message.data)
                if code is not None:
                    await self._websocket.close(code=code)
                    return

    def gone(self) -> None:
        """Note that the websocket ended; a client that said goodbye (1000) or went silent gives its session up."""
        session = self._session
        if session is None or session.socket is not self._websocket:
            return
        session.socket = None
        if self._websocket.close_code in {WSCloseCode.OK, SESSION_TIMEOUT}:
            self._server._drop(session.user, keep_admission=True)  # noqa: SLF001 - one room, two classes

    def _take(self, data: str | bytes) -> int | None:
        try:
            if isinstance(data, bytes):
                return self._binary(data[0], data[1:])
            message = json.loads(data)
            return self._json(int(message["op"]), message.get("d"))
        except (ValueError, KeyError, TypeError, IndexError):
            return DECODE_ERROR

    def _json(self, op: int, data: object) -> int | None:
        if op == 3:  # noqa: PLR2004 - heartbeat
            self._alive()
            self._server.push(
                self._websocket,
                json.dumps({"op": 6, "d": {"t": data.get("t")}})
                if isinstance(data, dict)
                else json.dumps({"op": 6, "d": data}),
            )
            return None
        if not isinstance(data, dict):
            return DECODE_ERROR
        if op in {0, 7}:
            return self._begin(op, data)
        if self._session is None:
            return NOT_AUTHENTICATED
        return self._in_session(self._session, op, data)

    def _begin(self, op: int, data: dict[str, object]) -> int | None:
        if self._session is not None:
            return ALREADY
        begin = self._server.identify if op == 0 else self._server.resume
        found = begin(self._websocket, data)
        if isinstance(found, int):
            return found
        self._session = found
        return None

    def _in_session(self, session: Session, op: int, data: dict[str, object]) -> int | None:
        if op == 1:
            return self._server.select(session, data)
        room = session.room
        if room is None:
            return UNKNOWN_OPCODE
        if op == 5:  # noqa: PLR2004 - speaking
            room.speaking(session, int(str(data["speaking"])))
        elif op == Op.TRANSITION_READY:
            room.dave.ready(session.user, int(str(data["transition_id"])))
        elif op == Op.INVALID_COMMIT:
            room.dave.invalid_commit(session.user)
        elif op not in {12, 14, 15, 16, 18, 20}:
            return UNKNOWN_OPCODE
        return None

    def _binary(self, op: int, payload: bytes) -> int | None:
        session = self._session
        if session is None or session.room is None:
            return NOT_AUTHENTICATED
        if op == Op.KEY_PACKAGE:
            session.room.dave.key_package(session.user, payload)
        elif op == Op.COMMIT_WELCOME:
            session.room.dave.commit_welcome(session.user, payload)
        else:
            return UNKNOWN_OPCODE
        return None
