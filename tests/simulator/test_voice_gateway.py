"""The voice gateway and its UDP port as a client meets them that knows nothing of the simulator's inside."""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager, suppress

import aiohttp
import davey
import pytest

from simulator import voice_gateway
from simulator.network import LinkQuality
from simulator.rooms import RoomSettings
from simulator.server import Simulator
from simulator.transport import AES_GCM, XCHACHA, Audio, Dress, TransportKey
from simulator.voice_gateway import VoiceSettings
from simulator.world import VoiceServerAssigned

MODES = [AES_GCM, XCHACHA]
SPEECH = b"\x78speech"


class Client:
    """A voice client made of a websocket, a UDP socket and as little else as possible."""

    def __init__(self, simulator, name, channel="Blue", mode=AES_GCM):
        self.simulator, self.mode = simulator, mode
        self.user = simulator.cast.account(name)
        self.guild = simulator.cast.guild.id
        self.channel = simulator.cast.channel(channel)
        self.seen, self.sequence, self.key, self.ssrc = [], -1, None, None
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)

    async def assigned(self, **flags):
        """Join in the world and wait for the voice server's name."""
        found = asyncio.get_running_loop().create_future()

        def listen(event):
            if isinstance(event, VoiceServerAssigned) and event.user_id == self.user and not found.done():
                found.set_result(event)

        unlisten = self.simulator.world.listen(listen)
        self.state = self.simulator.world.join(self.guild, self.user, self.channel, **flags)
        async with asyncio.timeout(5):
            self.server = await found
        unlisten()

    async def dial(self):
        connector = aiohttp.TCPConnector(ssl=self.simulator.certificates.client)
        self.http = aiohttp.ClientSession(connector=connector)
        self.websocket = await self.http.ws_connect(f"wss://{self.server.endpoint}/?v=8", autoclose=True)

    async def say(self, op, data):
        await self.websocket.send_str(json.dumps({"op": op, "d": data}))

    async def expect(self, op):
        """Read until a message of this opcode; return its data."""
        async with asyncio.timeout(5):
            while True:
                message = await self.websocket.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.sequence, found, data = *struct.unpack_from(">HB", message.data), message.data[3:]
                elif message.type is aiohttp.WSMsgType.TEXT:
                    content = json.loads(message.data)
                    found, data = content["op"], content.get("d")
                    self.sequence = content.get("seq", self.sequence)
                else:
                    raise AssertionError(f"closed with {self.websocket.close_code} before op {op}")
                self.seen.append(found)
                if found == op:
                    return data

    async def close_code(self):
        """Read until the server closes."""
        async with asyncio.timeout(5):
            while (await self.websocket.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                pass
        return self.websocket.close_code

    async def identify(self, **changes):
        data = {
            "server_id": str(self.guild),
            "user_id": str(self.user),
            "session_id": self.state.session_id,
            "token": self.server.token,
            "max_dave_protocol_version": 1,
        }
        await self.say(0, data | changes)

    async def discover(self, ready):
        self.ssrc = ready["ssrc"]
        self.udp.connect((ready["ip"], ready["port"]))
        self.udp.send(struct.pack(">HHI64sH", 1, 70, self.ssrc, b"", 0))
        kind, length, ssrc, address, port = struct.unpack(">HHI64sH", await self.datagram())
        assert (kind, length, ssrc) == (2, 70, self.ssrc)
        assert (address.rstrip(b"\0").decode(), port) == self.udp.getsockname()
        return {"address": address.rstrip(b"\0").decode(), "port": port, "mode": self.mode}

    async def come_in(self, **flags):
        """Do all of it: hello to session description."""
        await self.assigned(**flags)
        await self.dial()
        await self.expect(8)
        await self.identify()
        choice = await self.discover(await self.expect(2))
        await self.say(1, {"protocol": "udp", "data": choice})
        self.description = await self.expect(4)
        self.key = TransportKey(self.description["mode"], bytes(self.description["secret_key"]))
        return self

    async def datagram(self):
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recv(self.udp, 2_048)

    async def audio(self):
        """Return the next packet of audio that comes."""
        while True:
            if (found := self.key.open(await self.datagram())) is not None and found.payload:
                return found

    async def echoed(self):
        """Wait until all that was sent before has been worked off: a keepalive comes back behind it."""
        self.udp.send(b"KEEPLIVE")
        before = []
        while (data := await self.datagram()) != b"KEEPLIVE":
            before.append(data)
        return before

    async def hang_up(self):
        self.udp.close()
        if hasattr(self, "http"):
            await self.websocket.close()
            await self.http.close()


@asynccontextmanager
async def running(scene, **settings):
    async with Simulator(scene, **settings) as simulator:
        clients = []

        def client(name, *arguments, **options):
            clients.append(Client(simulator, name, *arguments, **options))
            return clients[-1]

        yield simulator, client
        for made in clients:
            await made.hang_up()


@pytest.fixture
async def call(scene):
    async with running(scene) as both:
        yield both


@pytest.fixture
def client(call):
    return call[1]


async def test_the_way_in(client):
    alpha = await client("alpha").come_in()
    assert alpha.seen[:3] == [8, 2, 4]
    assert alpha.description["dave_protocol_version"] == 1
    assert len(alpha.description["secret_key"]) == 32
    await alpha.expect(25)
    assert {15, 18, 20} <= set(alpha.seen)


async def test_messages_are_numbered_without_a_gap(client):
    alpha = await client("alpha").come_in()
    numbers = [alpha.sequence]
    await alpha.expect(25)
    numbers.append(alpha.sequence)
    assert numbers == [2, 6]  # ready 1, description 2, three to be ignored, external sender 6


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"session_id": "wrong"}, 4006),
        ({"server_id": "1"}, 4006),
        ({"user_id": "1"}, 4004),
        ({"max_dave_protocol_version": 0}, 4017),
        ({"max_dave_protocol_version": None}, 4017),
        ({"user_id": None}, 4002),
    ],
)
async def test_an_identify_that_is_refused(client, changes, code):
    alpha = client("alpha")
    await alpha.assigned()
    await alpha.dial()
    await alpha.identify(**changes)
    assert await alpha.close_code() == code


