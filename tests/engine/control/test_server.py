"""The control socket: nobody gets past the handshake, and no client harms another or the engine."""

import asyncio
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import ErrorCode, RelayError
from common.protocol import codec, transport
from common.protocol.client import ControlClient
from common.protocol.handshake import ClientSide
from common.protocol.messages import (
    Command,
    Failure,
    Hello,
    Ping,
    Pong,
    Refused,
    Reply,
    Request,
    SetMatch,
    Snapshot,
    SubscribeMeters,
    Welcome,
)
from common.protocol.state import MatchPhase
from common.secret import Secret
from engine.control import server
from engine.control.handlers import HANDLERS
from engine.control.peer import IN_FLIGHT


async def raw(served, *, greeted=True):
    """Connect without a client's manners."""
    connection = await transport.connect(served.address, timeout=5)
    if greeted:
        side = ClientSide(served.token, client="raw")
        await connection.send(side.hello())
        assert isinstance(side.receive(await connection.receive()), Welcome)
        assert isinstance(codec.decode_engine(await connection.receive()), Snapshot)
    return connection


async def hear(connection):
    async with asyncio.timeout(5):
        data = await connection.receive()
    return None if data is None else codec.decode_engine(data)


@pytest.mark.parametrize("name", sorted(kind.__struct_config__.tag for kind in get_args(Command)))
async def test_no_command_is_carried_out_before_hello(served, name, monkeypatch):
    def trap(*_arguments):
        raise AssertionError(name)

    monkeypatch.setattr("engine.control.peer.HANDLERS", dict.fromkeys(HANDLERS, trap))
    connection = await raw(served, greeted=False)
    await connection.send(msgspec.json.encode({"type": "request", "id": 1, "command": {"type": name}}))
    assert await hear(connection) == Refused(code=ErrorCode.NOT_AUTHENTICATED)
    assert await hear(connection) is None
    await connection.close()


async def test_a_refused_client_hears_nothing_more(served):
    connection = await raw(served, greeted=False)
    await connection.send(codec.encode(Hello(protocol=1, token=Secret("wrong"))))
    await connection.send(codec.encode(Request(id=1, command=Ping())))
    assert isinstance(await hear(connection), Refused)
    assert await hear(connection) is None
    await connection.close()


async def test_a_client_that_says_nothing_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(server, "HELLO_SECONDS", 0.05)
    connection = await raw(served, greeted=False)
    assert await hear(connection) is None
    await connection.close()


async def test_a_command_that_is_not_understood_is_answered_by_its_id(served):
    connection = await raw(served)
    bad = {"type": "request", "id": 7, "command": {"type": "set_source_gain", "source": "1", "gain": 9}}
    await connection.send(msgspec.json.encode(bad))
    failure = await hear(connection)
    assert isinstance(failure, Failure)
    assert failure.id == 7
    assert failure.faults[0].code is ErrorCode.PROTOCOL_MALFORMED
    assert failure.faults[0].details["path"] == "$.command.gain"
    await connection.send(codec.encode(Request(id=8, command=Ping())))
    assert isinstance(await hear(connection), Reply)
    await connection.close()


@pytest.mark.parametrize("words", [b"noise", codec.encode(Hello(protocol=1, token=Secret("control-token")))])
async def test_what_is_no_request_ends_the_connection(served, words):
    connection = await raw(served)
    await connection.send(words)
    assert isinstance(await hear(connection), Refused)
    assert await hear(connection) is None
    await connection.close()


async def test_more_commands_than_fit_are_all_answered(served):
    client = await served.client()
    answers = await asyncio.gather(*(client.call(Ping()) for _ in range(IN_FLIGHT * 5)))
    assert all(isinstance(answer, Pong) for answer in answers)


async def test_a_client_that_does_not_read_holds_up_nobody(served):
    deaf, lively = await raw(served), await served.client()
    request = codec.encode(Request(id=1, command=SubscribeMeters(active=True)))
    for _ in range(IN_FLIGHT * 3):
        await deaf.send(request)
    for step in (MatchPhase.READY, MatchPhase.IDLE) * 100:
        await lively.call(SetMatch(phase=step))
    assert lively.state.match is MatchPhase.IDLE
    await deaf.close()


