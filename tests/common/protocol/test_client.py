"""The engine as its clients see it, on a real socket with a scripted engine at the other end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from common.errors import CombinedError, ErrorCode, RelayError
from common.protocol import codec, transport
from common.protocol.address import Address
from common.protocol.client import ControlClient
from common.protocol.handshake import EngineSide
from common.protocol.messages import (
    PROTOCOL_VERSION,
    Changed,
    Failure,
    Fault,
    Kill,
    Meters,
    Ping,
    Pong,
    Reply,
    Snapshot,
    StopSession,
    Welcome,
)
from common.protocol.meters import EngineMeter
from common.protocol.state import Phase, SessionState
from common.secret import Secret

TOKEN = Secret("token")
SNAPSHOT = Snapshot(revision=3, state=SessionState())


async def greet(connection):
    side = EngineSide(TOKEN, engine="1", pid=1)
    await connection.send(codec.encode(side.receive(await connection.receive())))
    await connection.send(codec.encode(SNAPSHOT))


@asynccontextmanager
async def talking_to(script, token=TOKEN):
    """Connect to an engine that greets and then follows ``script(connection)``."""

    async def serve(connection):
        await greet(connection)
        await script(connection)

    listener = await transport.listen(Address(), serve)
    try:
        client = await ControlClient.connect(listener.address, token, timeout=5)
        try:
            yield client
        finally:
            await client.close()
    finally:
        await listener.close()


async def hear(connection):
    """Read until the client goes."""
    while await connection.receive() is not None:
        pass


async def test_a_command_returns_its_payload_whatever_order_answers_come_in():
    async def script(connection):
        first, second = [codec.decode_client(await connection.receive()) for _ in range(2)]
        await connection.send(codec.encode(Reply(id=second.id, payload=Pong(uptime_ms=second.id))))
        await connection.send(codec.encode(Reply(id=first.id, payload=Pong(uptime_ms=first.id))))
        await hear(connection)

    async with talking_to(script) as client:
        answers = await asyncio.gather(client.call(Ping()), client.call(Ping()))
    assert answers == [Pong(uptime_ms=1), Pong(uptime_ms=2)]


@pytest.mark.parametrize("count", [1, 2])
async def test_a_failure_is_raised_with_every_reason(count):
    faults = (Fault(ErrorCode.TOKEN_MISSING, {"bot": "A", "code": "x", "self": "y"}), Fault(ErrorCode.SESSION_EMPTY))

    async def script(connection):
        request = codec.decode_client(await connection.receive())
        await connection.send(codec.encode(Failure(id=request.id, faults=faults[:count])))
        await hear(connection)

    async with talking_to(script) as client:
        with pytest.raises(RelayError) as refused:
            await client.call(StopSession())
    assert refused.value.code is ErrorCode.TOKEN_MISSING
    assert refused.value.details["bot"] == "A"
    assert isinstance(refused.value, CombinedError) is (count == 2)


async def test_an_engine_that_says_nothing_is_silent_and_an_answer_too_late_is_ignored():
    go_on = asyncio.Event()

    async def script(connection):
        late = codec.decode_client(await connection.receive())
        await go_on.wait()
        await connection.send(codec.encode(Reply(id=late.id)))
        request = codec.decode_client(await connection.receive())
        await connection.send(codec.encode(Reply(id=request.id, payload=Pong(uptime_ms=9))))
        await hear(connection)

    async with talking_to(script) as client:
        with pytest.raises(RelayError) as silent:
            await client.call(Kill(active=True), timeout=0.05)
        assert silent.value.code is ErrorCode.ENGINE_SILENT
        go_on.set()
        assert await client.call(Ping()) == Pong(uptime_ms=9)


async def test_the_end_of_the_connection_ends_everything_that_waits():
    async def script(connection):
        await connection.receive()

    async with talking_to(script) as client:
        with pytest.raises(RelayError) as lost:
            await client.call(Ping())
        assert lost.value.code is ErrorCode.ENGINE_LOST
        await asyncio.wait_for(client.lost.wait(), 5)
        with pytest.raises(RelayError):
            await client.call(Ping())
        assert [state async for state in client.states()] == [SNAPSHOT.state]


async def test_states_follow_the_engine():
    async def script(connection):
        await connection.receive()
        for revision, phase in ((4, Phase.STARTING), (5, Phase.RUNNING)):
            await connection.send(codec.encode(Changed(revision=revision, phase=phase)))
        meters = Meters(at_ms=1, talkers=(), sources=(), destinations=(), engine=EngineMeter())
        await connection.send(codec.encode(meters))
        await connection.send(codec.encode(Changed(revision=6, kill=True)))
        await hear(connection)

    async with talking_to(script) as client, asyncio.timeout(5):
        assert client.state == SessionState()
        with client.events() as events:
            await client._connection.send(b"go")
            assert await anext(events) == SNAPSHOT
            kinds = [type(await anext(events)) for _ in range(4)]
            assert sorted(kind.__name__ for kind in kinds) == ["Changed", "Changed", "Changed", "Meters"]
        assert client.state == SessionState(phase=Phase.RUNNING, kill=True)
        assert await anext(client.states()) == client.state


async def test_a_wrong_token_is_refused():
    with pytest.raises(RelayError) as refused:
        async with talking_to(hear, token=Secret("other")):
            pass
    assert refused.value.code is ErrorCode.NOT_AUTHENTICATED


async def test_nobody_there_is_a_lost_engine():
    with pytest.raises(RelayError) as refused:
        await ControlClient.connect(Address(port=1), TOKEN)
    assert refused.value.code is ErrorCode.ENGINE_LOST


@pytest.mark.parametrize("words", [b"noise", codec.encode(Welcome(protocol=PROTOCOL_VERSION, engine="", pid=1))])
async def test_an_engine_that_is_not_understood_is_left(words):
    async def script(connection):
        await connection.send(words)
        await hear(connection)

    async with talking_to(script) as client:
        await asyncio.wait_for(client.lost.wait(), 5)


async def test_an_engine_that_greets_and_tells_no_state_is_not_waited_for():
    async def serve(connection):
        side = EngineSide(TOKEN, engine="1", pid=1)
        await connection.send(codec.encode(side.receive(await connection.receive())))
        await hear(connection)

    listener = await transport.listen(Address(), serve)
    with pytest.raises(RelayError) as lost:
        await ControlClient.connect(listener.address, TOKEN, timeout=0.1)
    assert lost.value.code is ErrorCode.ENGINE_LOST
    await listener.close()