async def test_an_admission_of_one_user_does_not_let_in_another(client):
    alpha, beta = client("alpha"), client("beta")
    await alpha.assigned()
    await beta.assigned()
    await beta.dial()
    await beta.identify(token=alpha.server.token, session_id=alpha.state.session_id)
    assert await beta.close_code() == 4004


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ('{"d": 1}', 4002),
        ('{"op": 1, "d": {"protocol": "udp"}}', 4003),
        ('{"op": 5, "d": {"speaking": 1}}', 4003),
        (b"", 4002),
        (b"\x1a", 4003),
    ],
)
async def test_nonsense_before_identify(client, message, code):
    alpha = client("alpha")
    await alpha.assigned()
    await alpha.dial()
    await (alpha.websocket.send_bytes if isinstance(message, bytes) else alpha.websocket.send_str)(message)
    assert await alpha.close_code() == code


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (0, {"user_id": "1"}, 4005),
        (7, {"session_id": "x"}, 4005),
        (99, {}, 4001),
        (1, {"protocol": "tcp", "data": {"mode": AES_GCM}}, 4012),
        (1, {"protocol": "udp", "data": {"mode": "plain"}}, 4016),
        (5, {"speaking": "loud"}, 4002),
        (5, [], 4002),
        (23, {}, 4002),
    ],
)
async def test_nonsense_in_a_session(client, op, data, code):
    alpha = await client("alpha").come_in()
    await alpha.say(op, data)
    assert await alpha.close_code() == code


@pytest.mark.parametrize("payload", [b"\x1a", b"\x1anonsense", b"\x1c", b"\x1c" + bytes(40), b"\x1c" + b"\xff" * 300])
async def test_a_nonsensical_group_message_ends_nothing(client, payload):
    alpha = await client("alpha").come_in()
    await alpha.websocket.send_bytes(payload)
    await alpha.say(3, {"t": 5, "seq_ack": alpha.sequence})
    assert await alpha.expect(6) == {"t": 5}


async def test_heartbeats_are_answered(client):
    alpha = await client("alpha").come_in()
    await alpha.say(3, {"t": 123, "seq_ack": 1})
    assert await alpha.expect(6) == {"t": 123}


async def test_a_client_without_heartbeats_is_dropped(scene):
    async with running(scene, voice=VoiceSettings(heartbeat_ms=30)) as (_, client):
        alpha = await client("alpha").come_in()
        assert await alpha.close_code() == 4009
        await resume(alpha)
        assert await alpha.close_code() == 4006


async def test_other_messages_are_no_heartbeats(scene):
    async with running(scene, voice=VoiceSettings(heartbeat_ms=50)) as (_, client):
        alpha = await client("alpha").come_in()
        with suppress(ConnectionError):
            for flags in range(1_000):
                await alpha.say(5, {"speaking": flags % 2, "delay": 0, "ssrc": alpha.ssrc})
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.005):
                        await alpha.websocket.receive()
                if alpha.websocket.closed:
                    break
        assert alpha.websocket.close_code == 4009


