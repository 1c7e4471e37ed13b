"""A voice server: gateway version 8 with DAVE's delivery service, and a forwarding unit for audio on UDP."""

import asyncio
import collections
import contextlib
import json
import random
import secrets
import struct
import time
from dataclasses import dataclass
from typing import NamedTuple

import aiohttp
from aiohttp import web

from .mls import Commit, Group, open_key_package, vector, welcome_for
from .wire import AES, SILENCE, XCHACHA, Rtp, discovery, pack, unpack

TRANSITION_SECONDS = 2.0
GRACE_SECONDS = 6.0
RESUMABLE = (1001, 4015)  # close codes after which a session is still there


@dataclass(frozen=True)
class Variation:
    """What the protocol leaves open, decided one way."""

    modes: tuple[str, ...] = (XCHACHA, AES)
    server_update_first: bool = False
    sender_early: bool = False  # op 25 before op 4, and not again
    hello_late: bool = False  # op 8 only after IDENTIFY
    connect_early: bool = True  # op 11 before op 4
    numbered: bool = True  # `seq` on JSON messages
    lone_at_zero: bool = False  # who comes first starts without DAVE
    newcomer_founds: bool = False  # the last to come is first to hear the proposals
    tell_pending: bool = False  # proposals go to pending members of a standing group as well
    noise: bool = False
    bare_guild: bool = False  # GUILD_CREATE without roles and without the bot's own member, nor REST for them
    late_speaking: float = 0.0  # seconds by which one talker's op 5 is late
    resumable: bool = True  # a cut connection is kept for a while, what it misses is sent again
    sole_at_zero: bool = False  # whom everybody left goes down to version 0, instead of a new group at once
    speaking_once: bool = False  # op 5 once per client, and to newcomers right after READY, as bots see it on Discord
    padding_bursts: bool = False  # packets of nothing but padding where a talker pauses, as seen on Discord


class Heard(NamedTuple):
    """One packet from a client, as it arrived; ``announced`` is the speaking flag of that moment."""

    at: float
    rtp: Rtp
    announced: int


class Peer:
    """One client of a voice channel."""

    def __init__(self, socket, user, numbered):
        self.socket, self.user, self.numbered = socket, user, numbered
        self.request = self.token = self.session = self.writer = None
        self.away, self.dismissed = False, None
        self.past = collections.deque(maxlen=500)
        self.resumed = []
        self.shift, self.paused = collections.Counter(), set()
        self.ssrc = random.getrandbits(24) | 1
        self.key = secrets.token_bytes(32)
        self.mode = self.address = self.package = None
        self.version = 0
        self.speaking = None
        self.heard, self.keepalives, self.ops = [], [], []
        self.sequence = random.randrange(60_000)
        self.counter = random.getrandbits(16)
        self.outbox = asyncio.Queue()

    def tell(self, op, data, **more):
        message = {"op": op, "d": data} | more
        if self.numbered:
            self.sequence = self.sequence + 1 & 0xFFFF
            message["seq"] = self.sequence
            self.past.append((self.sequence, json.dumps(message)))
        self.outbox.put_nowait(json.dumps(message))

    def tell_binary(self, op, payload):
        self.sequence = self.sequence + 1 & 0xFFFF
        message = struct.pack(">HB", self.sequence, op) + payload
        self.past.append((self.sequence, message))
        self.outbox.put_nowait(message)

    @property
    def here(self):
        return self.away or not self.socket.closed

    def missed(self, acknowledged):
        """What was sent after the number a client saw last; None if that is forgotten."""
        numbers = [number for number, _ in self.past]
        if acknowledged in numbers:
            return [message for _, message in self.past][numbers.index(acknowledged) + 1 :]
        return [message for _, message in self.past] if acknowledged == -1 else None

    def attach(self, socket, request, messages):
        """Go on with another websocket."""
        self.socket, self.request, self.away, self.dismissed = socket, request, False, None
        self.outbox = asyncio.Queue()
        for message in messages:
            self.outbox.put_nowait(message)

    async def write(self):
        while True:
            message = await self.outbox.get()
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await (self.socket.send_str(message) if isinstance(message, str) else self.socket.send_bytes(message))


