"""Real sockets: Unix in a folder of one's own, and loopback TCP."""

import asyncio
import shutil
import socket
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from common.protocol import transport
from common.protocol.address import Address
from common.protocol.codec import MAX_BYTES


@pytest.fixture
def folder():
    """Give a folder with a short path: a socket's may have 104 bytes."""
    made = Path(tempfile.mkdtemp(prefix="dvc"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["tcp", pytest.param("unix", marks=pytest.mark.skipif(sys.platform == "win32", reason="none"))])
def address(request, folder):
    return Address() if request.param == "tcp" else Address(path=folder / "run" / "engine.sock")


async def echo(connection):
    while (data := await connection.receive()) is not None:
        await connection.send(data)


async def test_messages_go_both_ways_in_order(address):
    listener = await transport.listen(address, echo)
    connection = await transport.connect(listener.address, timeout=5)
    sent = [f"{number} 選手".encode() for number in range(100)]
    for data in sent:
        await connection.send(data)
    assert [await connection.receive() for _ in sent] == sent
    await connection.close()
    await listener.close()


async def test_a_message_over_the_limit_ends_the_connection(address):
    listener = await transport.listen(address, echo)
    connection = await transport.connect(listener.address, timeout=5)
    with suppress(ConnectionError):  # it may end while we are still sending
        await connection.send(b"x" * (MAX_BYTES + 1))
    async with asyncio.timeout(5):
        assert await connection.receive() is None
    await connection.close()
    await listener.close()


async def test_the_end_of_the_listener_ends_its_connections(address):
    listener = await transport.listen(address, echo)
    connection = await transport.connect(listener.address, timeout=5)
    async with asyncio.timeout(5):
        closing = asyncio.gather(listener.close(), connection.receive())
        assert (await closing)[1] is None
    await connection.close()
    with pytest.raises(ConnectionError):
        await transport.connect(listener.address, timeout=1)


async def test_nobody_there_is_told_at_once(address):
    port = Address(port=1) if address.path is None else address
    with pytest.raises(ConnectionError):
        await transport.connect(port, timeout=5)


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets")
async def test_the_socket_lies_in_a_folder_of_its_owner_and_is_removed(folder):
    address = Address(path=folder / "run" / "engine.sock")
    listener = await transport.listen(address, echo)
    assert stat.S_IMODE(address.path.parent.stat().st_mode) == 0o700
    await listener.close()
    assert not address.path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets")
async def test_a_socket_left_by_a_killed_engine_is_no_hindrance(folder):
    address = Address(path=folder / "engine.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(address.path))
    listener = await transport.listen(address, echo)
    connection = await transport.connect(address, timeout=5)
    await connection.close()
    await listener.close()


async def test_tcp_listens_on_loopback_only():
    listener = await transport.listen(Address(), echo)
    assert {host for host, _ in listener._runner.addresses} == {"127.0.0.1"}
    await listener.close()