async def test_heartbeats_keep_a_session(scene):
    async with running(scene, voice=VoiceSettings(heartbeat_ms=30)) as (_, client):
        alpha = await client("alpha").come_in()
        begin = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < begin + 0.2:
            await alpha.say(3, {"t": 1})
            await alpha.expect(6)


# others


async def test_people_are_told_of_each_other(client):
    alpha = await client("alpha").come_in()
    await alpha.expect(25)
    beta = await client("beta").come_in()
    assert (await beta.expect(11))["user_ids"] == [str(alpha.user)]
    assert (await alpha.expect(11))["user_ids"] == [str(beta.user)]
    await beta.say(5, {"speaking": 1, "delay": 0, "ssrc": beta.ssrc})
    assert await alpha.expect(5) == {"speaking": 1, "ssrc": beta.ssrc, "user_id": str(beta.user)}
    await beta.websocket.close()
    assert await alpha.expect(13) == {"user_id": str(beta.user)}


async def test_who_comes_later_learns_who_has_spoken(client):
    alpha = await client("alpha").come_in()
    await alpha.say(5, {"speaking": 1, "delay": 0, "ssrc": alpha.ssrc})
    await alpha.say(3, {"t": 1})
    await alpha.expect(6)
    beta = await client("beta").come_in()
    assert await beta.expect(5) == {"speaking": 1, "ssrc": alpha.ssrc, "user_id": str(alpha.user)}


async def test_two_davey_clients_become_a_group_over_the_sockets(client):
    sessions = {}

    async def be_a_member(member):
        session = sessions[member.user] = davey.DaveSession(1, member.user, member.channel)
        session.set_external_sender(await member.expect(25))
        await member.websocket.send_bytes(b"\x1a" + session.get_serialized_key_package())
        return session

    alpha = await client("alpha").come_in()
    ours = await be_a_member(alpha)
    beta = await client("beta").come_in()
    theirs = await be_a_member(beta)
    proposals = await alpha.expect(27)
    made = ours.process_proposals(davey.ProposalsOperationType.append, proposals[1:])
    await alpha.websocket.send_bytes(b"\x1c" + made.commit + made.welcome)
    announced, welcome = await alpha.expect(29), await beta.expect(30)
    assert announced[:2] == welcome[:2] != b"\0\0"
    ours.process_commit(announced[2:])
    theirs.process_welcome(welcome[2:])
    transition = {"transition_id": int.from_bytes(welcome[:2], "big")}
    await alpha.say(23, transition)
    await beta.say(23, transition)
    assert await alpha.expect(22) == transition
    assert await beta.expect(22) == transition
    frame = ours.encrypt_opus(SPEECH)
    assert theirs.decrypt(alpha.user, davey.MediaType.audio, frame) == SPEECH


# closing and resuming


@pytest.mark.parametrize("code", [1001, 4006, 4009, 4011, 4014, 4015, 4020, 4021, 4022])
async def test_any_close_code_on_call(call, code):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await simulator.faults.close_voice(alpha.user, code)
    assert await alpha.close_code() == code


async def test_an_abort_on_call(call):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await simulator.faults.abort_voice(alpha.user)
    assert await alpha.close_code() in {None, 1006}


async def resume(alpha, **changes):
    await alpha.http.close()
    await alpha.dial()
    data = {"server_id": str(alpha.guild), "session_id": alpha.state.session_id, "token": alpha.server.token}
    await alpha.say(7, data | {"seq_ack": alpha.sequence} | changes)


@pytest.mark.parametrize("code", [None, 1001, 4015])
async def test_a_resumed_session_misses_nothing_and_keeps_key_and_address(call, code):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await alpha.expect(25)
    if code is None:
        await simulator.faults.abort_voice(alpha.user)
    else:
        await simulator.faults.close_voice(alpha.user, code)
    await alpha.close_code()
    beta = await client("beta").come_in()
    await beta.say(5, {"speaking": 1, "delay": 0, "ssrc": beta.ssrc})
    await beta.say(3, {"t": 1})
    await beta.expect(6)
    await resume(alpha)
    await alpha.expect(9)
    if 5 not in alpha.seen:
        assert (await alpha.expect(5))["user_id"] == str(beta.user)
    assert alpha.seen.count(11) == 1
    beta.udp.send(beta.key.seal(Audio(beta.ssrc, 1, 960, SPEECH)))
    assert (await alpha.audio()).payload == SPEECH


