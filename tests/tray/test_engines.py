"""Real engines and the real simulator, each a process of its own."""

import asyncio

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.spec import SessionSpec
from common.protocol.state import Phase
from common.secret import Secret
from tray.engine_process import Place
from tray.engines import Engines
from tray.rehearsal import Rehearsal
from tray.restart_policy import EngineLink
from tray.supervisor import EngineSupervisor


@pytest.fixture
async def engines(tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    made = Engines(EngineSupervisor, Place(), {"red": Secret("t-1")})
    yield made
    await made.close()


async def phase(engines, wanted):
    async with asyncio.timeout(20):
        async for state in engines.client.states():
            if state.phase is wanted:
                return


async def test_a_rehearsal_has_an_engine_of_its_own_and_the_real_one_comes_back(engines):
    await engines.start()
    first = engines.client.welcome.pid
    await engines.begin_rehearsal()
    setup = engines.stage.setup
    spec = SessionSpec(guild=setup.guild, sources=setup.sources, destinations=setup.destinations)
    await engines.supervisor.start_session(spec)
    await phase(engines, Phase.RUNNING)
    with pytest.raises(RelayError) as caught:
        await engines.begin_rehearsal()
    assert caught.value.code is ErrorCode.ALREADY_RUNNING
    await engines.end_rehearsal()
    await engines.end_rehearsal()
    assert engines.stage is None
    assert engines.link is EngineLink.READY
    assert engines.client.state.phase is Phase.IDLE
    assert engines.client.welcome.pid != first


async def test_a_rehearsal_that_can_t_begin_leaves_everything_as_it_is(engines):
    async def broken():
        return await Rehearsal.start(("/nowhere/at/all",))

    engines._rehearse = broken
    await engines.start()
    before = engines.supervisor
    with pytest.raises(RelayError):
        await engines.begin_rehearsal()
    assert engines.supervisor is before
    assert engines.stage is None


async def test_an_engine_that_was_given_up_is_started_again_when_a_person_asks(engines):
    engines.supervisor.failure = RelayError(ErrorCode.ENGINE_CRASH_LOOP, count="5", seconds="60")
    with pytest.raises(RelayError):
        assert engines.client
    await engines.revive()
    assert engines.link is EngineLink.READY
    running = engines.supervisor
    await engines.revive()
    assert engines.supervisor is running
