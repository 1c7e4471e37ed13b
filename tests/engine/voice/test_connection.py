import asyncio

import pytest

from common.types import UserId
from engine.voice.connection import (
    SILENT_KEEPALIVES,
    ModeRefusedError,
    VoiceConnection,
    VoiceLostError,
    VoiceRooms,
)
from engine.voice.protocol import Described, VoiceServer
from engine.voice.receiver import Receiver
from engine.voice.sender import Sender
from simulator.people import Script
from simulator.rooms import RoomSettings
from simulator.scene import parse
from simulator.server import Simulator
from simulator.transport import MODES
from simulator.voice_gateway import VoiceSettings
from simulator.world import VoiceServerAssigned

SCENE = """
[guild]
name = "Cup"
[[channels]]
name = "Red"
[[bots]]
name = "alpha"
token = "token-alpha"
[[people]]
name = "akari"
"""
WAIT = 10


class Call:
    """One bot in a call with one person who talks, without discord.py."""

    def __init__(self, simulator):
        self.simulator, self.receiver = simulator, Receiver()
        self.packets, self.losses, self.sender = [], [], Sender()
        self.news = asyncio.Event()
        self.bot = simulator.cast.bots["alpha"].id
        self.guild, self.red = simulator.cast.guild.id, simulator.cast.channel("Red")
        self.connection = None

    async def server(self):
        found = asyncio.get_running_loop().create_future()

        def heard(event):
            if isinstance(event, VoiceServerAssigned) and event.user_id == self.bot and not found.done():
                found.set_result(event)

        unlisten = self.simulator.world.listen(heard)
        state = self.simulator.world.join(self.guild, self.bot, self.red)
        event = await asyncio.wait_for(found, WAIT)
        unlisten()
        return VoiceServer(self.guild, self.red, self.bot, state.session_id, event.token, event.endpoint)

    async def open(self):
        rooms = VoiceRooms(
            receiver=self.receiver,
            ssl=self.simulator.certificates.client,
            on_packet=self.packets.append,
            on_lost=self.lost,
            sender=self.sender,
        )
        self.connection = VoiceConnection(await self.server(), rooms)
        await self.connection.open()

    def lost(self, loss):
        self.losses.append(loss)
        self.news.set()

    async def talk(self):
        user = self.simulator.cast.people["akari"].id
        if user not in self.simulator.show.people.voices or not self.simulator.show.people.voices[user].script.clip:
            script = Script(clip="en_1", talks=((0.0, 30.0),))
            self.simulator.show.people.add(self.guild, user, script, self.red)

    async def hears_more(self):
        before = len(self.packets)
        async with asyncio.timeout(WAIT):
            while len(self.packets) < before + 5:  # noqa: ASYNC110 - packets come from another thread
                await asyncio.sleep(0.01)

    async def close(self):
        if self.connection is not None:
            await self.connection.close()
        self.receiver.close()


@pytest.fixture
async def calls():
    made = []

    async def make(**settings):
        simulator = Simulator(parse(SCENE), **settings)
        await simulator.__aenter__()
        made.append(Call(simulator))
        return made[-1]

    yield make
    for call in made:
        await call.close()
        await call.simulator.__aexit__(None, None, None)


@pytest.mark.parametrize("mode", MODES)
async def test_both_modes_carry_speech(calls, mode):
    call = await calls(voice=VoiceSettings(modes=(mode,)))
    await call.talk()
    await call.open()
    await call.hears_more()
    assert call.connection.dave.version == 1
    assert {packet.user for packet in call.packets} == {call.simulator.cast.people["akari"].id}
    assert call.connection._inbound.cipher.mode == mode


async def test_a_cut_connection_is_told_once_and_resumed(calls):
    call = await calls()
    await call.talk()
    await call.open()
    ssrc = call.connection._ssrc
    await call.simulator.faults.abort_voice(call.bot)
    await asyncio.wait_for(call.news.wait(), WAIT)
    await call.connection.resume()
    await call.hears_more()
    assert [loss.kind for loss in call.losses] == ["abort"]
    assert call.connection._ssrc == ssrc