class Room:
    """The media session of one channel: who is in, their group, transitions under way."""

    def __init__(self, channel, variation):
        self.variation = variation
        self.peers = {}
        self.group = Group(channel)
        self.waiting = {}
        self.transition = random.randrange(1, 30_000)
        self.spoil = None  # the user who gets the next commit broken
        self.recipients = {}
        self.refused, self.invalid, self.past = [], [], []

    def others(self, peer):
        return [other for other in self.peers.values() if other is not peer]

    def describe(self, peer):
        """Op 4, and what surrounds it."""
        others = self.others(peer)
        peer.version = 0 if self.variation.lone_at_zero and not others else 1
        present = [str(other.user) for other in others]
        if present and self.variation.connect_early:
            peer.tell(11, {"user_ids": present, "channel_flavour": "plain"})
        if self.variation.sender_early:
            peer.tell_binary(25, self.group.external_sender())
        session = {"mode": peer.mode, "secret_key": list(peer.key), "dave_protocol_version": peer.version}
        codecs = {"audio_codec": "opus", "video_codec": "H265", "media_session_id": secrets.token_hex(16)}
        peer.tell(4, session | codecs | {"keyframe_interval": None})
        if present and not self.variation.connect_early:
            peer.tell(11, {"user_ids": present})
        if not self.variation.sender_early and peer.version:
            peer.tell_binary(25, self.group.external_sender())
        for other in others:
            other.tell(11, {"user_ids": [str(peer.user)]})
            if not other.version:
                self._upgrade(other)

    def _upgrade(self, peer):
        peer.version = 1
        peer.tell(24, {"protocol_version": 1, "epoch": 1, "transition_id": 0})
        if not self.variation.sender_early:
            peer.tell_binary(25, self.group.external_sender())

    def take_package(self, peer, message):
        package, user = open_key_package(message)
        if user != peer.user:
            raise ValueError("somebody else's key package")
        group = self.group
        if any(made.user == user and made.package for made in group.proposals):
            self._revoke(user)
        if user in group.leaves and not any(made.user == user for made in group.proposals):
            self._propose([group.propose_remove(user)])
        peer.package = package
        made = group.propose_add(user, package)
        if group.established:
            self._propose([made])
            return
        waiting = [other for other in self.others(peer) if other.package]
        earlier = [made for made in group.proposals if made.user != user]
        if earlier:
            self._send_proposals(peer, earlier)
        if self.variation.newcomer_founds:
            asyncio.get_running_loop().call_later(0.15, self._tell_if_pending, waiting, made)
        else:
            for other in waiting:
                self._send_proposals(other, [made])

    def _tell_if_pending(self, waiting, made):
        if made in self.group.proposals:
            for other in waiting:
                self._send_proposals(other, [made])

    def _propose(self, proposals):
        for peer in self.peers.values():
            if peer.user in self.group.leaves or (self.variation.tell_pending and peer.package):
                self._send_proposals(peer, proposals)

    def _send_proposals(self, peer, proposals):
        body = b"".join(made.message for made in proposals)
        peer.tell_binary(27, b"\0" + vector(body))

    def _revoke(self, user):
        gone = [made for made in self.group.proposals if made.user == user and made.package]
        self.group.proposals = [made for made in self.group.proposals if made not in gone]
        body = b"".join(vector(made.reference) for made in gone)
        for peer in self.peers.values():
            if peer.user != user:
                peer.tell_binary(27, b"\1" + vector(body))

    def take_commit(self, peer, message):
        commit = Commit(message)
        reason = self.group.judge(peer.user, commit)
        if reason:
            self.refused.append((peer.user, reason))
            return
        old = self.group.users() if self.group.established else {peer.user}
        added = self.group.apply(peer.user, commit)
        number = struct.pack(">H", self._next_transition())
        joined = {made.user for made in added}
        for user in (old & self.group.users()) - joined:
            if user in self.peers:
                self.peers[user].tell_binary(29, number + self._spoiled(user, commit.message))
        for made in added:
            if made.user in self.peers:
                self.peers[made.user].package = None
                self.peers[made.user].tell_binary(30, number + welcome_for(commit.welcome, made.package))
        self._await_ready(self.group.users() & self.peers.keys())

    def _next_transition(self):
        self.transition = self.transition + random.randrange(1, 9) & 0xFFFF or 1
        return self.transition

    def _await_ready(self, users):
        number = self.transition
        self.recipients[number] = set(users)
        self.waiting[number] = set(users)
        asyncio.get_running_loop().call_later(TRANSITION_SECONDS, self._execute, number, True)

    def _spoiled(self, user, message):
        if user != self.spoil:
            return message
        self.spoil = None
        return message[:-9] + bytes([message[-9] ^ 1]) + message[-8:]

    def take_invalid(self, peer, number):
        """Op 31 (paper, Recovery from Invalid Commit or Welcome)."""
        self.invalid.append((peer.user, number))
        for waited in list(self.waiting):
            self.take_ready(peer, waited)
        group = self.group
        if peer.user in group.leaves and not any(made.user == peer.user for made in group.proposals):
            self._propose([group.propose_remove(peer.user)])

    def downgrade(self):
        """Everybody to version 0, as when somebody comes who knows no DAVE."""
        self._next_transition()
        for peer in self.peers.values():
            peer.version, peer.package = 0, None
            peer.tell(21, {"protocol_version": 0, "transition_id": self.transition})
        self.group.restart()
        self._await_ready(self.peers.keys())

    def upgrade(self):
        for peer in self.peers.values():
            self._upgrade(peer)

    def take_ready(self, peer, number):
        if number in self.waiting:
            self.waiting[number].discard(peer.user)
            self._execute(number, False)

    def _execute(self, number, late):
        if number in self.waiting and (late or not self.waiting[number]):
            if late:
                self.past.append((number, self.waiting[number]))
            del self.waiting[number]
            for user in self.recipients.pop(number):
                if user in self.peers:
                    self.peers[user].tell(22, {"transition_id": number})

    def leave(self, peer):
        if self.peers.get(peer.user) is not peer:
            return
        del self.peers[peer.user]
        for number in list(self.waiting):
            self.take_ready(peer, number)
        for other in self.peers.values():
            other.tell(13, {"user_id": str(peer.user)})
        self._revoke(peer.user)
        group = self.group
        if group.established and peer.user in group.leaves:
            remaining = group.users() & self.peers.keys()
            if len(remaining) == 1 and self.variation.sole_at_zero:
                self.downgrade()
            elif len(remaining) > 1:
                self._propose([group.propose_remove(peer.user)])
            else:
                self._restart()

    def _restart(self):
        """Nobody keeps a group alone (paper, Sole member reset)."""
        self.group.restart()
        self.waiting.clear()
        for peer in self.peers.values():
            peer.package = None
            peer.tell(24, {"protocol_version": 1, "epoch": 1})
            peer.tell(21, {"protocol_version": 1, "transition_id": 0})