async def test_a_fault_inside_is_answered_and_the_connection_goes_on(served, monkeypatch):
    async def broken(*_arguments):
        raise ZeroDivisionError("secret detail")

    client = await served.client()
    with monkeypatch.context() as patched:
        patched.setattr("engine.control.peer.HANDLERS", {**HANDLERS, Ping: broken})
        with pytest.raises(RelayError) as refused:
            await client.call(Ping())
    assert refused.value.code is ErrorCode.INTERNAL
    assert refused.value.details == {"reason": "ZeroDivisionError"}
    assert isinstance(await client.call(Ping()), Pong)


async def test_a_client_too_many_is_told_so(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_CLIENTS", 1)
    first = await served.client()
    with pytest.raises(RelayError) as refused:
        await served.client()
    assert refused.value.code is ErrorCode.TOO_MANY_CLIENTS
    assert refused.value.details == {"limit": "1"}
    assert isinstance(await first.call(Ping()), Pong)


async def test_clients_that_come_at_once_are_not_more_than_fit(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_CLIENTS", 2)
    joins = [asyncio.ensure_future(served.client()) for _ in range(8)]
    await asyncio.wait(joins)
    codes = [join.exception().code for join in joins if join.exception() is not None]
    assert codes == [ErrorCode.TOO_MANY_CLIENTS] * 6


async def test_who_lacks_the_token_does_not_hear_how_full_it_is(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_CLIENTS", 0)
    connection = await raw(served, greeted=False)
    await connection.send(codec.encode(Hello(protocol=1, token=Secret("wrong"))))
    assert await hear(connection) == Refused(code=ErrorCode.NOT_AUTHENTICATED)
    await connection.close()


async def test_connections_that_say_nothing_are_bounded_and_take_no_clients_place(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_GREETING", 2)
    monkeypatch.setattr(server, "MOST_CLIENTS", 1)
    silent = [await raw(served, greeted=False)]
    client = await served.client()
    silent.append(await raw(served, greeted=False))
    extra = await raw(served, greeted=False)
    assert await hear(extra) == Refused(code=ErrorCode.TOO_MANY_CLIENTS, details={"limit": "2"})
    assert await hear(extra) is None
    assert isinstance(await client.call(Ping()), Pong)
    for connection in (*silent, extra):
        await connection.close()


async def test_the_end_of_the_server_ends_its_clients_after_their_answers(served):
    client = await served.client()
    asked = asyncio.ensure_future(client.call(Ping()))
    await asyncio.sleep(0)
    await served.server.close()
    async with asyncio.timeout(5):
        await client.lost.wait()
    outcome = (await asyncio.gather(asked, return_exceptions=True))[0]
    assert isinstance(outcome, Pong) or (isinstance(outcome, RelayError) and outcome.code is ErrorCode.ENGINE_LOST)


@given(words=st.lists(st.binary(max_size=80), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_before_and_after_hello_leaves_the_server_whole(words):
    async def play():
        from engine.app import Engine  # noqa: PLC0415 - an engine of each example's own loop
        from engine.gateway.endpoint import Endpoint  # noqa: PLC0415 - likewise

        engine = Engine(Endpoint(api_base="https://127.0.0.1:1"))
        running = server.ControlServer(engine.desk({}), Secret("t"))
        address = await running.start(transport.Address())
        for greeted in (False, True):
            connection = await transport.connect(address, timeout=5)
            if greeted:
                await connection.send(ClientSide(Secret("t"), client="").hello())
            for word in words:
                try:
                    await connection.send(word.decode("utf-8", "replace").encode())
                except ConnectionError:
                    break
            await connection.close()
        client = await ControlClient.connect(address, Secret("t"))
        assert isinstance(await client.call(Ping()), Pong)
        await client.close()
        await running.close()
        await engine.close()

    asyncio.run(play())