async def test_a_new_key_in_the_middle_is_used_also_after_a_resume(calls):
    call = await calls()
    await call.open()
    await call.simulator.faults.abort_voice(call.bot)
    await asyncio.wait_for(call.news.wait(), WAIT)
    await call.connection.resume()
    before = call.connection._inbound.cipher
    call.connection._handle(Described(MODES[0], bytes(32)))
    assert call.connection._inbound.cipher is not before


async def test_a_failure_of_ours_while_reading_is_a_lost_connection_not_a_deaf_one(calls, monkeypatch, caplog):
    call = await calls()
    await call.open()
    monkeypatch.setattr(call.connection, "_handle", lambda _event: 1 // 0)
    await call.talk()
    await asyncio.wait_for(call.news.wait(), WAIT)
    assert [loss.kind for loss in call.losses] == ["abort"]
    assert "can't be read on" in caplog.text


async def test_a_refused_resume_says_with_which_code(calls):
    call = await calls()
    await call.open()
    await call.simulator.faults.close_voice(call.bot, 4006)
    await asyncio.wait_for(call.news.wait(), WAIT)
    assert (call.losses[0].kind, call.losses[0].code) == ("close", 4006)
    with pytest.raises(VoiceLostError) as caught:
        await call.connection.resume()
    assert caught.value.loss.code == 4006


async def test_a_refusal_in_the_handshake_is_raised_not_told(calls):
    call = await calls()
    call.simulator.faults.refuse_voice(4017)
    with pytest.raises(VoiceLostError) as caught:
        await call.open()
    assert caught.value.loss.code == 4017
    assert call.losses == []


async def test_no_mode_in_common(calls):
    call = await calls(voice=VoiceSettings(modes=("xsalsa20_poly1305",)))
    with pytest.raises(ModeRefusedError):
        await call.open()


async def test_a_server_that_is_not_there(calls):
    call = await calls()
    server = await call.server()
    there = VoiceServer(server.guild, server.channel, server.user, server.session, server.token, "127.0.0.1:1")
    connection = VoiceConnection(
        there, VoiceRooms(call.receiver, call.simulator.certificates.client, call.packets.append, call.lost)
    )
    with pytest.raises(OSError, match="ClientConnectorError"):
        await connection.open()
    await connection.close()
    assert call.losses == []


async def test_silence_of_the_server_is_a_lost_heartbeat(calls):
    call = await calls(voice=VoiceSettings(heartbeat_ms=200))
    await call.open()
    call.simulator.faults.freeze_voice(call.bot)
    await asyncio.wait_for(call.news.wait(), WAIT)
    assert call.losses[0].kind == "heartbeat"


async def test_alone_in_the_clear_then_encrypted(calls):
    call = await calls(rooms=RoomSettings(lone_plain=True))
    await call.open()
    assert call.connection.dave.version == 0
    await call.talk()
    await call.hears_more()
    assert call.connection.dave.version == 1


async def test_who_leaves_is_forgotten(calls):
    call = await calls()
    await call.talk()
    await call.open()
    await call.hears_more()
    assert call.connection.ssrc_count == 1
    call.simulator.show.people.remove(UserId(call.simulator.cast.people["akari"].id))
    async with asyncio.timeout(WAIT):
        while call.connection.ssrc_count:  # noqa: ASYNC110 - the message comes over a socket
            await asyncio.sleep(0.01)


async def test_closing_in_the_middle_of_the_handshake_leaves_nothing(calls):
    call = await calls()
    opening = asyncio.ensure_future(call.open())
    while call.connection is None or call.connection._udp is None:  # noqa: ASYNC110 - up to the moment wanted
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await call.connection.close()
    assert len(call.connection._tasks) == 0
    assert call.connection._http is None


async def test_a_close_that_is_cancelled_half_way_leaves_nothing(calls, monkeypatch):
    call = await calls()
    await call.open()
    reached = asyncio.Event()

    async def hang():
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(call.connection._websocket, "close", hang)
    closing = asyncio.ensure_future(call.connection.close())
    await reached.wait()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert len(call.connection._tasks) == 0
    assert (call.connection._udp, call.connection._http) == (None, None)


# a server that is not the simulator


class OtherCall:
    """One bot on another server, which has nobody else on it but whom the test makes up."""

    def __init__(self, server):
        self.receiver, self.packets, self.losses, self.news = Receiver(), [], [], asyncio.Event()
        there = VoiceServer(1, 2, 3, "session", "token", server.endpoint)
        rooms = VoiceRooms(self.receiver, server.certificates.client, self.packets.append, self.lost)
        self.connection = VoiceConnection(there, rooms)

    def lost(self, loss):
        self.losses.append(loss)
        self.news.set()

    async def hears(self, payload):
        async with asyncio.timeout(WAIT):
            while [packet.payload for packet in self.packets[-1:]] != [payload]:  # noqa: ASYNC110 - from another thread
                await asyncio.sleep(0.01)

    async def close(self):
        await self.connection.close()
        self.receiver.close()


@pytest.fixture
async def others(other_servers):
    made = []

    async def make(**ways):
        server = await other_servers(**ways)
        made.append(OtherCall(server))
        return server, made[-1]

    yield make
    for call in made:
        await call.close()


async def test_numbers_for_ids_no_sequence_no_modes_and_audio_before_its_owner(others):
    server, call = await others()
    await call.connection.open()
    server.play(9, b"first word")
    await server.say(11, {"user_ids": [77]})
    await server.say(5, {"user_id": 77, "ssrc": 9, "speaking": 1})
    await call.hears(b"first word")
    assert call.packets[0].user == 77
    assert call.connection._protocol.sequence_ack == -1


async def test_people_and_encryption_before_the_key(others):
    early = [(11, {"user_ids": [1]}), (5, {"user_id": "77", "ssrc": 9}), (24, {"epoch": 1, "protocol_version": 1})]
    server, call = await others(early=early)
    await call.connection.open()
    assert call.connection.dave.version == 0
    server.play(9, b"at once")
    await call.hears(b"at once")


async def test_a_hello_without_an_interval(others):
    _, call = await others(hello={})
    await call.connection.open()


async def test_a_hello_after_identify(others):
    server, call = await others(hello_late=True)
    await call.connection.open()
    assert server.ops[0] == 0
    async with asyncio.timeout(5):
        await server.beaten.wait()


async def test_the_question_for_our_address_may_be_lost(others):
    server, call = await others(unanswered=2)
    await call.connection.open()
    assert server.asked == 3


async def test_what_makes_no_sense_is_counted_and_the_call_goes_on(others):
    server, call = await others()
    await call.connection.open()
    junk = ("", "{", "[]", "null", '{"op":1e400}', "[" * 100_000, '{"op":4,"d":{"mode":"x","secret_key":99999999999}}')
    for text in junk:
        await server.say_text(text)
    for data in (b"", b"\xff" * 5):
        await server.say_bytes(data)
    await server.say(5, {"user_id": 77, "ssrc": 9})
    server.play(9, b"still here")
    await call.hears(b"still here")
    counted = call.connection.counters
    assert (counted.get("gateway_malformed"), counted.get("gateway_ignored")) == (len(junk) + 1, 1)
    assert call.losses == []


async def test_audio_that_can_not_pass_is_a_lost_connection_though_the_websocket_stands(others, monkeypatch):
    monkeypatch.setattr("engine.voice.connection.KEEPALIVE_SECONDS", 0.02)
    server, call = await others(echoes=2)
    await call.connection.open()
    await asyncio.wait_for(call.news.wait(), WAIT)
    assert [loss.kind for loss in call.losses] == ["udp"]
    assert server.kept >= 2 + SILENT_KEEPALIVES


async def test_a_server_that_never_echoes_is_not_lost_for_it(others, monkeypatch):
    monkeypatch.setattr("engine.voice.connection.KEEPALIVE_SECONDS", 0.01)
    server, call = await others(echoes=0)
    await call.connection.open()
    async with asyncio.timeout(WAIT):
        while server.kept < 5 * SILENT_KEEPALIVES:  # noqa: ASYNC110 - datagrams of the real socket
            await asyncio.sleep(0.01)
    assert call.losses == []
