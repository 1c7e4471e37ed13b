import asyncio
from types import SimpleNamespace

import discord
import pytest

from engine.voice.client import RelayVoiceProtocol

STATE = {"channel_id": "20", "session_id": "session"}
SERVER = {"token": "token", "guild_id": "10", "endpoint": "wss://host:443"}


class Channel(discord.VoiceChannel):
    """A channel with a guild that notes what is asked of it; discord.py's own needs a whole connection state."""

    def __init__(self):
        self.asked = []
        self.id = 20
        self.guild = SimpleNamespace(id=10, change_voice_state=self.ask)

    async def ask(self, **wish):
        self.asked.append(wish)


class Place:
    def __init__(self):
        self.servers = []
        self.channel = Channel()
        client = SimpleNamespace(user=SimpleNamespace(id=30))
        self.protocol = RelayVoiceProtocol(client, self.channel, on_server=self.servers.append)

    def connect(self, timeout=5.0):
        return asyncio.ensure_future(
            self.protocol.connect(timeout=timeout, reconnect=False, self_deaf=False, self_mute=True)
        )


@pytest.mark.parametrize("order", [("state", "server"), ("server", "state")])
async def test_both_answers_in_either_order(order):
    place = Place()
    joining = place.connect()
    for which in order:
        await asyncio.sleep(0)
        assert not joining.done()
        if which == "state":
            await place.protocol.on_voice_state_update(STATE)
        else:
            await place.protocol.on_voice_server_update(SERVER)
    await joining
    server = place.protocol.server
    assert (server.guild, server.channel, server.user, server.session) == (10, 20, 30, "session")
    assert server.endpoint == "host:443"
    assert place.channel.asked == [{"channel": place.channel, "self_mute": True, "self_deaf": False}]
    assert place.servers == []


async def test_without_an_endpoint_it_goes_on_waiting():
    place = Place()
    joining = place.connect()
    await place.protocol.on_voice_state_update(STATE)
    await place.protocol.on_voice_server_update({**SERVER, "endpoint": None})
    await asyncio.sleep(0)
    assert not joining.done()
    await place.protocol.on_voice_server_update(SERVER)
    await joining


async def test_a_full_channel_is_not_answered():
    place = Place()
    with pytest.raises(TimeoutError):
        await place.connect(timeout=0.01)


async def test_later_servers_are_told():
    place = Place()
    joining = place.connect()
    await place.protocol.on_voice_state_update(STATE)
    await place.protocol.on_voice_server_update(SERVER)
    await joining
    await place.protocol.on_voice_server_update({**SERVER, "endpoint": None})
    assert place.protocol.server is None
    await place.protocol.on_voice_server_update({**SERVER, "endpoint": "other:1"})
    assert place.servers == [False, True]
    assert place.protocol.server.endpoint == "other:1"


async def test_thrown_out_there_is_no_server():
    place = Place()
    await place.protocol.on_voice_state_update(STATE)
    await place.protocol.on_voice_server_update(SERVER)
    await place.protocol.on_voice_state_update({"channel_id": None, "session_id": "session"})
    assert place.protocol.server is None
