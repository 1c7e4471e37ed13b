"""Bytes to messages and back, for every message there is; whatever else comes is PROTOCOL_MALFORMED."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec import inspect as shapes

from common.errors import ErrorCode, ProtocolError
from common.protocol import codec
from common.protocol.messages import (
    Changed,
    ClientMessage,
    Command,
    EngineMessage,
    Hello,
    Ping,
    Request,
    SetSourceGain,
)
from common.secret import Secret


def values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one case per kind of type
    """Draw every value that a type of msgspec.inspect allows."""
    if isinstance(kind, shapes.Metadata):
        return values(kind.type)
    if isinstance(kind, shapes.StructType):
        return st.builds(kind.cls, **{field.name: field_values(kind.cls, field) for field in kind.fields})
    if isinstance(kind, shapes.UnionType):
        return st.one_of([values(each) for each in kind.types])
    if isinstance(kind, shapes.VarTupleType):
        return st.lists(values(kind.item_type), min_size=kind.min_length or 0, max_size=4).map(tuple)
    if isinstance(kind, shapes.DictType):
        return st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=4)
    if isinstance(kind, shapes.StrType):
        return st.from_regex(kind.pattern, fullmatch=True) if kind.pattern else st.text(max_size=kind.max_length or 20)
    if isinstance(kind, shapes.FloatType):
        return st.floats(kind.ge, kind.le, allow_nan=False, allow_infinity=False)
    if isinstance(kind, shapes.IntType):
        return st.integers(kind.ge if kind.ge is not None else -(2**53), kind.le if kind.le is not None else 2**53)
    if isinstance(kind, shapes.EnumType | shapes.LiteralType):
        return st.sampled_from(list(kind.cls if isinstance(kind, shapes.EnumType) else kind.values))
    return {
        shapes.BoolType: st.booleans(),
        shapes.NoneType: st.none(),
        shapes.CustomType: st.text(max_size=20).map(Secret),
    }[type(kind)]


def field_values(owner: type, field: shapes.Field) -> st.SearchStrategy[Any]:
    """Draw a field; those of a Changed may be left out, but for its revision."""
    drawn = values(field.type)
    return drawn | st.just(UNSET) if owner is Changed and field.name != "revision" else drawn


CLIENT = st.one_of([values(shapes.type_info(kind)) for kind in get_args(ClientMessage)])
ENGINE = st.one_of([values(shapes.type_info(kind)) for kind in get_args(EngineMessage)])


@given(CLIENT)
@settings(max_examples=300, deadline=None)
def test_what_a_client_sends_arrives_as_it_was(message):
    assert codec.decode_client(codec.encode(message)) == message


@given(ENGINE)
@settings(max_examples=300, deadline=None)
def test_what_the_engine_sends_arrives_as_it_was(message):
    assert codec.decode_engine(codec.encode(message)) == message


@pytest.mark.parametrize("command", get_args(Command))
def test_every_command_travels(command):
    assert issubclass(command, msgspec.Struct)
    drawn = values(shapes.type_info(command))

    @given(drawn)
    @settings(max_examples=20, deadline=None)
    def travels(value):
        request = Request(id=1, command=value)
        assert codec.decode_client(codec.encode(request)) == request

    travels()


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_noise_is_malformed(data):
    with pytest.raises(ProtocolError) as refused:
        codec.decode_client(data)
    assert refused.value.code is ErrorCode.PROTOCOL_MALFORMED


@given(CLIENT, st.data())
@settings(max_examples=500, deadline=None)
def test_a_mutated_message_is_read_or_malformed_and_nothing_else(message, data):
    raw = bytearray(codec.encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    refused = None
    try:
        codec.decode_client(bytes(raw))
    except ProtocolError as error:
        refused = error
    assert refused is None or refused.code is ErrorCode.PROTOCOL_MALFORMED
    assert refused is None or refused.details["path"].startswith("$")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"type":"request","id":1,"command":{"type":"set_source_gain","source":"1","gain":2.1}}', "$.command.gain"),
        (b'{"type":"request","id":1,"command":{"type":"set_source_gain","source":"x","gain":1}}', "$.command.source"),
        (b'{"type":"request","id":-1,"command":{"type":"ping"}}', "$.id"),
        (b'{"type":"request","id":1,"command":{"type":"reboot"}}', "$.command.type"),
        (b'{"type":"request","id":1,"command":{"type":"ping","more":1}}', "$.command"),
        (b'{"type":"hello","protocol":1,"token":7}', "$.token"),
        (b'{"type":"request","id":1,"command":{"type":"start_session","strips":{"x":{}}}}', "$.command.strips"),
        (b"{", "$"),
        (b"[" * 5000, "$"),
        (
            b'{"type":"request","id":1,"command":{"type":"mute_source","source":"1\\n","muted":true}}',
            "$.command.source",
        ),
    ],
)
def test_the_path_of_the_bad_field_is_told(data, path):
    with pytest.raises(ProtocolError) as refused:
        codec.decode_client(data)
    assert refused.value.details["path"] == path


def test_a_received_value_is_never_repeated():
    with pytest.raises(ProtocolError) as refused:
        codec.decode_client(b'{"type":"my-secret-token"}')
    assert "my-secret-token" not in str(refused.value)


def test_a_message_over_the_limit_is_refused_unread():
    padding = b" " * codec.MAX_BYTES
    with pytest.raises(ProtocolError):
        codec.decode_client(codec.encode(Request(id=1, command=Ping())) + padding)


def test_a_gain_that_is_not_a_number_can_not_be_sent():
    raw = codec.encode(Request(id=1, command=SetSourceGain(source="1", gain=float("nan"))))
    with pytest.raises(ProtocolError):
        codec.decode_client(raw)


def test_a_secret_travels_in_hello_and_is_not_printed():
    hello = Hello(protocol=1, token=Secret("hunter2"), client="x")
    assert b"hunter2" in codec.encode(hello)
    assert "hunter2" not in repr(hello)


def test_a_plain_encoder_refuses_a_secret():
    with pytest.raises(TypeError):
        msgspec.json.encode({"token": Secret("hunter2")})


def test_ids_are_text_and_types_are_snake_case():
    raw = msgspec.json.decode(codec.encode(Request(id=1, command=SetSourceGain(source="9" * 19, gain=1.0))))
    assert raw == {
        "type": "request",
        "id": 1,
        "command": {"type": "set_source_gain", "source": "9" * 19, "gain": 1.0},
    }
