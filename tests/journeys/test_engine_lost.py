"""The engine is killed in the middle of a session; the supervisor starts another one and it is as it was."""

import asyncio
import os
import signal
import sys
import time
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
from simulator.transport import SILENCE
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


LIVE_SCENE = (
    SCENE
    + """clip = "ja_1"
talks = [[0.0, 30.0]]
[[people]]
name = "caster"
channel = "Casters"
listens = true
"""
)
BACK_SECONDS = 5.0


def sound_since(discord, moment):
    """Return when the caster's ears first heard the destination's bot after ``moment`` (ns), if they did."""
    bot = discord.cast.bots["casters"].id
    heard = [
        packet.arrival
        for track in tuple(discord.show.ears["caster"].tracks.values())
        for packet in (track.packets if track.user == bot else ())
        if packet.opus != SILENCE and packet.arrival > moment
    ]
    return min(heard, default=None)


async def heard_after(discord, moment, seconds):
    async with asyncio.timeout(seconds):
        while (found := sound_since(discord, moment)) is None:  # noqa: ASYNC110 - ears tell nobody
            await asyncio.sleep(0.02)
    return found


async def test_killed_in_the_middle_of_live_casters_hear_again_within_five_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    async with Simulator(parse(LIVE_SCENE)) as discord:
        cast = discord.cast
        spec = SessionSpec(
            guild=str(cast.guild.id),
            sources=(SourceSpec(channel=str(cast.channel("Red")), bot="red"),),
            destinations=(DestinationSpec(channel=str(cast.channel("Casters")), bot="casters"),),
        )
        bots = {"red": Secret("invented-token-red"), "casters": Secret("invented-token-casters")}
        supervisor = EngineSupervisor(bots, Place(discord.api_base, discord.gateway_url, discord.ca_file))
        await supervisor.start()
        try:
            await supervisor.start_session(spec)
            for phase in (MatchPhase.READY, MatchPhase.LIVE):
                await supervisor.client.call(SetMatch(phase=phase))
            await state_with(supervisor, lambda state: state.match is MatchPhase.LIVE and state.talkers != ())
            await heard_after(discord, 0, 10)
            killed = supervisor.client
            os.kill(killed.welcome.pid, signal.SIGKILL)
            at = time.perf_counter_ns()
            # What was on the way when it was killed arrives within a fraction of this; an engine begins in more.
            again = await heard_after(discord, at + 300_000_000, 20)
            assert (again - at) / 1e9 <= BACK_SECONDS
            state = await state_with(supervisor, lambda state: state.match is MatchPhase.LIVE)
            assert state.phase in {Phase.RUNNING, Phase.DEGRADED}
            assert supervisor.client.welcome.pid != killed.welcome.pid
        finally:
            await supervisor.close()
