"""A simulated Discord for the wizard's tests, and questioners that ask it."""

from collections.abc import AsyncIterator, Callable

import pytest

from common.secret import Secret
from simulator.scene import parse
from simulator.server import Simulator
from tests.silent_voice import SilentVoicePlane
from tray.wizard.discord_api import BotApi, Site

SCENE = """
seed = 5
[guild]
name = "杯"
everyone = ["VIEW_CHANNEL", "CONNECT"]
[[roles]]
name = "Relay"
permissions = ["SPEAK", "SET_VOICE_CHANNEL_STATUS"]
[[roles]]
name = "Mover"
permissions = ["MOVE_MEMBERS"]
[[roles]]
name = "Quiet"
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
name = "Secret"
overwrites = [{ target = "@everyone", deny = ["VIEW_CHANNEL"] }]
[[channels]]
name = "実況"
[[channels]]
name = "Muted"
overwrites = [{ target = "Relay", deny = ["SPEAK"] }, { target = "Quiet", deny = ["SPEAK"] }]
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
roles = ["Relay", "Mover"]
[[bots]]
name = "gamma"
token = "token-gamma"
roles = ["Relay", "Quiet"]
[[people]]
name = "akari"
"""


AskAs = Callable[[Secret, str], BotApi]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(parse(SCENE), voice_servers=[SilentVoicePlane()]) as running:
        yield running


@pytest.fixture
async def ask_as(simulator: Simulator) -> AsyncIterator[AskAs]:
    site = Site(simulator.api_base, simulator.ca_file)
    async with site.open() as http:
        yield lambda token, bot: BotApi(http, site, token, bot)


@pytest.fixture
def alpha(ask_as: AskAs) -> BotApi:
    return ask_as(Secret("token-alpha"), "alpha")
