import copy
import json
import logging
import pickle

import msgspec
import pytest

from common.logging import LogFormat, formatter
from common.protocol.bootstrap import Bootstrap
from common.secret import Secret
from engine.metrics import Counters
from engine.voice.dave import DaveGroup
from engine.voice.protocol import Described, VoiceProtocol, VoiceServer

TOKEN = "MTIzNDU2.invented.token-that-must-not-print"
SECRET = Secret(TOKEN)
SERVER = VoiceServer(guild=1, channel=2, user=3, session="s", token=TOKEN, endpoint="127.0.0.1")
HOLDERS = [
    SECRET,
    {"token": SECRET},
    Bootstrap(address="unix:/x", token=SECRET, bots={"a": SECRET}),
    SERVER,
    VoiceProtocol(SERVER, DaveGroup(3, 2, lambda: 0.0), Counters()),
    Described("mode", TOKEN.encode()),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_nothing_that_holds_a_token_prints_it(holder):
    assert TOKEN not in f"{holder} {holder!s} {holder!r} {holder:}"
    assert TOKEN not in "%s %r".__mod__((holder, holder))


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_log_line_holds_a_token(form):
    failure = (ValueError, ValueError(SECRET, SERVER), None)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s %r", (SECRET, SERVER), failure)
    written = formatter(form).format(record)
    assert TOKEN not in written
    assert "Secret(…)" in written


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, json.dumps, pickle.dumps, copy.copy])
def test_a_secret_is_not_encoded_by_accident(encode):
    with pytest.raises(TypeError):
        encode(SECRET)


def test_msgspec_s_builtins_hold_no_token():
    with pytest.raises(TypeError):
        msgspec.to_builtins({"bots": {"a": SECRET}})
