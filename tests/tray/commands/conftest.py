"""A desk with everything real: an engine process, a vault, the simulated Discord."""

import asyncio

import pytest

from common.protocol.state import Role
from common.secret import Secret
from simulator.server import Simulator
from tests.tray.desks import make_desk
from tray.commands.table import Commands
from tray.engine_process import Place
from tray.panel import messages as m
from tray.restart_policy import EngineLink

PASSPHRASE = Secret("correct horse battery")
ROLES = {"relay-red": Role.SOURCE, "relay-blue": Role.SOURCE, "relay-casters": Role.DESTINATION}


class Office:
    """A desk, and the person at the page in front of it."""

    def __init__(self, folder, discord):
        self.folder = folder
        self.discord = discord
        self.tokens = {name: Secret(bot.token) for name, bot in discord.cast.bots.items()}
        self.desk = make_desk(folder, place=Place(discord.api_base, discord.gateway_url, discord.ca_file))
        self._commands = Commands(self.desk)

    async def do(self, command):
        return await self._commands.carry_out(command)

    async def until(self, holds):
        """Wait until what the desk knows is so."""
        news = asyncio.Event()
        remove = self.desk.listen(news.set)
        async with asyncio.timeout(20):
            while not holds(self.desk.desk()):
                news.clear()
                await news.wait()
        remove()

    async def ready(self):
        await self.until(lambda desk: desk.engine is EngineLink.READY and desk.secrets.fault is not None)

    async def unlock(self):
        await self.do(m.UnlockSecrets(passphrase=PASSPHRASE))

    async def save_bots(self):
        for name, role in ROLES.items():
            await self.do(m.SaveBot(bot=name, role=role, token=self.tokens[name]))

    async def set_up(self):
        """Have three bots in their channels."""
        await self.unlock()
        await self.save_bots()
        found = await self.do(m.FindChannels(guild=str(self.discord.cast.guild.id)))
        setup = m.Setup(found.guild, found.guild_name, found.sources, found.destinations)
        await self.do(m.SaveSetup(setup=setup))
        return setup


@pytest.fixture
async def office(tmp_path, monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    async with Simulator(folder=tmp_path) as discord:
        made = Office(tmp_path, discord)
        await made.desk.start()
        await made.ready()
        yield made
        await made.desk.close()
