"""Two starts at once, and what the second one says to the first."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from common.errors import ErrorCode, RelayError
from common.paths import private_folder
from common.protocol.address import LOOPBACK, Address
from tray.single_instance import LOCK_NAME, NOTE_NAME, SOCKET_NAME, SingleInstance, hand_over

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import asyncio, pathlib, sys
from tray.single_instance import SingleInstance
async def main():
    first = SingleInstance(pathlib.Path(sys.argv[1]))
    print(first.acquire(), flush=True)
    await first.listen(lambda: print("open", flush=True))
    print("listening", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path):
    return private_folder(tmp_path / "r")


@asynccontextmanager
async def first_one(folder, **options):
    instance, opened = SingleInstance(folder, **options), asyncio.Event()
    assert instance.acquire()
    await instance.listen(opened.set)
    try:
        yield opened
    finally:
        await instance.close()


async def give_up(folder, seconds=0.0):
    with pytest.raises(RelayError) as caught:
        await asyncio.to_thread(hand_over, folder, seconds=seconds)
    return caught.value.code


@pytest.mark.parametrize("loopback", [False, True])
async def test_the_second_start_opens_the_panel_of_the_first(folder, loopback):
    if sys.platform == "win32" and not loopback:
        pytest.skip("Unix sockets")
    async with first_one(folder, loopback=loopback) as opened:
        assert not SingleInstance(folder).acquire()
        await asyncio.to_thread(hand_over, folder)
        assert opened.is_set()


async def test_it_waits_for_a_first_one_that_does_not_listen_yet(folder):
    first, opened = SingleInstance(folder), asyncio.Event()
    assert first.acquire()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    second = asyncio.ensure_future(
        asyncio.to_thread(hand_over, folder, sleep=lambda _: loop.call_soon_threadsafe(asked.set))
    )
    await asked.wait()
    await first.listen(opened.set)
    await second
    assert opened.is_set()
    await first.close()


@pytest.mark.parametrize("loopback", [False, True])
async def test_who_does_not_know_the_token_opens_nothing(folder, loopback):
    async with first_one(folder, loopback=loopback) as opened:
        note = folder / NOTE_NAME
        address, token = note.read_text().splitlines()
        for wrong in (token[:-1], token + "0", "", "x" * 10_000, "\0"):
            assert await said(Address.parse(address), wrong) == b""
        note.write_text(f"{address}\n{'0' * 64}\n")
        assert await give_up(folder) is ErrorCode.ALREADY_OPEN_SILENT
        assert not opened.is_set()


async def said(address, line):
    reader, writer = await (
        asyncio.open_connection(LOOPBACK, address.port)
        if address.path is None
        else asyncio.open_unix_connection(address.path)
    )
    writer.write(f"{line}\n".encode())
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_the_token_is_for_its_owner_only_and_new_every_time(folder):
    tokens = set()
    for _ in range(2):
        async with first_one(folder):
            note = folder / NOTE_NAME
            assert stat.S_IMODE(note.stat().st_mode) == 0o600
            tokens.add(note.read_text().splitlines()[1])
    assert {len(token) for token in tokens} == {64}
    assert len(tokens) == 2


async def test_in_good_order_nothing_is_left_but_the_lock_file(folder):
    async with first_one(folder):
        pass
    assert [each.name for each in folder.iterdir()] == [LOCK_NAME]
    async with first_one(folder):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
async def test_what_a_killed_one_left_hinders_nobody(folder):
    command = (sys.executable, "-c", HOLD, str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert [await process.stdout.readline() for _ in range(2)] == [b"True\n", b"listening\n"]
    assert not SingleInstance(folder).acquire()
    await asyncio.to_thread(hand_over, folder)
    assert await process.stdout.readline() == b"open\n"
    process.kill()
    await process.communicate()
    assert {each.name for each in folder.iterdir()} == {LOCK_NAME, NOTE_NAME, SOCKET_NAME}
    async with first_one(folder) as opened:
        await asyncio.to_thread(hand_over, folder)
        assert opened.is_set()


@pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
async def test_a_first_one_that_hangs_is_named(folder):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(folder), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert [await process.stdout.readline() for _ in range(2)] == [b"True\n", b"listening\n"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert await give_up(folder) is ErrorCode.ALREADY_OPEN_SILENT
    finally:
        process.kill()
        await process.communicate()
