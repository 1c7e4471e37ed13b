"""Whatever is wrong with a session: a real process says what within five seconds, and leaves nothing half started."""

import asyncio
import json
import os
import sys
import time

import pytest
import pytest_asyncio

from simulator.scene import parse
from simulator.server import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_SECONDS = 5.0
SCENE = """
seed = 9
[guild]
name = "Cup"
[[channels]]
name = "Red"
[[channels]]
name = "Casters"
[[channels]]
name = "Full"
limit = 1
[[channels]]
name = "Hidden"
overwrites = [{ target = "@everyone", deny = ["VIEW_CHANNEL"] }]
[[channels]]
name = "Locked"
overwrites = [{ target = "@everyone", deny = ["CONNECT"] }]
[[channels]]
name = "Quiet"
overwrites = [{ target = "@everyone", deny = ["SPEAK"] }]
[[channels]]
name = "Stage"
kind = "stage"
[[channels]]
name = "lobby"
kind = "text"
[[bots]]
name = "red"
token = "invented-token-red"
[[bots]]
name = "blue"
token = "invented-token-blue"
[[bots]]
name = "casters"
token = "invented-token-casters"
[[people]]
name = "akari"
channel = "Full"
"""
TOKENS = {f"DVC_{bot.upper()}": f"invented-token-{bot}" for bot in ("red", "blue", "casters")}
ROUTE = '[[routes]]\nsource = "1"\ndestination = "{Casters}"\n'


def place(kind, channel, bot):
    return f'[[{kind}]]\nchannel = "{channel}"\ntoken_env = "DVC_{bot}"\n'


def session(*sources, into="{Casters}", guild="{guild}"):
    """Write a session; what is in braces becomes the id of the channel of that name."""
    listed = sources or (("{Red}", "RED"),)
    bots = "".join(place("sources", *source) for source in listed)
    return f'guild = "{guild}"\n' + bots + place("destinations", into, "CASTERS")


