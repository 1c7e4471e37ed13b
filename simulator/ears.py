"""A listening client: it sits in a channel through real sockets and keeps what it heard, decrypted.

Its own voice gateway, UDP and transport decryption, with ``davey`` for the group; nothing shared with the engine.
Decoding is left to :mod:`simulator.listening`, after the show.
"""

import asyncio
import json
import logging
import ssl
import struct
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from common.types import ChannelId, GuildId, Ssrc, UserId
from simulator import ogg
from simulator.dave import Op
from simulator.davey_member import Answer, DaveyMember
from simulator.opus import FRAME, SILENCES, samples
from simulator.rooms import Clock
from simulator.tasks import Tasks
from simulator.transport import MODES, SILENCE, TransportKey
from simulator.udp import UdpPort
from simulator.world import VoiceServerAssigned, World, WorldEvent

MOST_PACKETS = 400_000
"""Packets kept, two hours of one speaker's 20 ms; later ones are counted and not kept."""

LONGEST_GAP = 500_000 * FRAME
"""Samples without a packet, almost three hours; a packet from beyond is of another time."""

MOST_PARKED = 50
"""Packets of one speaker kept until it is told who it is."""

_DISCOVERY = struct.Struct(">HHI64sH")
_BINARY_FRONT = struct.Struct(">HB")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet of Opus: its RTP numbers and when it came (ns of the clock)."""

    sequence: int
    timestamp: int
    opus: bytes
    arrival: int


@dataclass(slots=True)
class Track:
    """Everything heard from one SSRC, in the order it came; ``parked`` waits to be told whose it is (op 5)."""

    user: UserId | None = None
    packets: list[Heard] = field(default_factory=list)
    parked: deque[Heard] = field(default_factory=deque)


class Ears:
    """One listener.

    ``counts``: ``heard``, ``empty`` (padding only), ``not_authentic``, ``unknown_ssrc``, ``not_kept``, davey's reasons.
    """

    def __init__(
        self, world: World, guild: GuildId, user: UserId, channel: ChannelId, *, tls: ssl.SSLContext, clock: Clock
    ) -> None:
        self.user = user
        self.tracks: dict[Ssrc, Track] = {}
        self.counts: Counter[str] = Counter()
        self.speaking: deque[tuple[UserId, int, int]] = deque(maxlen=10_000)
        """The last op 5 as they came: who, flags, when."""
        self.connected = asyncio.Event()
        self._world = world
        self._guild = guild
        self.channel = channel
        self._tls = tls
        self._clock = clock
        self._dave = DaveyMember(user, channel)
        self._tasks = Tasks()
        self._key: TransportKey | None = None
        self._udp: UdpPort | None = None
        self._ssrc = Ssrc(0)
        self._address: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self._sequence = -1

    def start(self) -> None:
        """Join, and go wherever the voice server is."""
        self._unlisten = self._world.listen(self._on_event)
        self._world.join(self._guild, self.user, self.channel)

    async def close(self) -> None:
        """Leave."""
        self._unlisten()
        await self._tasks.close()
        self._world.leave(self._guild, self.user)
        if self._udp is not None:
            self._udp.close()

    def save(self, path: Path) -> None:
        """Write what was heard of the busiest speaker as an Ogg Opus file, silence filled in."""
        track = max(self.tracks.values(), key=lambda track: len(track.packets), default=Track())
        ogg.write(path, filled(track.packets), channels=2)

    def _on_event(self, event: WorldEvent) -> None:
        if isinstance(event, VoiceServerAssigned) and event.user_id == self.user and event.endpoint:
            state = self._world.voice_state(self._guild, self.user)
            if state is not None:
                self.channel = state.channel_id
                self._tasks.start(self._listen(event, state.session_id), name="ears")

    async def _listen(self, event: VoiceServerAssigned, session: str) -> None:
        self._dave = DaveyMember(self.user, self.channel)
        connector = aiohttp.TCPConnector(ssl=self._tls)
        http = aiohttp.ClientSession(connector=connector)
        async with http, http.ws_connect(f"wss://{event.endpoint}/?v=8") as websocket:
            self._websocket = websocket
            await self._say(
                0,
                {
                    "server_id": str(self._guild),
                    "user_id": str(self.user),
                    "session_id": session,
                    "token": event.token,
                    "max_dave_protocol_version": 1,
                },
            )
            async for message in websocket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._json(json.loads(message.data))
                elif message.type is aiohttp.WSMsgType.BINARY:
                    self._sequence, op = _BINARY_FRONT.unpack_from(message.data)
                    await self._answer(self._dave.binary(op, message.data[3:]))

    async def _json(self, message: dict[str, object]) -> None:
        op, data = int(str(message["op"])), message.get("d")
        self._sequence = int(str(message.get("seq", self._sequence)))
        if not isinstance(data, dict):
            return
        if op == 8:  # noqa: PLR2004 - hello
            self._tasks.start(self._beat(self._websocket, float(data["heartbeat_interval"]) / 1000), name="ears-beat")
        elif op == 2:  # noqa: PLR2004 - ready
            self._tasks.start(self._select(data), name="ears-select")
        elif op == 4:  # noqa: PLR2004 - session description
            self._key = TransportKey(str(data["mode"]), bytes(data["secret_key"]))
            await self._answer(self._dave.start(int(data["dave_protocol_version"])))
            self.connected.set()
        elif op == 5:  # noqa: PLR2004 - speaking
            self.speaking.append((UserId(int(data["user_id"])), int(data["speaking"]), self._clock()))
            self._belongs(self.tracks.setdefault(Ssrc(int(data["ssrc"])), Track()), UserId(int(data["user_id"])))
        elif op in {Op.PREPARE_TRANSITION, Op.EXECUTE_TRANSITION, Op.PREPARE_EPOCH}:
            await self._answer(self._dave.json(op, data))

    async def _select(self, ready: dict[str, object]) -> None:
        remote = (str(ready["ip"]), int(str(ready["port"])))
        if self._udp is not None:
            self._udp.close()
        self._ssrc = Ssrc(int(str(ready["ssrc"])))
        self._address = asyncio.get_running_loop().create_future()
        self._udp = await UdpPort.open("127.0.0.1", self._datagram, remote=remote)
        self._udp.send(_DISCOVERY.pack(1, 70, self._ssrc, b"", 0))
        answer = await self._address
        *_, address, port = _DISCOVERY.unpack(answer)
        mode = next(mode for mode in MODES if mode in str(ready["modes"]))
        choice = {"address": address.rstrip(b"\0").decode(), "port": port, "mode": mode}
        await self._say(1, {"protocol": "udp", "data": choice})

    async def _beat(self, websocket: aiohttp.ClientWebSocketResponse | None, interval: float) -> None:
        while websocket is not None and websocket is self._websocket and not websocket.closed:
            await self._say(3, {"t": self._clock() // 1_000_000, "seq_ack": self._sequence})
            await asyncio.sleep(interval)

    async def _answer(self, answers: list[Answer]) -> None:
        for op, data in answers:
            if isinstance(data, bytes):
                await self._put(bytes([op]) + data)
            else:
                await self._say(op, data)

    async def _say(self, op: int, data: dict[str, object]) -> None:
        await self._put(json.dumps({"op": int(op), "d": data}))

    async def _put(self, message: str | bytes) -> None:
        if self._websocket is None:
            return
        with suppress(ConnectionError):
            if isinstance(message, bytes):
                await self._websocket.send_bytes(message)
            else:
                await self._websocket.send_str(message)

    def _datagram(self, data: bytes, _address: tuple[str, int]) -> None:
        if len(data) == _DISCOVERY.size and data[:2] == b"\0\2":
            if not self._address.done():
                self._address.set_result(data)
            return
        if self._key is None or (len(data) > 1 and 200 <= data[1] <= 204):  # noqa: PLR2004 - RTCP
            return
        audio = self._key.open(data)
        if audio is None:
            self.counts["not_authentic"] += 1
            return
        if not audio.payload:
            self.counts["empty"] += 1
            return
        track = self.tracks.setdefault(Ssrc(audio.ssrc), Track())
        self._take(track, Heard(audio.sequence, audio.timestamp, audio.payload, self._clock()))

    def _belongs(self, track: Track, user: UserId) -> None:
        """Learn whose track it is, and take in what came before."""
        track.user = user
        while track.parked:
            self._take(track, track.parked.popleft())

    def _take(self, track: Track, packet: Heard) -> None:
        """Decrypt and keep a packet, or park it while nobody knows whose it is."""
        if track.user is None:
            track.parked.append(packet)
            if len(track.parked) > MOST_PARKED:
                track.parked.popleft()
                self.counts["unknown_ssrc"] += 1
            return
        try:
            opus = packet.opus if packet.opus == SILENCE else self._dave.decrypt(track.user, packet.opus)
        except ValueError as error:
            self.counts[str(error).rpartition(" ")[2]] += 1
            return
        self.counts["heard"] += 1
        if len(track.packets) >= MOST_PACKETS:
            self.counts["not_kept"] += 1
            return
        track.packets.append(replace(packet, opus=opus))


def filled(packets: list[Heard]) -> list[bytes]:
    """Return the packets in order of time, with silence where none were sent; each counts with its own length.

    What overlaps with a packet before it came too late and is left out.
    """
    out: list[bytes] = []
    position = 0
    for packet in packets:
        gap = ((packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF) - position
        if not 0 <= gap < LONGEST_GAP:
            continue
        fill = _silence(gap)
        out += [*fill, packet.opus]
        position += sum(map(samples, fill)) + (samples(packet.opus) or FRAME)
    return out


def _silence(gap: int) -> list[bytes]:
    """Return packets of silence for ``gap`` samples; less than 10 ms are left over."""
    fill: list[bytes] = []
    for length, packet in SILENCES.items():
        fill += [packet] * (gap // length)
        gap %= length
    return fill