class VoiceServer(asyncio.DatagramProtocol):
    """All rooms behind one gateway address and one UDP port."""

    def __init__(self, variation):
        self.variation = variation
        self.rooms, self.tickets, self.everybody = {}, {}, []
        self.late_user = None
        self.bad_datagrams = []
        self.transport = None
        self.tasks = set()
        self.gate = asyncio.Event()  # unset: who connects waits
        self.gate.set()

    def ticket(self, user, channel):
        """Let a user in: the token of VOICE_SERVER_UPDATE."""
        token = secrets.token_urlsafe(15)
        self.tickets[token] = (user, channel)
        return token

    def run(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def serve(self, request):
        """One websocket of a client."""
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        if request.query.get("v") != "8":
            await socket.close(code=4002)
            return socket
        await self.gate.wait()
        hello = json.dumps({"op": 8, "d": {"v": 8, "heartbeat_interval": 1375.25}})
        if not self.variation.hello_late:
            await socket.send_str(hello)
        peer = room = None
        try:
            async for message in socket:
                if peer is None:
                    peer, room = await self._enter(socket, request, json.loads(message.data), hello)
                    if peer is None:
                        break
                elif message.type is aiohttp.WSMsgType.TEXT:
                    self._json(peer, room, json.loads(message.data))
                else:
                    self._binary(peer, room, message.data)
        finally:
            if peer is not None and peer.socket is socket:
                peer.writer.cancel()
                torn = peer.dismissed in RESUMABLE if peer.dismissed else socket.close_code not in (1000, 1001)
                peer.away = self.variation.resumable and torn
                if peer.away:
                    asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up, peer, room, socket)
                else:
                    room.leave(peer)
        return socket

    async def _enter(self, socket, request, message, hello):
        """IDENTIFY or RESUME."""
        if message["op"] == 7:
            return await self._resume(socket, request, message["d"], hello)
        peer, room = await self._identify(socket, message)
        if peer is not None:
            peer.request, peer.token, peer.session = request, message["d"]["token"], message["d"]["session_id"]
            peer.writer = self.run(peer.write())
            self._greet(peer, hello)
            for other in room.peers.values():
                if self.variation.speaking_once and other.speaking is not None:
                    peer.tell(5, {"speaking": 1, "ssrc": other.ssrc, "user_id": str(other.user)})
        return peer, room

    async def _resume(self, socket, request, told, hello):
        for channel, peer in self.everybody:
            if peer.away and (peer.token, peer.session) == (told["token"], told["session_id"]):
                missed = peer.missed(told.get("seq_ack", -1))
                if missed is None:
                    break
                peer.resumed.append((told.get("seq_ack"), len(missed)))
                late = [hello] if self.variation.hello_late else []
                peer.attach(socket, request, [*late, json.dumps({"op": 9, "d": None}), *missed])
                peer.writer = self.run(peer.write())
                return peer, self.rooms[channel]
        await socket.close(code=4006)
        return None, None

    def _give_up(self, peer, room, socket):
        if peer.away and peer.socket is socket:
            peer.away = False
            room.leave(peer)

    def cut(self, user):
        """Tear a user's websocket apart, without a close frame."""
        for _, peer in self.everybody:
            if peer.user == user and not peer.socket.closed and peer.request.transport:
                peer.request.transport.abort()

    async def dismiss(self, peer, code):
        """Close a client's websocket with a code."""
        peer.dismissed = code
        await peer.socket.close(code=code)

    def drop(self, user):
        """A user is out of voice: what waits for a return is over."""
        for channel, peer in self.everybody:
            if peer.user == user and peer.away:
                self._give_up(peer, self.rooms[channel], peer.socket)

    async def _identify(self, socket, message):
        if message["op"] != 0:
            await socket.close(code=4003)
            return None, None
        told = message["d"]
        user, channel = self.tickets.pop(told["token"], (None, None))
        if user != int(told["user_id"]):
            await socket.close(code=4004)
            return None, None
        if not told.get("max_dave_protocol_version"):
            await socket.close(code=4017)
            return None, None
        peer = Peer(socket, user, self.variation.numbered)
        self.everybody.append((channel, peer))
        return peer, self.rooms.setdefault(channel, Room(channel, self.variation))

    def _greet(self, peer, hello):
        host, port = self.transport.get_extra_info("sockname")
        ready = {"ssrc": peer.ssrc, "ip": host, "port": port, "modes": list(self.variation.modes)}
        peer.tell(2, ready | {"heartbeat_interval": 1, "experiments": ["elsewhere"], "streams": []})
        if self.variation.hello_late:
            peer.outbox.put_nowait(hello)
        if self.variation.noise:
            peer.tell(16, {"voice": "0.9.1", "rtc_worker": "elsewhere"})
            self.run(self._disturb(peer))

    async def _disturb(self, peer):
        """Ops a client may ignore, pings, and RTCP in between."""
        while not peer.socket.closed:
            peer.tell(15, {"any": 100})
            peer.tell(18, {"user_id": str(peer.user), "flags": 2})
            peer.tell(20, {"user_id": str(peer.user), "platform": 0})
            peer.tell(199, {"unheard": ["of"]}, extra=True)
            with contextlib.suppress(ConnectionError):
                await peer.socket.ping(b"there?")
            if peer.address:
                self.transport.sendto(
                    struct.pack(">BBHI", 0x80, 200, 6, peer.ssrc) + secrets.token_bytes(44), peer.address
                )
                self.transport.sendto(secrets.token_bytes(3), peer.address)
            await asyncio.sleep(0.4)

    def _json(self, peer, room, message):
        op, told = message["op"], message["d"]
        peer.ops.append((time.monotonic(), op, told))
        if op == 3:
            peer.outbox.put_nowait(json.dumps({"op": 6, "d": {"t": told["t"]}}))
        elif op == 1:
            self._select(peer, room, told)
        elif op == 5:
            self._speaking(peer, room, told)
        elif op == 23:
            room.take_ready(peer, told["transition_id"])
        elif op == 31:
            room.take_invalid(peer, told["transition_id"])

    def _select(self, peer, room, told):
        mode = told["data"]["mode"]
        if told["protocol"] != "udp" or mode not in self.variation.modes:
            self.run(peer.socket.close(code=4016))
            return
        peer.mode = mode
        room.peers[peer.user] = peer
        room.describe(peer)

    def _speaking(self, peer, room, told):
        known, peer.speaking = peer.speaking is not None, told["speaking"]
        if known and self.variation.speaking_once:
            return
        wait = self.variation.late_speaking if peer.user == self.late_user else 0.0
        news = {"speaking": told["speaking"], "ssrc": peer.ssrc, "user_id": str(peer.user), "delay": 0}
        for other in room.others(peer):
            if wait:
                asyncio.get_running_loop().call_later(wait, other.tell, 5, news)
            else:
                other.tell(5, news)

    def _binary(self, peer, room, data):
        peer.ops.append((time.monotonic(), data[0], None))
        if data[0] == 26:
            room.take_package(peer, data[1:])
        elif data[0] == 28:
            room.take_commit(peer, data[1:])

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if len(data) == 74 and data[:4] == b"\0\1\0\x46":
            self._discover(data, address)
        elif len(data) == 8:
            for _, peer in self.everybody:
                if peer.address == address:
                    peer.keepalives.append(time.monotonic())
            self.transport.sendto(data, address)
        else:
            self._after_turns(4, time.monotonic(), data, address)

    def _after_turns(self, turns, at, data, address):
        """Handle audio behind whatever lay on the websockets when it came: TLS takes some turns of the loop more."""
        if turns:
            asyncio.get_running_loop().call_soon(self._after_turns, turns - 1, at, data, address)
        else:
            self._forward(at, data, address)

    def _discover(self, data, address):
        ssrc = struct.unpack_from(">I", data, 4)[0]
        for _, peer in self.everybody:
            if peer.ssrc == ssrc and peer.here:
                peer.address = address
                self.transport.sendto(discovery(2, ssrc, address[0].encode(), address[1]), address)

    def _forward(self, at, data, address):
        for channel, peer in self.everybody:
            if peer.address == address and peer.here and peer.mode:
                try:
                    rtp = unpack(peer.mode, peer.key, data)
                except Exception as error:  # noqa: BLE001 - two libraries' errors; all are counted the same
                    self.bad_datagrams.append((peer.user, repr(error), data.hex()))
                    return
                peer.heard.append(Heard(at, rtp, peer.speaking))
                for other in self.rooms[channel].others(peer):
                    self.deliver(other, rtp)
                return
        self.bad_datagrams.append((None, "unknown address", data.hex()))

    def deliver(self, peer, rtp):
        """Encrypt anew for one receiver, with extensions and padding as they come."""
        if not peer.address:
            return
        pause = rtp.payload == SILENCE
        if pause and rtp.ssrc not in peer.paused and self.variation.padding_bursts:
            for _ in range(50):
                self._send(peer, rtp._replace(payload=b""), random.randrange(1, 256))
                peer.shift[rtp.ssrc] += 1
        self._send(peer, rtp, random.choice((0, 0, 0, 1, 4, 17)), marker=rtp.ssrc in peer.paused and not pause)
        (peer.paused.add if pause else peer.paused.discard)(rtp.ssrc)

    def _send(self, peer, rtp, padding, *, marker=False):
        peer.counter += 1
        shifted = rtp._replace(sequence=rtp.sequence + peer.shift[rtp.ssrc] & 0xFFFF)
        words = random.randrange(4)
        sent = pack(peer.mode, peer.key, peer.counter, shifted, words=words, padding=padding, marker=marker)
        self.transport.sendto(sent, peer.address)