@pytest.mark.parametrize("changes", [{"token": "wrong"}, {"session_id": "wrong"}, {"seq_ack": 3_000}])
async def test_a_resume_that_is_refused(call, changes):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await simulator.faults.abort_voice(alpha.user)
    await resume(alpha, **changes)
    assert await alpha.close_code() == 4006


async def test_a_stranger_s_bad_resume_does_not_disturb_the_session(call):
    _, client = call
    alpha = await client("alpha").come_in()
    stranger = client("beta")
    stranger.server, stranger.state = alpha.server, alpha.state
    await stranger.dial()
    await stranger.say(7, {"session_id": alpha.state.session_id, "token": "wrong", "seq_ack": 1})
    assert await stranger.close_code() == 4006
    await alpha.say(3, {"t": 1})
    assert await alpha.expect(6) == {"t": 1}
    beta = await client("beta").come_in()
    assert (await alpha.expect(11))["user_ids"] == [str(beta.user)]


async def test_a_session_that_ended_for_good_is_not_resumed_but_identified_anew(call):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await simulator.faults.close_voice(alpha.user, 4006)
    await alpha.close_code()
    await resume(alpha)
    assert await alpha.close_code() == 4006


# UDP


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("other_mode", MODES)
async def test_audio_goes_to_everybody_else_in_each_one_s_mode(client, mode, other_mode):
    alpha = await client("alpha", mode=mode).come_in()
    beta = await client("beta", mode=other_mode).come_in()
    alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, 65_535, 2**32 - 960, SPEECH), Dress(1, 5)))
    heard = await beta.audio()
    assert heard == Audio(alpha.ssrc, 65_535, 2**32 - 960, SPEECH)
    assert [data for data in await alpha.echoed() if alpha.key.open(data)] == []


async def test_keepalives_are_echoed(client):
    alpha = await client("alpha").come_in()
    assert await alpha.echoed() == []


async def test_what_is_not_authentic_is_not_forwarded(client):
    alpha, beta = await client("alpha").come_in(), await client("beta").come_in()
    packet = Audio(alpha.ssrc, 1, 960, SPEECH)
    for data in (
        TransportKey(AES_GCM, bytes(32)).seal(packet),
        alpha.key.seal(Audio(beta.ssrc, 1, 960, SPEECH)),
        b"",
        b"\x9f\x78" + bytes(30),
        bytes(74),
    ):
        alpha.udp.send(data)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(alpha.key.seal(packet), beta.udp.getpeername())
    await alpha.echoed()
    assert [data for data in await beta.echoed() if beta.key.open(data)] == []


@pytest.mark.parametrize("flags", [{"deaf": True}, {"self_deaf": True}])
async def test_the_deaf_get_no_audio(call, flags):
    simulator, client = call
    alpha = await client("alpha").come_in()
    beta = await client("beta").come_in(self_deaf=flags.get("self_deaf", False))
    if "deaf" in flags:
        simulator.faults.server_deafen(beta.user)
    alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, 1, 960, SPEECH)))
    await alpha.echoed()
    assert [data for data in await beta.echoed() if beta.key.open(data)] == []


@pytest.mark.parametrize("flags", [{"mute": True}, {"self_mute": True}])
async def test_the_muted_are_not_forwarded(call, flags):
    simulator, client = call
    alpha = await client("alpha").come_in(self_mute=flags.get("self_mute", False))
    beta = await client("beta").come_in()
    if "mute" in flags:
        simulator.faults.server_mute(alpha.user)
    alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, 1, 960, SPEECH)))
    await alpha.echoed()
    assert [data for data in await beta.echoed() if beta.key.open(data)] == []


async def test_channels_do_not_hear_each_other(client):
    alpha = await client("alpha", "Red").come_in()
    beta = await client("beta", "Blue").come_in()
    alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, 1, 960, SPEECH)))
    await alpha.echoed()
    assert [data for data in await beta.echoed() if beta.key.open(data)] == []


async def test_forwarded_packets_wear_extensions_padding_and_reports_between(client):
    alpha, beta = await client("alpha").come_in(), await client("beta").come_in()
    datagrams = []
    for block in range(6):
        for number in range(50):
            alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, block * 50 + number, 960, SPEECH)))
        await alpha.echoed()
        datagrams += await beta.echoed()
    audio = [data for data in datagrams if data[1] == 120]
    assert len([beta.key.open(data) for data in audio if beta.key.open(data).payload == SPEECH]) == 300
    assert all(data[0] & 0x10 for data in audio)
    assert 3 <= sum(bool(data[0] & 0x20) for data in audio) <= 40
    assert [data[1] for data in datagrams if 200 <= data[1] <= 204] != []


