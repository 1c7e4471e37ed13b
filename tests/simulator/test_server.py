"""The whole simulator with its real voice servers: discord.py joins a call, and faults reach it there."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from simulator.network import LinkQuality
from simulator.scene import Scene
from simulator.server import Simulator
from simulator.world import VoiceServerAssigned


@pytest.fixture
async def whole(scene: Scene) -> AsyncIterator[Simulator]:
    async with Simulator(scene) as running:
        yield running


@pytest.fixture
async def bot(whole: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[discord.Client]:
    monkeypatch.setattr(Route, "BASE", whole.api_base)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(whole.gateway_url))
    connector = aiohttp.TCPConnector(ssl=whole.certificates.client)
    intents = discord.Intents(guilds=True, voice_states=True)
    client = discord.Client(intents=intents, connector=connector, guild_ready_timeout=0.05)
    async with client, asyncio.TaskGroup() as group:
        group.create_task(client.start("token-alpha"))
        async with asyncio.timeout(10):
            await client.wait_until_ready()
        yield client
        await client.close()


def test_there_are_two_voice_servers_only_once_it_runs(scene: Scene):
    assert Simulator(scene).voice_servers == ()


async def test_discord_py_joins_an_encrypted_call_and_is_kicked(whole: Simulator, bot: discord.Client):
    red = bot.get_guild(whole.cast.guild.id).get_channel(whole.cast.channel("Red"))
    voice = await red.connect(timeout=10, reconnect=False)
    assert voice.is_connected()
    assert voice.endpoint == whole.voice_servers[0].endpoint
    assert voice._connection.dave_protocol_version == 1
    room = whole.voice_servers[0].rooms[red.id]
    assert list(room.participants) == [bot.user.id]
    whole.faults.kick(bot.user.id)
    async with asyncio.timeout(10):
        await bot.wait_for("voice_state_update", check=lambda _member, _before, after: after.channel is None)
    assert red.id not in whole.voice_servers[0].rooms


async def test_dave_faults_need_a_call(whole: Simulator):
    red = whole.cast.channel("Red")
    for fault in (whole.faults.downgrade_dave, whole.faults.upgrade_dave):
        with pytest.raises(KeyError):
            fault(red)
    with pytest.raises(KeyError):
        whole.faults.cut_link(whole.cast.account("alpha"), 1.0)


async def test_a_persons_link_and_manners_can_be_spoilt(whole: Simulator):
    ben, red = whole.cast.account("ben"), whole.cast.channel("Red")
    server = whole.voice_servers[0]
    assigned = asyncio.Event()
    whole.world.listen(lambda event: assigned.set() if isinstance(event, VoiceServerAssigned) else None)
    whole.world.join(whole.cast.guild.id, ben, red)
    async with asyncio.timeout(5):
        await assigned.wait()
    whole.faults.set_link(ben, LinkQuality(loss=1.0))
    whole.faults.cut_link(ben, 60.0)
    whole.faults.speak_late(ben)
    whole.faults.spoil_commit(red, ben)
    assert server.end_of(ben).down.quality.loss == 1.0
    assert server.end_of(ben).down.cut_until > 0
    assert whole.people.voices[ben].script.late_speaking


async def test_a_refused_voice_identify(whole: Simulator):
    whole.faults.refuse_voice(4021)
    assert [server.refuse_next for server in whole.voice_servers] == [4021, 4021]
