import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import yarl

from common.types import ChannelId, GuildId, UserId
from simulator.calls import Calls
from simulator.permissions import ORDINARY
from simulator.server import Simulator
from simulator.world import VoicePlane, VoiceServerAssigned, VoiceStateChanged, World, WorldEvent


class Stage:
    """A world with two channels and a member, its calls, and everything that was told in order."""

    def __init__(self, planes: list[VoicePlane]) -> None:
        self.world = World(1)
        owner = self.world.add_account("owner")
        guild = self.world.add_guild("Cup", owner.id, ORDINARY)
        self.place: tuple[GuildId, UserId] = (guild.id, owner.id)
        self.red = self.world.add_channel(guild.id, "Red").id
        self.blue = self.world.add_channel(guild.id, "Blue").id
        self.planes = planes
        self.told: list[WorldEvent] = []
        self.calls = Calls(self.world, planes)
        self._assigned = asyncio.Queue()
        self.world.listen(self._note)

    def _note(self, event: WorldEvent) -> None:
        self.told.append(event)
        if isinstance(event, VoiceServerAssigned):
            self._assigned.put_nowait(event)

    def join(self, channel_id: ChannelId) -> None:
        self.world.join(*self.place, channel_id)

    async def assigned(self) -> VoiceServerAssigned:
        return await asyncio.wait_for(self._assigned.get(), 5)


@pytest.fixture
async def stage(planes: list[VoicePlane]) -> AsyncIterator[Stage]:
    stage = Stage(planes)
    stage.calls.start()
    yield stage
    await stage.calls.close()


async def test_the_token_is_admitted_before_it_is_told(stage: Stage):
    stage.join(stage.red)
    told = await stage.assigned()
    state = stage.world.voice_state(*stage.place)
    guild_id, user_id = stage.place
    assert stage.planes[0].notes == [("admit", guild_id, stage.red, user_id, state.session_id, told.token)]
    assert [type(event) for event in stage.told] == [VoiceStateChanged, VoiceServerAssigned]
    assert stage.calls.server_with(*stage.place) is stage.planes[0]


async def test_a_flag_set_at_once_does_not_lose_the_server(stage: Stage):
    stage.join(stage.red)
    stage.world.set_flags(*stage.place, mute=True)
    assert (await stage.assigned()).endpoint == stage.planes[0].endpoint


async def test_who_left_at_once_is_not_admitted(stage: Stage):
    stage.join(stage.red)
    stage.world.leave(*stage.place)
    stage.join(stage.blue)
    await stage.assigned()
    assert [note[2] for note in stage.planes[0].notes if note[0] == "admit"] == [stage.blue]


async def test_leaving_evicts_with_4014(stage: Stage):
    stage.join(stage.red)
    await stage.assigned()
    stage.world.leave(*stage.place)
    stage.join(stage.red)
    await stage.assigned()
    assert stage.planes[0].notes[1] == ("evict", stage.place[1], 4014)


async def test_a_moved_call_stays_where_it_went(stage: Stage):
    stage.join(stage.red)
    await stage.assigned()
    assert await stage.calls.move_call(stage.place[0], stage.red) is stage.planes[1]
    await stage.assigned()
    stage.join(stage.red)
    assert (await stage.assigned()).endpoint == stage.planes[1].endpoint
    stage.join(stage.blue)
    assert (await stage.assigned()).endpoint == stage.planes[0].endpoint
    assert ("evict", stage.place[1], 4014) in stage.planes[1].notes


async def test_without_a_voice_server_a_join_is_told_that_there_is_none():
    stage = Stage([])
    stage.calls.start()
    stage.join(stage.red)
    assert (await stage.assigned()).endpoint is None
    await stage.calls.close()


async def test_only_this_computer_can_come_in(simulator: Simulator):
    url = yarl.URL(simulator.api_base)
    assert url.host == "127.0.0.1"
    with pytest.raises(OSError, match=r"refused|unreachable|assign"):
        socket.create_connection(("127.0.0.2", url.port), timeout=2)
