"""A simulated Discord for the bots' tests, and bots that are closed again whatever a test does."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from common.secret import Secret
from common.types import BotKey, GuildId
from engine.gateway.bot import Bot
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.gateway.events import BotEvent
from simulator.scene import parse
from simulator.server import Simulator
from tests.silent_voice import SilentVoicePlane

SCENE = """
seed = 3
[guild]
name = "Cup"
[[roles]]
name = "Relay"
permissions = ["SET_VOICE_CHANNEL_STATUS"]
[[categories]]
name = "Teams"
[[channels]]
name = "lobby"
kind = "text"
[[channels]]
name = "Red"
category = "Teams"
limit = 5
[[channels]]
name = "Blue"
category = "Teams"
[[channels]]
name = "Locked"
overwrites = [{ target = "@everyone", deny = ["CONNECT"] }]
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
"""


class Heard:
    """Takes a bot's events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[BotEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: BotEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def wait(self, wanted: Callable[[BotEvent], bool]) -> BotEvent:
        async with asyncio.timeout(5):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._news.clear()
                await self._news.wait()


class Bench:
    """Makes bots against one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.endpoint = Endpoint(simulator.api_base, simulator.gateway_url, simulator.ca_file)
        self.budget = IdentifyBudget(None, lambda: 0.0)
        self.guild = GuildId(simulator.cast.guild.id)
        self.bots: list[Bot] = []

    def bot(self, name: str = "alpha", token: str | None = None, **changes: object) -> tuple[Bot, Heard]:
        heard = Heard()
        options = {"endpoint": self.endpoint, "budget": self.budget, **changes}
        bot = Bot(BotKey(name), Secret(f"token-{name}" if token is None else token), on_event=heard, **options)
        self.bots.append(bot)
        return bot, heard


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Simulator(parse(SCENE), voice_servers=[SilentVoicePlane()]) as simulator:
        running = Bench(simulator)
        yield running
        await asyncio.gather(*(bot.close() for bot in running.bots))
    Endpoint().apply()
