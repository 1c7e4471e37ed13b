"""One bot's connection to a voice server: websocket and UDP socket around :mod:`engine.voice.protocol`.

It has no policy: it connects once, tells once that it was lost and why, and can be taken up again or closed.
"""

import asyncio
import json
import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from common.tasks import Tasks
from common.types import Ssrc
from engine.metrics import Counters
from engine.voice import discovery
from engine.voice.aead import TransportCipher
from engine.voice.dave import DaveGroup, Outgoing
from engine.voice.inbound import Inbound, OnPacket
from engine.voice.protocol import (
    Acknowledged,
    Described,
    Event,
    Hello,
    Left,
    Ready,
    Result,
    Resumed,
    Spoke,
    VoiceProtocol,
    VoiceServer,
    on_the_wire,
)
from engine.voice.receiver import Receiver
from engine.voice.sender import Sender, Transport
from engine.voice.ssrc import SsrcTable

STEP_SECONDS = 3.0
"""Time for each step of the handshake."""

KEEPALIVE_SECONDS = 5.0
"""Between UDP keepalives: 8 bytes that the server echoes, so that routers keep the way open."""

SILENT_KEEPALIVES = 3
"""So many keepalives without a datagram from a server that has echoed before: its UDP port is out of reach."""

_DISCOVERY_SECONDS = 0.25
_LARGEST_MESSAGE = 1 << 20
_KEEPALIVE = struct.Struct(">Q")
_NO_CLOSE_CODE = 1006
_UNANSWERED = 4000
"""Our code for a websocket that we give up but whose session we want to resume: 1000 would end the session."""

StepT = TypeVar("StepT", Hello, Ready, Described, Resumed)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a connection ended.

    ``close`` with the server's code, ``abort`` without one, ``heartbeat`` unanswered, or ``udp``: audio can't pass,
    though the websocket stands.
    """

    kind: str
    code: int | None = None


class VoiceLostError(Exception):
    """The voice server ended the connection during the handshake."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss)
        self.loss = loss


class ModeRefusedError(Exception):
    """The voice server offers no encryption mode we know."""


@dataclass(frozen=True, slots=True)
class VoiceRooms:
    """What a connection works with; it owns none of it.

    ``sender`` is ``None`` for a bot that only listens. ``on_lost`` is called on the loop, once per loss;
    ``on_encryption`` whenever the DAVE version in force changed.
    """

    receiver: Receiver
    ssl: ssl.SSLContext | None
    on_packet: OnPacket
    on_lost: Callable[[Loss], None]
    on_encryption: Callable[[], None] = lambda: None
    sender: Sender | None = None
    counters: Counters | None = None


