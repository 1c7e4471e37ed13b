"""A real engine process without a session: start, hello, ping, and every way to its end."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from common.errors import RelayError
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Ping, Pong, SetMatch, Shutdown
from common.protocol.state import MatchPhase
from common.secret import Secret

TOKEN = Secret("a-control-token")
BOT_TOKEN = Secret("a-bot-token")
END_SECONDS = 5.0


async def spawn(*arguments):
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )


@asynccontextmanager
async def running(address="tcp:0", *, stay=False):
    """Start an engine and connect; what is left of it is killed."""
    process = await spawn()
    try:
        given = Bootstrap(address=str(address), token=TOKEN, bots={"A": BOT_TOKEN}, stay=stay)
        process.stdin.write(bootstrap.write_line(given))
        listening = bootstrap.read_listening(await asyncio.wait_for(process.stdout.readline(), 20))
        client = await ControlClient.connect(Address.parse(listening.address), TOKEN)
        yield process, client
        await client.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ends(process):
    """Return the exit status of a process that must end by itself now."""
    async with asyncio.timeout(END_SECONDS):
        return await process.wait()


async def test_the_audio_threads_wait_for_the_loop_for_much_less_than_a_tick():
    program = """import sys; from engine.__main__ import main; main(sys.argv[1:]); print(sys.getswitchinterval())"""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "--session", "nowhere.toml", stdout=pipe, stderr=pipe
    )
    told, _ = await process.communicate()
    assert float(told.splitlines()[-1]) < 1e-3 < sys.getswitchinterval()


async def test_it_starts_greets_answers_and_ends_on_shutdown():
    async with running() as (process, client):
        assert client.welcome.pid == process.pid
        assert isinstance(await client.call(Ping()), Pong)
        await client.call(Shutdown())
        assert await ends(process) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets")
async def test_the_socket_is_gone_with_the_engine(tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "e.sock"
    async with running(Address(path=path)) as (process, client):
        await client.call(Shutdown())
        await ends(process)
    assert not path.exists()


async def test_it_ends_when_its_supervisor_is_gone():
    async with running() as (process, _client):
        process.stdin.close()
        assert await ends(process) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets")
async def test_told_to_stay_it_outlives_its_supervisor_and_another_one_takes_it_over(tmp_path_factory):
    address = Address(path=tmp_path_factory.getbasetemp() / "stay.sock")
    async with running(address, stay=True) as (process, client):
        await client.call(SetMatch(phase=MatchPhase.READY))
        process.stdin.close()
        await client.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)  # one that does not stay is gone by then
        other = await ControlClient.connect(address, TOKEN)
        assert other.welcome.pid == process.pid
        assert other.state.match is MatchPhase.READY
        await other.call(Shutdown())
        assert await ends(process) == 0
        await other.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_cleanly_on_a_signal(number):
    async with running() as (process, _client):
        process.send_signal(number)
        assert await ends(process) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
async def test_no_secret_is_among_its_arguments_or_in_its_environment():
    async with running() as (process, _client):
        for name in ("cmdline", "environ"):
            shown = (Path("/proc") / str(process.pid) / name).read_bytes()
            assert TOKEN.reveal().encode() not in shown
            assert BOT_TOKEN.reveal().encode() not in shown


async def test_nothing_it_writes_holds_a_secret():
    async with running() as (process, client):
        await client.call(Ping())
        with pytest.raises(RelayError):
            await ControlClient.connect(Address(port=1), TOKEN)
        process.stdin.close()
        written = b"".join(await process.communicate())
    assert TOKEN.reveal().encode() not in written
    assert BOT_TOKEN.reveal().encode() not in written


@pytest.mark.parametrize("line", [b"", b"noise\n", b'{"type":"bootstrap","address":"x:y","token":"tok-en"}\n'])
async def test_a_wrong_first_line_ends_it_with_a_sentence(line):
    process = await spawn()
    _, said = await asyncio.wait_for(process.communicate(line), 20)
    assert process.returncode == 2
    assert b"Traceback" not in said
    assert b"tok-en" not in said
    assert said


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
async def test_an_address_that_can_not_be_had_ends_it():
    process = await spawn()
    given = Bootstrap(address="unix:/proc/nowhere/e.sock", token=TOKEN)
    _, said = await asyncio.wait_for(process.communicate(bootstrap.write_line(given)), 20)
    assert process.returncode == 1
    assert b"Traceback" not in said


@pytest.mark.parametrize("arguments", [("--meters-hz", "0"), ("--meters-hz", "fast"), ("--sesion", "x")])
async def test_wrong_arguments_are_told(arguments):
    process = await spawn(*arguments)
    await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
