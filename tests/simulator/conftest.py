"""What the simulator's tests share: a small scene, a voice server that only takes notes, a clock turned by hand."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

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


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep_until(self, moment: float) -> None:
        if moment > self.time:
            future = asyncio.get_running_loop().create_future()
            self._sleepers.append((moment, future))
            await future

    def turn(self, seconds: float) -> None:
        self.time += seconds
        for moment, future in self._sleepers:
            if moment <= self.time and not future.done():
                future.set_result(None)


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
