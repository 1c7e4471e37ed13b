"""The engine is killed in the middle of a session; the supervisor starts another one and it is as it was."""

import asyncio
import os
import signal
import sys
from contextlib import suppress

import pytest

from common.errors import RelayError
from common.protocol.messages import Kill, MuteSource, SetMatch, SetTalkerGain, StartSession
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import MatchPhase, Phase
from common.secret import Secret
from simulator.scene import parse
from simulator.server import Simulator
from tray.engine_process import Place
from tray.supervisor import EngineSupervisor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")

SCENE = """
seed = 6
[guild]
name = "Cup"
[[channels]]
name = "Red"
[[channels]]
name = "Casters"
[[bots]]
name = "red"
token = "invented-token-red"
[[bots]]
name = "casters"
token = "invented-token-casters"
[[people]]
name = "akari"
channel = "Red"
"""


async def state_with(supervisor, holds):
    """Return the first state that ``holds``, of whichever engine runs."""
    async with asyncio.timeout(30):
        while True:
            with suppress(RelayError):
                async for state in supervisor.client.states():
                    if holds(state) and not supervisor.client.lost.is_set():
                        return state
            await asyncio.sleep(0.05)


async def test_a_session_outlives_its_engine(tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    async with Simulator(parse(SCENE)) as discord:
        cast, akari = discord.cast, str(discord.cast.people["akari"].id)
        red, casters = str(cast.channel("Red")), str(cast.channel("Casters"))
        spec = SessionSpec(
            guild=str(cast.guild.id),
            sources=(SourceSpec(channel=red, bot="red"),),
            destinations=(DestinationSpec(channel=casters, bot="casters"),),
        )
        bots = {"red": Secret("invented-token-red"), "casters": Secret("invented-token-casters")}
        supervisor = EngineSupervisor(bots, Place(discord.api_base, discord.gateway_url, discord.ca_file))
        await supervisor.start()
        try:
            client = supervisor.client
            for command in (
                StartSession(spec=spec),
                SetTalkerGain(user=akari, gain=0.25),
                MuteSource(source=red, muted=True),
                Kill(active=True),
                SetMatch(phase=MatchPhase.READY),
            ):
                await client.call(command)
            before = client.state
            await state_with(supervisor, lambda state: state.match is MatchPhase.READY)
            os.kill(client.welcome.pid, signal.SIGKILL)
            await asyncio.wait_for(client.lost.wait(), 5)
            after = await state_with(
                supervisor, lambda state: state.phase is Phase.RUNNING and state.match is MatchPhase.READY
            )
            assert supervisor.restarts == 1
            assert (after.spec, after.kill, after.talkers) == (before.spec, before.kill, before.talkers)
            assert before.spec is not None
            assert before.spec.sources[0].muted
            assert before.talkers[0].gain == 0.25
        finally:
            await supervisor.close()
        bots_left = [bot for bot in cast.bots.values() if discord.world.voice_state(cast.guild.id, bot.id) is not None]
        assert bots_left == []
