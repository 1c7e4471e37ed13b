"""What a page may say and what it is told; a token travels one way."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode, ProtocolError
from common.protocol.messages import Command, Ping
from common.secret import Secret
from tray.panel import codec
from tray.panel.messages import Answer, Call, CheckToken, PanelCommand

TOKEN = "MTIzNDU2.invented.token-that-must-not-print"


def test_no_two_commands_share_a_name():
    names = [kind.__struct_config__.tag for kind in (*get_args(Command), *get_args(PanelCommand))]
    assert len(set(names)) == len(names)


def test_a_token_is_read_as_a_secret():
    data = msgspec.json.encode({"type": "call", "id": 1, "command": {"type": "check_token", "token": TOKEN}})
    assert codec.decode(data) == Call(id=1, command=CheckToken(token=Secret(TOKEN)))


def test_a_token_is_never_written():
    with pytest.raises(TypeError):
        codec.encode(Answer(id=1, payload=CheckToken(token=Secret(TOKEN))))


def test_what_is_wrong_is_told_without_what_was_said():
    data = msgspec.json.encode({"type": "call", "id": 1, "command": {"type": "check_token", "token": [TOKEN]}})
    with pytest.raises(ProtocolError) as refused:
        codec.decode(data)
    assert refused.value.code is ErrorCode.PROTOCOL_MALFORMED
    assert refused.value.details["path"] == "$.command.token"
    assert TOKEN not in str(refused.value)


@given(st.integers(0, 2**53 - 1))
def test_a_call_is_known_by_its_id_even_when_it_is_not_understood(number):
    assert codec.decode(msgspec.json.encode({"type": "call", "id": number, "command": {"type": "ping"}})) == Call(
        id=number, command=Ping()
    )
    assert codec.call_id(msgspec.json.encode({"id": number, "command": "nonsense"})) == number


@given(st.binary(max_size=60))
def test_noise_is_malformed_and_nothing_else(data):
    with pytest.raises(ProtocolError):
        codec.decode(data)
