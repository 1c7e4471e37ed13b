"""``python -m tray``: tokens in, engine up, clean end."""

import asyncio
import signal
import sys

import pytest

from common.secret import Secret
from tray.__main__ import read_tokens


def test_tokens_are_lines_up_to_an_empty_one():
    lines = ["A=one\n", " B = two=2 \n", "\n", "C=three\n"]
    assert read_tokens(lines) == {"A": Secret("one"), "B": Secret("two=2")}


@pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
async def test_it_ends_cleanly_with_its_engine():
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tray", stdin=pipe, stdout=pipe, stderr=pipe)
    process.stdin.write(b"A=invented\n\n")
    async with asyncio.timeout(20):
        while b"is connected" not in (line := await process.stderr.readline()):
            assert line, "it ended too early"
    process.send_signal(signal.SIGTERM)
    said = b"".join(await asyncio.wait_for(process.communicate(), 10))
    assert process.returncode == 0, said
    assert b"invented" not in said
