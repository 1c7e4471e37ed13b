"""The supervisor and real engine processes: killed, frozen, and killed again and again."""

import asyncio
import os
import signal
import sys
from types import SimpleNamespace

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import Ping, Pong, SetMatch, StartSession, StopSession
from common.protocol.spec import SessionSpec, StripSpec
from common.protocol.state import MatchPhase, Phase, SessionState
from tray import resume, supervisor
from tray.engine_process import EngineProcess, Place
from tray.resume import Memory
from tray.supervisor import EngineSupervisor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
SPEC = SessionSpec(guild="1", sources=(), destinations=())


async def blink(seconds):
    """Let no time go by but what the other side needs."""
    await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture
async def watched(tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    made = EngineSupervisor({}, sleep=blink)
    await made.start()
    yield made
    await made.close()


async def until(holds, seconds=30):
    """Wait for what another process brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nothing tells when a process was replaced
            await asyncio.sleep(0.01)


async def restarted(watched, times):
    """Wait until that many restarts happened and the engine can be spoken with."""
    await until(lambda: watched.restarts >= times and watched._engine is not None)
    assert isinstance(await watched.client.call(Ping()), Pong)


async def test_a_killed_engine_is_replaced_and_is_what_it_was(watched):
    for phase in (MatchPhase.READY, MatchPhase.LIVE):
        await watched.client.call(SetMatch(phase=phase))
    await until(lambda: watched._memory.match is MatchPhase.LIVE)
    killed = watched._engine
    os.kill(killed.process.pid, signal.SIGKILL)
    await restarted(watched, 1)
    assert watched.client.welcome.pid != killed.process.pid
    async with asyncio.timeout(5):
        async for state in watched.client.states():
            if state.match is MatchPhase.LIVE:
                break
    assert not killed.address.path.exists()


async def test_a_frozen_engine_is_replaced(watched, monkeypatch):
    monkeypatch.setattr(supervisor, "PING_TIMEOUT", 0.5)
    frozen = watched._engine.process
    os.kill(frozen.pid, signal.SIGSTOP)
    await restarted(watched, 1)
    assert frozen.returncode == -signal.SIGKILL


@pytest.mark.slow
async def test_an_engine_that_dies_again_and_again_is_given_up_with_a_reason(watched):
    for times in range(1, 5):
        os.kill(watched._engine.process.pid, signal.SIGKILL)
        await restarted(watched, times)
    os.kill(watched._engine.process.pid, signal.SIGKILL)
    await asyncio.wait_for(watched.wait(), 10)
    assert watched.failure is not None
    assert watched.failure.code is ErrorCode.ENGINE_CRASH_LOOP
    assert watched.failure.details == {"count": "5", "seconds": "60"}
    with pytest.raises(RelayError) as refused:
        _ = watched.client
    assert refused.value is watched.failure


async def test_closing_ends_the_engine_in_good_order(watched):
    process = watched._engine.process
    await watched.close()
    assert process.returncode == 0


async def test_an_engine_that_can_not_be_started_again_is_given_up_with_a_reason(watched):
    watched._command = ("/nowhere/engine",)
    os.kill(watched._engine.process.pid, signal.SIGKILL)
    await asyncio.wait_for(watched.wait(), 10)
    assert watched.failure is not None
    assert watched.failure.code is ErrorCode.ENGINE_CRASH_LOOP


async def test_a_first_engine_that_is_not_there_is_told():
    with pytest.raises(RelayError) as refused:
        await EngineSupervisor({}, command=("/nowhere/engine",)).start()
    assert refused.value.code is ErrorCode.ENGINE_LOST
    assert "/nowhere/engine" in refused.value.details["reason"]


async def test_a_supervisor_that_breaks_says_so(watched):
    async def broken(_seconds):
        raise ZeroDivisionError

    watched._sleep = broken
    os.kill(watched._engine.process.pid, signal.SIGKILL)
    await asyncio.wait_for(watched.wait(), 10)
    assert watched.failure is not None
    assert watched.failure.code is ErrorCode.INTERNAL
    assert watched.failure.details == {"reason": "ZeroDivisionError"}


@pytest.mark.parametrize(
    "script",
    [
        "",
        "print('noise')",
        "print('x' * 100_000)",
        'print(\'{"type":"listening","address":"tcp:1","pid":1}\')',
    ],
)
async def test_what_is_no_engine_is_not_taken_for_one(script):
    with pytest.raises(RelayError) as refused:
        await EngineProcess.start({}, Place(), command=(sys.executable, "-c", script))
    assert refused.value.code in {ErrorCode.ENGINE_LOST, ErrorCode.PROTOCOL_MALFORMED}


class ScriptedClient:
    """Answers the calls of a restore one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.lost = asyncio.Event()

    async def call(self, command):
        self.calls.append(command)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise RelayError(answer)


def remembering(spec=SPEC, match=MatchPhase.IDLE):
    made = EngineSupervisor({}, sleep=blink)
    made._memory = Memory(spec=spec, match=match)
    return made


async def test_a_session_that_can_not_be_started_yet_is_tried_again():
    client = ScriptedClient(ErrorCode.VOICE_TIMEOUT, ErrorCode.DISCORD_UNREACHABLE)
    made = remembering(match=MatchPhase.READY)
    await made._restore(client)
    assert client.calls == [StartSession(spec=SPEC, restore=True)] * 3 + [SetMatch(phase=MatchPhase.READY)]
    assert made.not_restored is None


async def test_a_session_that_can_not_be_started_at_all_is_told():
    client = ScriptedClient(*[ErrorCode.TOKEN_INVALID] * 100)
    made = remembering()
    await made._restore(client)
    assert made.not_restored is not None
    assert made.not_restored.code is ErrorCode.TOKEN_INVALID
    assert len(client.calls) < 20


@pytest.mark.parametrize("answer", [ErrorCode.ALREADY_RUNNING, ErrorCode.NOT_RUNNING])
async def test_what_somebody_else_started_or_stopped_meanwhile_is_left_alone(answer):
    client = ScriptedClient(answer)
    made = remembering()
    await made._restore(client)
    assert len(client.calls) == 1
    assert made.not_restored is None


@pytest.mark.parametrize("command", [StopSession(), StartSession(spec=SPEC)])
async def test_a_person_who_decides_between_two_tries_ends_the_restoring(watched, command):
    delays = []

    async def person(seconds):
        delays.append(seconds)
        with pytest.raises(RelayError):
            await watched.client.call(command)

    made = remembering()
    made._sleep = person
    await made._restore(watched.client)
    assert len(delays) == 1
    assert made.not_restored is None


async def test_a_session_starts_with_what_was_remembered_and_every_change_of_it_is_told():
    changes = []
    made = EngineSupervisor({}, strips={"7": StripSpec(gain=0.5)}, on_change=changes.append)
    client = ScriptedClient()
    made._engine = SimpleNamespace(client=client)
    await made.start_session(SPEC)
    assert client.calls == [StartSession(spec=SPEC, strips={"7": StripSpec(gain=0.5)})]
    made._remember(made._memory)
    assert changes == []
    made._remember(resume.remembered(made._memory, SessionState(phase=Phase.RUNNING, spec=SPEC)))
    assert changes == [Memory(spec=SPEC, strips={"7": StripSpec(gain=0.5)})]


def test_a_lost_engine_leaves_the_memory_of_what_ran():
    memory = resume.remembered(Memory(), SessionState(phase=Phase.RUNNING, spec=SPEC))
    assert memory.spec == SPEC
