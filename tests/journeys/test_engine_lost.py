"""The engine is killed in the middle of a session; the supervisor starts another one and it is as it was."""

import asyncio
import os
import signal
import sys
from contextlib import suppress

import pytest

from common.errors import RelayError
from common.protocol.messages import (
    Kill,
    MuteSource,
    SetDestinationDelay,
    SetLoudness,
    SetMatch,
    SetSourceEqualizer,
    SetTalkerGain,
    SetTalkerSuppression,
    StopSession,
)
from common.protocol.spec import DestinationSpec, EqualizerSpec, SessionSpec, SourceSpec, StripSpec
from common.protocol.state import MatchPhase, Phase
from common.secret import Secret
from common.types import Suppression
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
            await supervisor.start_session(spec)
            client = supervisor.client
            for command in (
                SetTalkerGain(user=akari, gain=0.25),
                SetTalkerSuppression(user=akari, suppression=Suppression.STANDARD),
                SetSourceEqualizer(source=red, equalizer=EqualizerSpec(low_db=-6.0)),
                SetDestinationDelay(destination=casters, delay_s=30.0),
                SetLoudness(loudness=-23.0),
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
            assert (before.spec.destinations[0].delay_s, before.spec.loudness) == (30.0, -23.0)
            strip = StripSpec(gain=0.25, suppression=Suppression.STANDARD)
            assert before.talkers[0].strip == strip
            kept = before.destinations[0].silent_until_ms, after.destinations[0].silent_until_ms
            assert kept[0] < kept[1]  # the new engine's delay line begins empty too
            await supervisor.client.call(StopSession())
            await supervisor.start_session(spec)
            again = await state_with(supervisor, lambda state: state.phase is Phase.RUNNING and state.talkers != ())
            assert again.talkers[0].strip == strip
        finally:
            await supervisor.close()
        bots_left = [bot for bot in cast.bots.values() if discord.world.voice_state(cast.guild.id, bot.id) is not None]
        assert bots_left == []
