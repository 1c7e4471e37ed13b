"""``python -m engine --session``: real processes on the simulated Discord, however standard output is read."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from simulator.scene import parse
from simulator.server import Simulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")

SCENE = """
seed = 5
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
TOKENS = {"DVC_RED": "invented-token-red", "DVC_CASTERS": "invented-token-casters"}


@pytest.fixture
async def discord():
    async with Simulator(parse(SCENE)) as simulator:
        yield simulator


def session_file(discord, folder):
    cast = discord.cast
    path = folder / "session.toml"
    (folder / "ca.pem").write_bytes(discord.ca_file.read_bytes())
    path.write_text(f"""
guild = {cast.guild.id}
[[sources]]
channel = "{cast.channel("Red")}"
token_env = "DVC_RED"
[[destinations]]
channel = {cast.channel("Casters")}
token_env = "DVC_CASTERS"
[endpoint]
api_base = "{discord.api_base}"
gateway_url = "{discord.gateway_url}"
ca_file = "ca.pem"
""")
    return path


def in_voice(discord):
    """Return the bots that are in a channel."""
    found = (
        (name, discord.world.voice_state(discord.cast.guild.id, bot.id)) for name, bot in discord.cast.bots.items()
    )
    return {name for name, state in found if state is not None}


@asynccontextmanager
async def relay(path, *, tokens=TOKENS, stdout=asyncio.subprocess.PIPE, program=("-m", "engine"), arguments=()):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "--session", str(path), *arguments),
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **tokens, "LC_ALL": "C"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(holds, seconds=20):
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.01)


async def lines_until(process, found):
    """Return the lines of standard output up to the first that ``found`` accepts."""
    lines = []
    async with asyncio.timeout(20):
        while not lines or not found(lines[-1]):
            raw = await process.stdout.readline()
            assert raw, await process.stderr.read()
            lines.append(json.loads(raw))
    return lines


async def ends(process, number):
    """Send a signal; return the exit status and what was written meanwhile. It may take five seconds."""
    process.send_signal(number)
    async with asyncio.timeout(5):
        written, said = await process.communicate()
    return process.returncode, [json.loads(line) for line in (written or b"").splitlines()], said.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_relays_tells_what_it_does_and_ends_on_a_signal(discord, tmp_path, number):
    async with relay(session_file(discord, tmp_path), arguments=("--meters-hz", "20")) as process:
        lines = await lines_until(process, lambda line: line.get("phase") == "running")
        assert lines[0]["type"] == "snapshot"
        assert {line["type"] for line in lines[1:]} <= {"changed", "meters"}
        assert in_voice(discord) == {"red", "casters"}
        (meters,) = (await lines_until(process, lambda line: line["type"] == "meters"))[-1:]
        assert meters["sources"][0]["source"] == str(discord.cast.channel("Red"))
        status, lines, said = await ends(process, number)
    assert status == 0
    assert "Traceback" not in said
    phases = [line["phase"] for line in lines if "phase" in line]
    assert phases == ["stopping", "idle"]
    assert in_voice(discord) == set()
    for token in TOKENS.values():
        assert token not in said
        assert token not in json.dumps(lines)


async def test_a_signal_while_it_starts_ends_it_too(discord, tmp_path):
    async with relay(session_file(discord, tmp_path)) as process:
        await lines_until(process, lambda line: line.get("phase") == "starting")
        status, _, said = await ends(process, signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in said
    assert in_voice(discord) == set()


STUBBORN = """
import asyncio, contextlib, os, sys
from engine import __main__, app
from engine.session.relay import RelaySession

async def start(*_arguments, **_named):
    os.write(1, b"\\nstarting\\n")  # a line of its own, also in the middle of one that another thread writes
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

app.STOP_SECONDS, app.END_SECONDS = 60.0, 0.1
RelaySession.start = start
sys.exit(__main__.main(sys.argv[1:]))
"""


async def test_a_start_that_can_not_be_taken_back_does_not_delay_the_end(discord, tmp_path):
    async with relay(session_file(discord, tmp_path), program=("-c", STUBBORN)) as process:
        async with asyncio.timeout(20):
            while await process.stdout.readline() != b"starting\n":
                pass
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await process.wait()
    assert process.returncode == 1


def full_pipe():
    """Make a pipe into which not one byte more fits."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n" * 4096)
    os.set_blocking(writing, True)
    return reading, writing


@pytest.mark.parametrize("gone", [True, False])
async def test_nobody_has_to_read_what_it_writes(discord, tmp_path, gone):
    reading, writing = full_pipe()
    path = session_file(discord, tmp_path)
    async with relay(path, stdout=writing, arguments=("--meters-hz", "50")) as process:
        os.close(writing)
        if gone:
            os.close(reading)
        await until(lambda: in_voice(discord) == {"red", "casters"})
        assert process.returncode is None
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await process.wait()
        assert process.returncode == 0
    if not gone:
        os.close(reading)
    assert in_voice(discord) == set()


async def test_a_wrong_token_is_told_as_code_and_as_sentence(discord, tmp_path):
    async with relay(session_file(discord, tmp_path), tokens={**TOKENS, "DVC_RED": "wrong-token"}) as process:
        async with asyncio.timeout(20):
            written, said = await process.communicate()
    errors = [line for line in map(json.loads, written.splitlines()) if line["type"] == "error"]
    assert process.returncode == 1
    assert [(error["code"], error["details"]["bot"]) for error in errors] == [("token_invalid", "DVC_RED")]
    assert b"Discord refuses the token of bot DVC_RED." in said
    assert b"wrong-token" not in said + written
    assert in_voice(discord) == set()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "config_unreadable"),
        ("guild = [", "config_invalid"),
        ('guild = 1\n[[sources]]\nchannel = 2\ntoken = "x.y.z"\n', "token_in_file"),
    ],
)
async def test_a_wrong_file_is_told_and_nothing_starts(tmp_path, content, code):
    path = tmp_path / "session.toml"
    if content is not None:
        path.write_text(content)
    async with relay(path) as process, asyncio.timeout(20):
        written, said = await process.communicate()
    assert process.returncode == 2
    assert [json.loads(line)["code"] for line in written.splitlines()] == [code]
    assert said.decode().startswith(("The file", "There is a bot token"))
    assert b"x.y.z" not in said + written
