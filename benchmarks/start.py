"""How long an engine process takes until it answers a command over its socket."""

import asyncio
import sys
import time

from benchmarks.metric import Metric
from common.protocol import bootstrap
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Ping
from common.protocol.transport import Address
from common.secret import Secret

RUNS = 5
TOKEN = Secret("benchmark-token")


async def start_once() -> float:
    """Return the seconds from the start of a process to its first answer."""
    pipe = asyncio.subprocess.PIPE
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "engine", stdin=pipe, stdout=pipe)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    process.stdin.write(bootstrap.write_line(Bootstrap(address="tcp:0", token=TOKEN)))
    listening = bootstrap.read_listening(await process.stdout.readline())
    client = await ControlClient.connect(Address.parse(listening.address), TOKEN)
    await client.call(Ping())
    took = time.perf_counter() - began
    await client.close()
    process.stdin.close()
    await process.wait()
    return took


async def start_often() -> list[float]:
    """Start several times, one after another."""
    return [await start_once() for _ in range(RUNS)]


def run() -> list[Metric]:
    """Return the median."""
    return [Metric("engine_ready_s", sorted(asyncio.run(start_often()))[RUNS // 2], "s")]
