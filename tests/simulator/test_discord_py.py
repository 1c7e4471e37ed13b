"""The real discord.py against the control plane: what it must find to log in, keep its caches and come back."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from simulator.clock import HandClock
from simulator.scene import fill
from simulator.server import Simulator
from simulator.world import VoicePlane

INTENTS = discord.Intents(guilds=True, voice_states=True)


class Client(discord.Client):
    """A bot that notes the events it gets, and identifies again without discord.py's pause of five seconds."""

    def __init__(self, simulator: Simulator) -> None:
        # The connector needs a running loop and belongs to the client, which closes it.
        connector = aiohttp.TCPConnector(ssl=simulator.certificates.client)
        super().__init__(intents=INTENTS, connector=connector, guild_ready_timeout=0.05)
        self.events: asyncio.Queue[tuple[str, tuple]] = asyncio.Queue(1000)

    def dispatch(self, event: str, /, *args: object, **kwargs: object) -> None:
        super().dispatch(event, *args, **kwargs)
        self.events.put_nowait((event, args))

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        pass

    async def until(self, wanted: str) -> tuple:
        async with asyncio.timeout(10):
            while True:
                event, args = await self.events.get()
                if event == wanted:
                    return args


@pytest.fixture(autouse=True)
def _pointed(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", simulator.api_base)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(simulator.gateway_url))


@asynccontextmanager
async def running(simulator: Simulator):
    client = Client(simulator)
    async with client, asyncio.TaskGroup() as group:
        group.create_task(client.start("token-alpha"))
        await client.until("ready")
        yield client
        await client.close()


@pytest.fixture
async def client(simulator: Simulator):
    async with running(simulator) as client:
        yield client


async def test_the_cache_holds_guild_channels_and_nicknames_at_intents_129(simulator: Simulator):
    cast = simulator.cast
    simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"), self_mute=True)
    assert INTENTS.value == 129
    async with running(simulator) as client:
        guild = client.get_guild(cast.guild.id)
        red = guild.get_channel(cast.channel("Red"))
        assert client.user.name == "alpha"
        assert client.application_id == cast.account("alpha")
        assert (guild.name, red.name, red.user_limit) == ("Cup", "Red", 2)
        assert isinstance(guild.get_channel(cast.channel("Stage")), discord.StageChannel)
        assert [member.display_name for member in red.members] == ["RED Akari"]
        assert red.members[0].voice.self_mute
        assert guild.me.guild_permissions.connect
        assert not guild.get_channel(cast.channel("Secret")).permissions_for(guild.me).connect
        assert not guild.get_channel(cast.channel("Locked")).permissions_for(guild.me).connect


async def test_a_wrong_token_is_a_login_failure(simulator: Simulator):
    async with Client(simulator) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")


async def test_people_come_and_go(simulator: Simulator, client: Client):
    cast = simulator.cast
    simulator.world.join(cast.guild.id, cast.account("akari"), cast.channel("Red"))
    member, before, after = await client.until("voice_state_update")
    assert (member.display_name, before.channel, after.channel.name) == ("RED Akari", None, "Red")
    simulator.world.leave(cast.guild.id, cast.account("akari"))
    member, before, after = await client.until("voice_state_update")
    assert (before.channel.name, after.channel) == ("Red", None)


async def test_resume_after_an_abort_brings_what_was_missed(simulator: Simulator, client: Client):
    cast = simulator.cast
    simulator.faults.abort_gateway(cast.account("alpha"))
    simulator.world.join(cast.guild.id, cast.account("ben"), cast.channel("Blue"))
    member, _, after = await client.until("voice_state_update")
    assert (member.display_name, after.channel.name) == ("Ben", "Blue")
    await client.until("resumed")
    assert simulator.starts.used(cast.account("alpha")) == 1


async def test_a_full_guild_is_read(simulator: Simulator, client: Client, clock: HandClock):
    guild = simulator.cast.guild
    fill(simulator.world, guild)
    updating = asyncio.ensure_future(simulator.gateway.keep_updating(guild.id, 0.5))
    await asyncio.sleep(0)
    clock.turn(0.5)
    before, after = await client.until("guild_update")
    updating.cancel()
    assert (len(before.roles), len(after.roles)) == (2, 250)


@pytest.mark.parametrize("resumable", [True, False])
async def test_invalid_session(simulator: Simulator, client: Client, resumable: bool):
    alpha = simulator.cast.account("alpha")
    simulator.faults.invalidate_session(alpha, resumable=resumable)
    await client.until("resumed" if resumable else "ready")
    assert simulator.starts.used(alpha) == (1 if resumable else 2)


@pytest.mark.parametrize("code", [4000, 4009, 1000])
async def test_it_comes_back_after_a_close(simulator: Simulator, client: Client, code: int):
    simulator.faults.close_gateway(simulator.cast.account("alpha"), code)
    await client.until("resumed" if code == 4000 else "ready")


async def test_reconnect_on_request_resumes(simulator: Simulator, client: Client):
    simulator.faults.ask_reconnect(simulator.cast.account("alpha"))
    await client.until("resumed")


async def test_voice_updates_reach_a_voice_protocol(simulator: Simulator, client: Client, planes: list[VoicePlane]):
    heard: asyncio.Queue[tuple[str, dict]] = asyncio.Queue(10)

    class Protocol(discord.VoiceProtocol):
        async def on_voice_state_update(self, data: object) -> None:
            heard.put_nowait(("state", data))

        async def on_voice_server_update(self, data: object) -> None:
            heard.put_nowait(("server", data))

        async def connect(self, **_options: object) -> None:
            await self.channel.guild.change_voice_state(channel=self.channel)

        async def disconnect(self, **_options: object) -> None:
            await self.channel.guild.change_voice_state(channel=None)
            self.cleanup()

    channel = client.get_guild(simulator.cast.guild.id).get_channel(simulator.cast.channel("Red"))
    async with asyncio.timeout(10):
        voice = await channel.connect(cls=Protocol)
        kinds = dict([await heard.get(), await heard.get()])
        assert kinds["server"]["endpoint"] == planes[0].endpoint
        assert kinds["state"]["session_id"] == client.ws.session_id
        await voice.disconnect()
        await client.until("voice_state_update")
        await client.until("voice_state_update")
    assert not simulator.cast.guild.voice_states


async def test_a_rate_limit_is_waited_for(simulator: Simulator, client: Client):
    simulator.faults.rate_limit(count=1, retry_after=0.01)
    assert (await client.fetch_guild(simulator.cast.guild.id)).name == "Cup"
    assert simulator.rest.invalid_requests == 1


async def test_rest_objects_are_understood(simulator: Simulator, client: Client):
    cast = simulator.cast
    guild = await client.fetch_guild(cast.guild.id)
    assert (await client.application_info()).id == cast.account("alpha")
    assert {channel.name for channel in await guild.fetch_channels()} >= {"Red", "Stage", "lobby"}
    assert (await guild.fetch_member(cast.account("akari"))).nick == "RED Akari"
    with pytest.raises(discord.NotFound):
        await guild.fetch_member(1)
    with pytest.raises(discord.Forbidden):
        await client.fetch_channel(cast.channel("Secret"))