class VoiceConnection:
    """One voice session. ``open`` once; ``resume`` after a loss; ``close`` at the end."""

    def __init__(self, server: VoiceServer, rooms: VoiceRooms) -> None:
        self.counters = rooms.counters or Counters()
        self.dave = DaveGroup(server.user, server.channel, time.monotonic)
        self._server = server
        self._rooms = rooms
        self._ssrcs = SsrcTable(self.counters)
        self._inbound = Inbound(self.dave, self._ssrcs, self.counters, rooms.on_packet)
        self._protocol = VoiceProtocol(server, self.dave, self.counters)
        self._tasks = Tasks()
        self._steps: dict[type[Event], asyncio.Future[Event]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self._udp: socket.socket | None = None
        self._address: asyncio.Future[tuple[str, int]] | None = None
        self._ssrc = Ssrc(0)
        self._acknowledged = True
        self._echoes = self._heard = False
        self._connected = False
        self._encryption = 0
        self._loop = asyncio.get_running_loop()

    @property
    def ssrc_count(self) -> int:
        """How many SSRCs have a known owner."""
        return len(self._ssrcs)

    async def open(self) -> None:
        """Make the whole handshake; returns when audio can flow (DAVE's group may take a moment longer).

        Raises VoiceLostError, ModeRefusedError, TimeoutError, or OSError when the server can't be reached.
        """
        await self._connect_websocket(self._protocol.identify(), Ready, Described)
        ready = await self._step(Ready)
        if ready.mode is None:
            raise ModeRefusedError
        self._ssrc = ready.ssrc
        ip, port = await self._discover(ready)
        await self._send(self._protocol.select(ip, port, ready.mode))
        described = await self._step(Described)
        self._use_key(described)
        # Not speaking yet, but it tells the server our SSRC, without which it forwards nothing.
        await self._send(self._protocol.speaking(self._ssrc, active=False))
        await self._step(Hello)
        self._stand()
        self._tasks.start(self._keep_alive(), name="voice-keepalive")

    async def resume(self) -> None:
        """Take the session up on a new websocket; key, socket, SSRC and group stay. Raises as :meth:`open` does."""
        await self._drop_websocket()
        await self._connect_websocket(self._protocol.resume(), Resumed)
        await self._step(Resumed)
        await self._step(Hello)
        self._stand()

    async def close(self) -> None:
        """End it from our side; ``on_lost`` is not called. Ends the sender's sound with its silence frames.

        Cancelled half-way it still lets go of everything: nobody holds it any more who could close it again.
        """
        self._connected = False
        if self._rooms.sender is not None:
            self._rooms.sender.finish()
        try:
            await self._drop_websocket()
        finally:
            await self._release()

    async def _release(self) -> None:
        if self._udp is not None:
            self._rooms.receiver.remove(self._udp)
            self._udp.close()
            self._udp = None
        await self._tasks.close()
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _stand(self) -> None:
        """Count as connected from now on, unless the websocket ended while the last step was on its way here."""
        if self._websocket is None:
            raise VoiceLostError(Loss("abort"))
        self._connected = True

    # websocket

    async def _connect_websocket(self, first: Outgoing, *answers: type[Event]) -> None:
        """Connect and say ``first``; hello may come before or after it (the documentation leaves it open).

        Only hello and ``answers`` are steps of this handshake; what else comes is news.
        """
        if self._http is None:
            connector = aiohttp.TCPConnector(ssl=self._rooms.ssl if self._rooms.ssl is not None else True)
            self._http = aiohttp.ClientSession(connector=connector)
        loop = asyncio.get_running_loop()
        self._steps = {step: loop.create_future() for step in (Hello, *answers)}
        url = f"wss://{self._server.endpoint}/?v=8"
        try:
            async with asyncio.timeout(STEP_SECONDS):
                websocket = await self._http.ws_connect(url, max_msg_size=_LARGEST_MESSAGE, autoping=True)
        except aiohttp.ClientError as error:
            raise OSError(type(error).__name__) from error
        self._websocket = websocket
        self._tasks.start(self._read(websocket), name="voice-websocket")
        self._acknowledged = True
        await self._send(first)

    async def _drop_websocket(self) -> None:
        websocket, self._websocket = self._websocket, None
        if websocket is not None and not websocket.closed:
            try:
                async with asyncio.timeout(0.5):
                    await websocket.close()
            except (TimeoutError, OSError, aiohttp.ClientError):
                log.debug("the voice server did not answer the close")

    async def _step(self, kind: type[StepT]) -> StepT:
        """Wait for one event of the handshake."""
        async with asyncio.timeout(STEP_SECONDS):
            event = await self._steps[kind]
        if not isinstance(event, kind):
            raise TypeError(event)
        return event

    async def _send(self, message: Outgoing) -> None:
        websocket = self._websocket
        if websocket is None:
            return
        wire = on_the_wire(message)
        try:
            if isinstance(wire, bytes):
                await websocket.send_bytes(wire)
            else:
                await websocket.send_str(json.dumps(wire))
        except (OSError, aiohttp.ClientError):
            # The reader sees the same end and tells it, with its close code.
            log.debug("voice websocket is closing, op %s not sent", message.op)

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Take messages until the websocket ends, whatever they do; then tell the loss, unless it was our doing."""
        code: int | None = None
        try:
            while True:
                message = await websocket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(self._parse(message.data))
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await self._take(self._protocol.receive_binary(message.data))
                else:
                    # The websocket's own close_code turns into 1006 when our answer to the close finds nobody.
                    code = message.data if message.type is aiohttp.WSMsgType.CLOSE else websocket.close_code
                    break
        except (OSError, aiohttp.ClientError):
            log.debug("voice websocket broke")
        except Exception:
            # A connection that nobody reads would look well until its heartbeat ran out.
            log.exception("voice websocket can't be read on")
        self._lose(websocket, Loss("abort") if code in {None, _NO_CLOSE_CODE} else Loss("close", code))

    def _parse(self, text: str) -> Result:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        return self._protocol.receive(message)

    async def _take(self, result: Result) -> None:
        for event in result.events:
            self._handle(event)
        for message in result.send:
            await self._send(message)
        if self.dave.version != self._encryption:
            self._encryption = self.dave.version
            self._rooms.on_encryption()

    def _handle(self, event: Event) -> None:
        step = self._steps.get(type(event))
        if step is not None and not step.done():
            step.set_result(event)
            if isinstance(event, Hello) and self._websocket is not None:
                self._tasks.start(self._beat(self._websocket, event.interval), name="voice-heartbeat")
        elif isinstance(event, Spoke):
            self._ssrcs.assign(event.ssrc, event.user)
            self._rooms.receiver.post(lambda: self._inbound.release(event.ssrc))
        elif isinstance(event, Left):
            self._ssrcs.forget(event.user)
        elif isinstance(event, Acknowledged):
            self._acknowledged = True
        elif isinstance(event, Described):
            # Discord may give a new key in the middle of a session.
            self._use_key(event)

    def _lose(self, websocket: aiohttp.ClientWebSocketResponse, loss: Loss) -> None:
        if websocket is not self._websocket:
            return
        self._websocket = None
        for step in self._steps.values():
            if not step.done():
                step.set_exception(VoiceLostError(loss))
                step.exception()
        if self._connected:
            self._connected = False
            self._rooms.on_lost(loss)

    async def _beat(self, websocket: aiohttp.ClientWebSocketResponse, interval: float) -> None:
        """Send heartbeats; one that is not answered by the next is a lost connection."""
        while websocket is self._websocket:
            if not self._acknowledged:
                await self._give_up(websocket, Loss("heartbeat"))
                return
            self._acknowledged = False
            await self._send(self._protocol.heartbeat(time.time_ns() // 1_000_000))
            await asyncio.sleep(interval)

    async def _give_up(self, websocket: aiohttp.ClientWebSocketResponse, loss: Loss) -> None:
        self._lose(websocket, loss)
        await websocket.close(code=_UNANSWERED)

    # UDP

    async def _discover(self, ready: Ready) -> tuple[str, int]:
        """Open the UDP socket and ask the server for our address, again and again: UDP may lose the question."""
        self._udp = udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        udp.connect((ready.ip, ready.port))
        self._address = address = asyncio.get_running_loop().create_future()
        self._rooms.receiver.add(udp, self._datagram)
        async with asyncio.timeout(STEP_SECONDS):
            while not address.done():
                _try_send(udp, discovery.request(ready.ssrc))
                await asyncio.wait([address], timeout=_DISCOVERY_SECONDS)
        found: tuple[str, int] = address.result()
        return found

    def _datagram(self, data: bytes, arrival: int) -> None:
        """Take in one datagram (receive thread)."""
        self._heard = True
        if len(data) == _KEEPALIVE.size:
            self._echoes = True
            return
        found = discovery.answer(data) if data[:1] == b"\0" else None
        if found is None:
            self._inbound.datagram(data, arrival)
        else:
            self._loop.call_soon_threadsafe(self._addressed, found)

    def _addressed(self, found: tuple[str, int]) -> None:
        if self._address is not None and not self._address.done():
            self._address.set_result(found)

    def _use_key(self, described: Described) -> None:
        udp = self._udp
        if udp is None:
            return
        self._inbound.cipher = TransportCipher(described.mode, described.key)
        if self._rooms.sender is not None:
            cipher = TransportCipher(described.mode, described.key)
            self._rooms.sender.attach(Transport(udp, cipher, self._ssrc, self.dave, self._announce))

    def _announce(self, active: bool, then: Callable[[], None]) -> None:
        """Say that we begin or end speaking, after that do ``then`` (mix thread)."""
        self._loop.call_soon_threadsafe(self._say_soon, self._protocol.speaking(self._ssrc, active=active), then)

    def _say_soon(self, message: Outgoing, then: Callable[[], None]) -> None:
        self._tasks.start(self._say(message, then), name="voice-speaking")

    async def _say(self, message: Outgoing, then: Callable[[], None]) -> None:
        await self._send(message)
        then()

    async def _keep_alive(self) -> None:
        """Send keepalives. A server that used to echo them and sends nothing at all any more is lost.

        Counted in keepalives, not in time: a computer that slept has missed none.
        """
        count = silent = 0
        while self._udp is not None:
            silent = 0 if self._heard else silent + 1
            self._heard = False
            if self._echoes and silent > SILENT_KEEPALIVES and self._websocket is not None:
                await self._give_up(self._websocket, Loss("udp"))
                return
            _try_send(self._udp, _KEEPALIVE.pack(count))
            count += 1
            await asyncio.sleep(KEEPALIVE_SECONDS)


def _try_send(udp: socket.socket, data: bytes) -> None:
    try:
        udp.send(data)
    except OSError:
        # Full buffer or a refusal that came back: the next one is on its way soon.
        log.debug("UDP send failed")
