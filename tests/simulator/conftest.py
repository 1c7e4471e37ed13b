"""What the simulator's tests share: a small scene, a voice server that only takes notes, a clock turned by hand."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator.clock import HandClock
from simulator.scene import Scene, parse
from simulator.server import Simulator

SMALL = """
seed = 7
[guild]
name = "Cup"
[[roles]]
name = "Relay"
permissions = ["SET_VOICE_CHANNEL_STATUS"]
[[channels]]
name = "lobby"
kind = "text"
[[channels]]
name = "Red"
limit = 2
[[channels]]
name = "Blue"
[[channels]]
name = "Secret"
overwrites = [{ target = "@everyone", deny = ["VIEW_CHANNEL"] }]
[[channels]]
name = "Locked"
overwrites = [{ target = "@everyone", deny = ["CONNECT"] }, { target = "beta", allow = ["CONNECT"] }]
[[channels]]
name = "Stage"
kind = "stage"
[[bots]]
name = "alpha"
token = "token-alpha"
roles = ["Relay"]
[[bots]]
name = "beta"
token = "token-beta"
[[people]]
name = "akari"
display_name = "Akari"
nickname = "RED Akari"
[[people]]
name = "ben"
display_name = "Ben"
[[people]]
name = "chloe"
"""


class NotingVoicePlane:
    """A voice server without sockets: it writes down what it is told."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.notes: list[tuple[object, ...]] = []
        self.noted = asyncio.Condition()

    def admit(self, guild_id: int, channel_id: int, user_id: int, session_id: str, token: str) -> None:
        self.notes.append(("admit", guild_id, channel_id, user_id, session_id, token))

    async def evict(self, user_id: int, *, close_code: int | None) -> None:
        self.notes.append(("evict", user_id, close_code))


@pytest.fixture
def scene() -> Scene:
    return parse(SMALL)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def planes() -> list[NotingVoicePlane]:
    return [NotingVoicePlane("127.0.0.1:1111"), NotingVoicePlane("127.0.0.1:2222")]


@pytest.fixture
async def simulator(scene: Scene, planes: list[NotingVoicePlane], clock: HandClock) -> AsyncIterator[Simulator]:
    async with Simulator(scene, voice_servers=planes, clock=clock) as running:
        yield running


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=simulator.certificates.client)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session
