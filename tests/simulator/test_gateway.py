"""The main gateway as any WebSocket client sees it, frame by frame."""

import asyncio
import json
import zlib
from contextlib import asynccontextmanager

import aiohttp
import pytest

from simulator.clock import HandClock
from simulator.gateway import GatewaySettings
from simulator.permissions import JoinRefusal
from simulator.scene import Scene, parse
from simulator.server import Simulator
from simulator.world import VoicePlane
from tests.simulator.conftest import SMALL

HELLO = 10
ALPHA = "token-alpha"


class Client:
    """A raw gateway client that keeps every frame it has read."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, deflated: bool) -> None:
        self.socket = socket
        self.frames: list[dict] = []
        self._inflate = zlib.decompressobj() if deflated else None

    async def read(self) -> dict:
        message = await self.socket.receive(timeout=5)
        if self._inflate is not None:
            assert message.data.endswith(b"\x00\x00\xff\xff")
        text = message.data if self._inflate is None else self._inflate.decompress(message.data)
        self.frames.append(json.loads(text))
        return self.frames[-1]

    async def until(self, wanted: str | int) -> dict:
        """Read up to a dispatch of that name or a message of that op."""
        while True:
            frame = await self.read()
            if wanted in (frame["t"], frame["op"] or None):
                return frame["d"]

    async def closed_with(self) -> int:
        while True:
            message = await self.socket.receive(timeout=5)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return self.socket.close_code

    async def send(self, op: int, data: object) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, token: str = ALPHA, intents: int = 129, **extra: object) -> dict:
        await self.send(2, {"token": token, "intents": intents, "properties": {}} | extra)
        return await self.until("READY")

    async def join(self, simulator: Simulator, channel: str | None, **flags: bool) -> None:
        channel_id = None if channel is None else str(simulator.cast.channel(channel))
        flags = {"self_mute": False, "self_deaf": False} | flags
        await self.send(4, {"guild_id": str(simulator.cast.guild.id), "channel_id": channel_id} | flags)


@asynccontextmanager
async def connected(http: aiohttp.ClientSession, url: str, query: str = "?v=10&encoding=json"):
    async with http.ws_connect(url + query) as socket:
        client = Client(socket, deflated="zlib-stream" in query)
        hello = await client.until(HELLO)
        assert hello["heartbeat_interval"] == 41_250
        yield client


@pytest.fixture
async def client(http: aiohttp.ClientSession, simulator: Simulator):
    async with connected(http, simulator.gateway_url) as client:
        yield client


async def test_ready_then_the_whole_guild(client: Client, simulator: Simulator):
    world, cast = simulator.world, simulator.cast
    world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"), self_mute=True)
    ready = await client.identify()
    guild = await client.until("GUILD_CREATE")
    assert ready["guilds"] == [{"id": str(cast.guild.id), "unavailable": True}]
    assert ready["user"]["id"] == ready["application"]["id"] == str(cast.account("alpha"))
    assert ready["resume_gateway_url"] != simulator.gateway_url
    assert [member["user"]["username"] for member in guild["members"]] == ["alpha", "akari"]
    assert guild["members"][1]["nick"] == "RED Akari"
    (state,) = guild["voice_states"]
    assert state["channel_id"] == str(cast.channel("Red"))
    assert state["self_mute"] is True
    assert {channel["name"] for channel in guild["channels"]} == {"lobby", "Red", "Blue", "Secret", "Locked", "Stage"}
    assert [frame["s"] for frame in client.frames if frame["op"] == 0] == [1, 2]


async def test_compressed_as_one_stream(http: aiohttp.ClientSession, simulator: Simulator):
    async with connected(http, simulator.gateway_url, "?v=10&encoding=json&compress=zlib-stream") as client:
        await client.identify()
        assert (await client.until("GUILD_CREATE"))["name"] == "Cup"


@pytest.mark.parametrize("query", ["?v=10", "?v=10&compress=zlib-stream"])
async def test_a_full_guild_is_updated_again_and_again(planes: list[VoicePlane], clock: HandClock, query: str):
    scene = parse(SMALL.replace('name = "Cup"', 'name = "Cup"\nfull = true\nupdate_period = 0.5'))
    async with Simulator(scene, voice_servers=planes, clock=clock) as simulator:
        connector = aiohttp.TCPConnector(ssl=simulator.certificates.client)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            connected(http, simulator.gateway_url, query) as client,
        ):
            await client.identify()
            guild = await client.until("GUILD_CREATE")
            for number in (3, 4):
                clock.turn(0.5)
                update = await client.until("GUILD_UPDATE")
                assert client.frames[-1]["s"] == number
                assert len(json.dumps(update)) > 400_000
                assert update.items() <= guild.items()
                assert (len(update["roles"]), len(update["emojis"])) == (250, 500)


async def test_an_update_that_was_missed_is_sent_again_on_resume(planes: list[VoicePlane], clock: HandClock):
    scene = parse(SMALL.replace('name = "Cup"', 'name = "Cup"\nupdate_period = 0.5'))
    async with Simulator(scene, voice_servers=planes, clock=clock) as simulator:
        connector = aiohttp.TCPConnector(ssl=simulator.certificates.client)
        async with aiohttp.ClientSession(connector=connector) as http:
            async with connected(http, simulator.gateway_url) as client:
                ready = await client.identify()
                await client.until("GUILD_CREATE")
                simulator.faults.abort_gateway(simulator.cast.account("alpha"))
                await client.closed_with()
            clock.turn(0.5)
            async with connected(http, ready["resume_gateway_url"]) as client:
                await client.send(6, {"token": ALPHA, "session_id": ready["session_id"], "seq": 2})
                update = await client.until("GUILD_UPDATE")
                assert (client.frames[-1]["s"], update["name"]) == (3, "Cup")


async def test_heartbeats_are_answered(client: Client):
    await client.send(1, None)
    assert await client.until(11) is None


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "wrong", "intents": 129}, 4004),
        (2, {"token": "token-alpha", "intents": 1 << 30}, 4013),
        (2, {"token": "token-alpha", "intents": 1 << 1}, 4014),
        (2, {"token": "token-alpha", "intents": 129, "shard": [3, 2]}, 4010),
        (2, {"token": "token-alpha"}, 4002),
        (4, {"guild_id": "1", "channel_id": None, "self_mute": False, "self_deaf": False}, 4003),
        (77, {}, 4001),
        (6, {"token": "wrong", "session_id": "x", "seq": 1}, 4004),
    ],
)
async def test_close_codes(client: Client, op: int, data: dict[str, object], code: int):
    await client.send(op, data)
    assert await client.closed_with() == code


async def test_close_codes_of_broken_frames_and_versions(http: aiohttp.ClientSession, simulator: Simulator):
    async with connected(http, simulator.gateway_url) as client:
        await client.socket.send_str("nonsense")
        assert await client.closed_with() == 4002
    async with connected(http, simulator.gateway_url, "?v=7") as client:
        await client.send(2, {"token": "token-alpha", "intents": 129})
        assert await client.closed_with() == 4012


async def test_identifying_twice_is_refused(client: Client):
    await client.identify()
    await client.send(2, {"token": "token-alpha", "intents": 129})
    assert await client.closed_with() == 4005


async def test_too_many_messages(client: Client):
    for _ in range(121):
        await client.send(1, None)
    assert await client.closed_with() == 4008


async def test_without_heartbeats_the_session_times_out(scene: Scene, planes: list[VoicePlane]):
    settings = GatewaySettings(heartbeat_s=0.05)
    async with Simulator(scene, voice_servers=planes, gateway=settings) as simulator:
        connector = aiohttp.TCPConnector(ssl=simulator.certificates.client)
        async with aiohttp.ClientSession(connector=connector) as http, http.ws_connect(simulator.gateway_url) as socket:
            assert await Client(socket, deflated=False).closed_with() == 4009


async def test_a_join_is_answered_with_state_then_server(
    client: Client, simulator: Simulator, planes: list[VoicePlane]
):
    ready = await client.identify()
    await client.join(simulator, "Red", self_deaf=True)
    server = await client.until("VOICE_SERVER_UPDATE")
    state = next(frame["d"] for frame in client.frames if frame["t"] == "VOICE_STATE_UPDATE")
    assert state["session_id"] == ready["session_id"]
    assert state["channel_id"] == str(simulator.cast.channel("Red"))
    assert state["self_deaf"] is True
    assert state["member"]["user"]["username"] == "alpha"
    assert server["endpoint"] == "127.0.0.1:1111"
    guild, alpha, red = simulator.cast.guild.id, simulator.cast.account("alpha"), simulator.cast.channel("Red")
    assert planes[0].notes == [("admit", guild, red, alpha, ready["session_id"], server["token"])]


async def test_a_repeated_join_gets_a_new_token_but_flags_alone_do_not(
    client: Client, simulator: Simulator, planes: list[VoicePlane]
):
    await client.identify()
    await client.join(simulator, "Red")
    first = await client.until("VOICE_SERVER_UPDATE")
    await client.join(simulator, "Red", self_mute=True)
    assert (await client.until("VOICE_STATE_UPDATE"))["self_mute"] is True
    await client.join(simulator, "Red", self_mute=True)
    second = await client.until("VOICE_SERVER_UPDATE")
    assert second["token"] != first["token"]
    assert len(planes[0].notes) == 2


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        ("Red", JoinRefusal.FULL),
        ("Secret", JoinRefusal.NO_PERMISSION),
        ("Locked", JoinRefusal.NO_PERMISSION),
        ("lobby", JoinRefusal.NOT_A_VOICE_CHANNEL),
    ],
)
async def test_a_refused_join_is_not_answered_at_all(
    client: Client, simulator: Simulator, channel: str, reason: JoinRefusal
):
    cast = simulator.cast
    for name in ("akari", "ben"):
        simulator.world.join(cast.guild.id, cast.account(name), cast.channel("Red"))
    await client.identify()
    await client.until("GUILD_CREATE")
    await client.join(simulator, channel)
    await client.send(1, None)
    assert (await client.read())["op"] == 11
    assert simulator.gateway.refused_joins == [(cast.account("alpha"), cast.channel(channel), reason)]


async def test_move_members_opens_a_full_channel_and_an_overwrite_a_locked_one(
    http: aiohttp.ClientSession, simulator: Simulator
):
    cast = simulator.cast
    for name in ("akari", "ben"):
        simulator.world.join(cast.guild.id, cast.account(name), cast.channel("Red"))
    cast.guild.everyone.permissions |= 1 << 24
    async with connected(http, simulator.gateway_url) as client:
        await client.identify("token-beta")
        await client.join(simulator, "Red")
        await client.until("VOICE_SERVER_UPDATE")
        await client.join(simulator, "Locked")
        await client.until("VOICE_SERVER_UPDATE")
    assert not simulator.gateway.refused_joins


async def test_a_stage_suppresses(client: Client, simulator: Simulator):
    await client.identify()
    await client.join(simulator, "Stage")
    assert (await client.until("VOICE_STATE_UPDATE"))["suppress"] is True


async def test_everybody_with_the_intent_sees_who_comes_and_goes(client: Client, simulator: Simulator):
    cast = simulator.cast
    await client.identify()
    simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"))
    state = await client.until("VOICE_STATE_UPDATE")
    assert state["member"]["nick"] == "RED Akari"
    simulator.faults.server_mute(cast.account("akari"))
    state = await client.until("VOICE_STATE_UPDATE")
    assert state["mute"] is state["member"]["mute"] is True
    simulator.faults.kick(cast.account("akari"))
    assert (await client.until("VOICE_STATE_UPDATE"))["channel_id"] is None


async def test_without_the_voice_intent_only_oneself_is_seen(client: Client, simulator: Simulator):
    cast = simulator.cast
    await client.identify(intents=1)
    simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"))
    await client.join(simulator, "Blue")
    assert (await client.until("VOICE_STATE_UPDATE"))["user_id"] == str(cast.account("alpha"))


async def test_a_moderators_move_closes_the_old_call_before_the_new_server_is_named(
    client: Client, simulator: Simulator, planes: list[VoicePlane]
):
    cast = simulator.cast
    await client.identify()
    await client.join(simulator, "Red")
    await client.until("VOICE_SERVER_UPDATE")
    simulator.faults.move(cast.account("alpha"), cast.channel("Blue"))
    assert (await client.until("VOICE_STATE_UPDATE"))["channel_id"] == str(cast.channel("Blue"))
    await client.until("VOICE_SERVER_UPDATE")
    assert [note[0] for note in planes[0].notes] == ["admit", "evict", "admit"]
    assert planes[0].notes[1] == ("evict", cast.account("alpha"), 4014)


@pytest.mark.parametrize("outage", [False, True])
async def test_a_server_move(client: Client, simulator: Simulator, planes: list[VoicePlane], outage: bool):
    cast = simulator.cast
    await client.identify()
    await client.join(simulator, "Red")
    await client.until("VOICE_SERVER_UPDATE")
    await simulator.faults.move_voice_server(cast.channel("Red"), outage=outage)
    endpoints = [(await client.until("VOICE_SERVER_UPDATE"))["endpoint"] for _ in range(1 + outage)]
    assert endpoints == [None, "127.0.0.1:2222"][1 - outage :]
    assert planes[0].notes[-1] == ("evict", cast.account("alpha"), 4014)
    assert planes[1].notes[0][0] == "admit"


async def test_voice_faults_reach_the_server_with_the_user(
    client: Client, simulator: Simulator, planes: list[VoicePlane]
):
    alpha = simulator.cast.account("alpha")
    with pytest.raises(KeyError):
        await simulator.faults.close_voice(alpha, 4006)
    await client.identify()
    await client.join(simulator, "Red")
    await client.until("VOICE_SERVER_UPDATE")
    await simulator.faults.close_voice(alpha, 4006)
    await simulator.faults.abort_voice(alpha)
    assert planes[0].notes[1:] == [("evict", alpha, 4006), ("evict", alpha, None)]


async def test_resume_brings_what_was_missed(http: aiohttp.ClientSession, simulator: Simulator):
    cast = simulator.cast
    async with connected(http, simulator.gateway_url) as client:
        ready = await client.identify()
        await client.until("GUILD_CREATE")
        simulator.faults.abort_gateway(cast.account("alpha"))
        assert await client.closed_with() == 1006
    simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"))
    async with connected(http, ready["resume_gateway_url"]) as client:
        await client.send(6, {"token": "token-alpha", "session_id": ready["session_id"], "seq": 2})
        await client.until("RESUMED")
        assert [(frame["s"], frame["t"]) for frame in client.frames[1:]] == [(3, "VOICE_STATE_UPDATE"), (4, "RESUMED")]
    assert simulator.gateway.resumed == 1


async def test_resume_is_refused(http: aiohttp.ClientSession, simulator: Simulator, clock: HandClock):
    alpha = simulator.cast.account("alpha")
    async with connected(http, simulator.gateway_url) as client:
        ready = await client.identify()
        await client.join(simulator, "Red")
        await client.until("VOICE_SERVER_UPDATE")
        body = {"token": "token-alpha", "session_id": ready["session_id"], "seq": 99}
        simulator.faults.abort_gateway(alpha)
        await client.closed_with()
    async with connected(http, simulator.gateway_url) as client:
        await client.send(6, body)
        assert await client.closed_with() == 4007
    async with connected(http, simulator.gateway_url) as client:
        await client.send(6, body | {"session_id": "unknown", "seq": 1})
        assert await client.until(9) is False
    assert simulator.world.voice_state(simulator.cast.guild.id, alpha)
    clock.turn(91)
    async with connected(http, simulator.gateway_url) as client:
        await client.send(6, body | {"seq": 1})
        assert await client.until(9) is False
    assert simulator.world.voice_state(simulator.cast.guild.id, alpha) is None


async def test_a_session_that_missed_too_much_is_invalid(http: aiohttp.ClientSession, simulator: Simulator):
    cast = simulator.cast
    async with connected(http, simulator.gateway_url) as client:
        ready = await client.identify()
        simulator.faults.abort_gateway(cast.account("alpha"))
        await client.closed_with()
    for _ in range(1001):
        simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"))
    async with connected(http, simulator.gateway_url) as client:
        await client.send(6, {"token": "token-alpha", "session_id": ready["session_id"], "seq": 2})
        assert await client.until(9) is False


async def test_a_clean_close_leaves_voice(http: aiohttp.ClientSession, simulator: Simulator):
    async with connected(http, simulator.gateway_url) as client:
        await client.identify()
        await client.join(simulator, "Red")
        await client.until("VOICE_SERVER_UPDATE")
        left = asyncio.Event()
        simulator.world.listen(lambda _event: left.set())
        await client.socket.close(code=1000)
        await asyncio.wait_for(left.wait(), 5)
    assert not simulator.cast.guild.voice_states


async def test_reconnect_invalid_session_and_revoked_token(http: aiohttp.ClientSession, simulator: Simulator):
    alpha = simulator.cast.account("alpha")
    async with connected(http, simulator.gateway_url) as client:
        await client.identify()
        simulator.faults.ask_reconnect(alpha)
        await client.until(7)
        simulator.faults.invalidate_session(alpha, resumable=True)
        assert await client.until(9) is True
        simulator.faults.freeze_gateway(alpha)
        simulator.faults.revoke_token(alpha)
        assert await client.closed_with() == 4004


async def test_one_session_too_many_resets_the_token(
    http: aiohttp.ClientSession, simulator: Simulator, clock: HandClock
):
    alpha = simulator.cast.account("alpha")
    simulator.starts.total = 2
    for _ in range(2):
        async with connected(http, simulator.gateway_url) as client:
            await client.identify()
    async with connected(http, simulator.gateway_url) as client:
        await client.send(2, {"token": "token-alpha", "intents": 129})
        assert await client.closed_with() == 4004
    assert simulator.world.accounts[alpha].token == ""
    clock.turn(86_401)
    assert simulator.starts.describe(alpha)["remaining"] == 2


async def test_members_are_given_by_id_and_by_name(client: Client, simulator: Simulator):
    guild_id, akari = str(simulator.cast.guild.id), str(simulator.cast.account("akari"))
    await client.identify()
    await client.send(8, {"guild_id": guild_id, "user_ids": [akari, "5"], "nonce": "n"})
    chunk = await client.until("GUILD_MEMBERS_CHUNK")
    assert [member["nick"] for member in chunk["members"]] == ["RED Akari"]
    assert (chunk["not_found"], chunk["nonce"]) == (["5"], "n")
    await client.send(8, {"guild_id": guild_id, "query": "red", "limit": 5})
    assert len((await client.until("GUILD_MEMBERS_CHUNK"))["members"]) == 1
