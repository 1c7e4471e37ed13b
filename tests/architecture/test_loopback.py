import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil

from common.protocol.address import Address
from common.secret import Secret
from engine import app
from engine.gateway.endpoint import Endpoint

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


def bound(process):
    return {each.laddr.ip for each in process.net_connections(kind="inet") if each.laddr}


async def test_a_running_simulator_is_bound_to_this_computer_only():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        addresses = bound(psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert addresses == {LOOPBACK}


async def test_an_engine_that_waits_for_its_supervisor_is_bound_to_this_computer_only():
    before = psutil.Process(os.getpid()).net_connections(kind="inet")
    heard: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    engine = app.Engine(Endpoint())
    address = Address.parse("tcp:0")
    serving = asyncio.ensure_future(app.serve(engine, {}, Secret("t"), address, heard.set_result))
    await heard
    opened = [each for each in psutil.Process(os.getpid()).net_connections(kind="inet") if each not in before]
    serving.cancel()
    await asyncio.wait([serving])
    assert {each.laddr.ip for each in opened} == {LOOPBACK}
