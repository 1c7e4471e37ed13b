"""``python -m simulator`` as another program sees it."""

import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest


async def start(*arguments: str):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_is_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals):
    process = await start("--folder", str(tmp_path / "new"), "--seed", "3")
    async with asyncio.timeout(30):
        line = json.loads(await process.stdout.readline())
        assert line["ca_file"] == str(tmp_path / "new" / "ca.pem")
        assert line["tokens"].keys() == line["bots"].keys()
        assert line["channels"]["Casters"].isdecimal()
        headers = {"Authorization": f"Bot {line['tokens']['relay-red']}"}
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=line["ca_file"]))
        async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
            body = await (await http.get(line["api_base"] + "/users/@me")).json()
        assert body["id"] == line["bots"]["relay-red"]
        process.send_signal(number)
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert errors == b""


async def test_with_a_lifeline_it_ends_with_whoever_started_it(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--lifeline", "--folder", str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        await process.stdout.readline()
        process.stdin.close()
        assert await process.wait() == 0


async def test_a_bad_scene_is_said_plainly(tmp_path: Path):
    scene = tmp_path / "bad.toml"
    scene.write_text("[guild]\n")
    process = await start("--scene", str(scene))
    out, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out) == (2, b"")
    assert b"missing required field `name`" in errors
    assert b"Traceback" not in errors