GOOD = session()
LOOKS_LIKE_A_TOKEN = ".".join(("MTE3NDExMDY3NzQyOTg2NTY3NA", "GabcDE", "invented_" * 3))
CASES = {
    "bad token": (GOOD, {"DVC_RED": "wrong"}, "token_invalid", "Discord refuses the token of bot DVC_RED."),
    "no token": (GOOD, {"DVC_RED": ""}, "token_missing", "There is no token for bot DVC_RED."),
    "equal tokens": (
        GOOD,
        {"DVC_CASTERS": TOKENS["DVC_RED"]},
        "token_duplicate",
        "Bot DVC_RED has been given twice.",
    ),
    "same bot twice": (
        session(("{Red}", "CASTERS")),
        {},
        "token_duplicate",
        "Bot DVC_CASTERS has been given twice.",
    ),
    "may not see": (
        session(("{Hidden}", "RED")),
        {},
        "permission_missing",
        "Bot DVC_RED lacks the permission View Channel in the channel Hidden.",
    ),
    "may not connect": (
        session(("{Locked}", "RED")),
        {},
        "permission_missing",
        "Bot DVC_RED lacks the permission Connect in the channel Locked.",
    ),
    "may not speak": (
        session(into="{Quiet}"),
        {},
        "permission_missing",
        "Bot DVC_CASTERS lacks the permission Speak in the channel Quiet.",
    ),
    "full source": (session(("{Full}", "RED")), {}, "channel_full", "The channel Full is full (1 people)"),
    "full destination": (session(into="{Full}"), {}, "channel_full", "The channel Full is full (1 people)"),
    "unknown guild": (session(guild="123456"), {}, "guild_unknown", "The bot is not a member of the server 123456."),
    "guild is no number": (session(guild="Cup"), {}, "config_invalid", "has an error at $.guild"),
    "unknown channel": (session(("123456", "RED")), {}, "channel_unknown", "The channel 123456 is not there"),
    "stage": (session(("{Stage}", "RED")), {}, "channel_is_stage", "The channel Stage is a stage"),
    "text channel": (session(into="{lobby}"), {}, "channel_not_voice", "The channel lobby is not a voice channel."),
    "source is destination": (session(into="{Red}"), {}, "channel_duplicate", "is used more than once."),
    "same source twice": (
        session(("{Red}", "RED"), ("{Red}", "BLUE")),
        {},
        "channel_duplicate",
        "is used more than once.",
    ),
    "no source": ('guild = "{guild}"\n' + place("destinations", "{Casters}", "CASTERS"), {}, "session_empty", "source"),
    "unknown route": (GOOD + ROUTE, {}, "route_unknown", "There is no route from 1 to"),
    "token for a variable": (
        GOOD.replace("DVC_RED", LOOKS_LIKE_A_TOKEN),
        {},
        "token_in_file",
        "There is a bot token in",
    ),
    "token in the file": (
        GOOD.replace("token_env", "token", 1),
        {},
        "token_in_file",
        "There is a bot token in",
    ),
    "not TOML": ("guild = [", {}, "config_invalid", "has an error at"),
    "unknown key": ("volume = 11\n" + GOOD, {}, "config_invalid", "has an error at"),
    "gain out of range": (
        GOOD.replace("[[dest", "gain = 9.0\n[[dest"),
        {},
        "config_invalid",
        "has an error at $.sources",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def discord():
    async with Simulator(parse(SCENE)) as simulator:
        yield simulator


def write(discord, folder, content):
    cast = discord.cast
    names = {"guild": str(cast.guild.id)} | {name: str(cast.channel(name)) for name in cast.channels}
    for name, number in names.items():
        content = content.replace(f"{{{name}}}", number)
    endpoint = f"""
[endpoint]
api_base = "{discord.api_base}"
gateway_url = "{discord.gateway_url}"
ca_file = "{discord.ca_file.as_posix()}"
"""
    path = folder / "session.toml"
    path.write_text(content + endpoint, "utf-8")
    return path


async def run(path, tokens):
    """Run the engine on a session; return its exit status, the lines it wrote, what it said, and the seconds."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine", "--session", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **tokens, "LC_ALL": "C"},
    )
    try:
        async with asyncio.timeout(4 * LIMIT_SECONDS):
            written, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode, [json.loads(line) for line in written.splitlines()], said.decode(), began


async def check_nothing_is_left(discord):
    """Nobody in voice but the person who was there, and every bot's gateway socket has ended."""
    akari = discord.cast.people["akari"].id
    async with asyncio.timeout(2):
        while discord.gateway._connections:  # noqa: ASYNC110 - the end of another process's sockets
            await asyncio.sleep(0.01)
    assert set(discord.cast.guild.voice_states) == {akari}
    assert {user for server in discord.real_voice_servers for user in server._inside} == {akari}


@pytest.mark.parametrize("case", CASES)
async def test_it_is_told_and_nothing_is_left(discord, tmp_path, case):
    content, tokens, code, sentence = CASES[case]
    path = write(discord, tmp_path, content)
    status, lines, said, began = await run(path, {**TOKENS, **tokens})
    seconds = time.monotonic() - began
    errors = [line for line in lines if line["type"] == "error"]
    assert status == (2 if code in {"config_invalid", "token_in_file"} else 1)
    assert {error["code"] for error in errors} == {code}
    assert sentence in said
    assert "Traceback" not in said
    assert not any(token in said + json.dumps(lines) for token in (*TOKENS.values(), LOOKS_LIKE_A_TOKEN))
    assert seconds < LIMIT_SECONDS
    await check_nothing_is_left(discord)


async def test_who_was_in_its_channel_already_leaves_it_when_another_bot_is_refused(discord, tmp_path):
    (server, _) = discord.real_voice_servers
    path = write(discord, tmp_path, GOOD)
    server.refuse_next = 4017
    status, lines, said, began = await run(path, TOKENS)
    seconds = time.monotonic() - began
    assert status == 1
    assert [line["code"] for line in lines if line["type"] == "error"] == ["encryption_required"]
    assert "because of end-to-end encryption" in said
    assert seconds < LIMIT_SECONDS
    await check_nothing_is_left(discord)


async def test_nothing_has_remained_that_disturbs_the_next_start(discord, tmp_path):
    path = write(discord, tmp_path, GOOD)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine", "--session", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **TOKENS, "LC_ALL": "C"},
    )
    try:
        async with asyncio.timeout(20):
            while json.loads(await process.stdout.readline()).get("phase") != "running":
                pass
    finally:
        process.terminate()
        await process.communicate()
    await check_nothing_is_left(discord)