# calls without encryption


async def test_a_stage_and_a_call_without_dave_take_anybody(scene):
    async with running(scene, rooms=RoomSettings(dave=False)) as (_, client):
        alpha = await client("alpha").come_in()
        assert alpha.description["dave_protocol_version"] == 0
    async with running(scene) as (_, client):
        stage = client("alpha", "Stage")
        await stage.come_in()
        assert stage.description["dave_protocol_version"] == 0


async def test_a_lone_member_begins_plain_and_is_upgraded_by_the_second(scene):
    async with running(scene, rooms=RoomSettings(lone_plain=True)) as (_, client):
        alpha = await client("alpha").come_in()
        assert alpha.description["dave_protocol_version"] == 0
        beta = await client("beta").come_in()
        assert await alpha.expect(24) == {"epoch": 1, "protocol_version": 1}
        assert 25 in alpha.seen
        assert beta.description["dave_protocol_version"] == 0
        assert await beta.expect(24) == {"epoch": 1, "protocol_version": 1}


async def test_everything_is_bound_to_this_computer_only(call):
    simulator, client = call
    await client("alpha").come_in()
    for server in simulator.voice_servers:
        assert server.endpoint.startswith("127.0.0.1:")
        assert server.udp._transport.get_extra_info("sockname")[0] == "127.0.0.1"


async def test_a_link_from_the_client_may_lose_what_it_sends(call):
    simulator, client = call
    simulator.voice_servers[0].uplink_quality = LinkQuality(loss=1.0)
    alpha = await client("alpha").come_in()
    simulator.voice_servers[0].uplink_quality = LinkQuality()
    beta = await client("beta").come_in()
    for sender in (alpha, beta):
        sender.udp.send(sender.key.seal(Audio(sender.ssrc, 1, 960, SPEECH)))
        await sender.echoed()
    assert simulator.voice_servers[0].rooms[alpha.channel].taken == 1


async def test_a_cut_holds_in_both_directions(call):
    simulator, client = call
    alpha, beta = await client("alpha").come_in(), await client("beta").come_in()
    simulator.faults.cut_link(alpha.user, 60)
    for sender, other in ((alpha, beta), (beta, alpha)):
        sender.udp.send(sender.key.seal(Audio(sender.ssrc, 1, 960, SPEECH)))
        await sender.echoed()
        assert [data for data in await other.echoed() if other.key.open(data)] == []


async def test_a_packet_of_padding_only_is_forwarded_as_one(client):
    alpha, beta = await client("alpha").come_in(), await client("beta").come_in()
    alpha.udp.send(alpha.key.seal(Audio(alpha.ssrc, 1, 960, b""), Dress(0, 9)))
    await alpha.echoed()
    (data,) = await beta.echoed()
    assert data[0] & 0x20
    assert beta.key.open(data) == Audio(alpha.ssrc, 1, 960, b"")


async def test_choosing_the_transport_again_gives_a_new_key_and_no_second_self(call):
    simulator, client = call
    alpha = await client("alpha").come_in()
    await alpha.say(1, {"protocol": "udp", "data": {"mode": XCHACHA}})
    await alpha.expect(25)
    description = await alpha.expect(4)
    assert description["mode"] == XCHACHA
    assert description["secret_key"] != alpha.description["secret_key"]
    beta = await client("beta").come_in()
    await alpha.websocket.close()
    await beta.expect(13)
    assert simulator.voice_servers[0].rooms[alpha.channel].dave._present == [beta.user]


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_go_on(call, monkeypatch):
    simulator, client = call
    monkeypatch.setattr(voice_gateway, "_OUTBOX", 50)
    alpha = await client("alpha").come_in()
    monkeypatch.setattr(voice_gateway, "_OUTBOX", 10_000)
    beta = await client("beta").come_in()
    room = simulator.voice_servers[0].rooms[alpha.channel]
    for _ in range(60):
        room.speaking(room.participants[beta.user], 1)
    assert simulator.voice_servers[0].overrun == 1
    assert await alpha.close_code() in {None, 1006}
    await beta.say(3, {"t": 1})
    assert await beta.expect(6) == {"t": 1}
