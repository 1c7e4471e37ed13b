"""Who gets in, and what the others are told."""

import msgspec
import pytest

from common.errors import ErrorCode, ProtocolError
from common.protocol import codec
from common.protocol.handshake import ClientSide, EngineSide, Stage
from common.protocol.messages import PROTOCOL_VERSION, Hello, Ping, Refused, Request, Welcome
from common.secret import Secret

TOKEN = Secret("t" * 64)


def engine():
    return EngineSide(TOKEN, engine="1.2.3", pid=42)


def test_the_right_token_opens():
    ours, theirs = engine(), ClientSide(TOKEN, client="panel")
    welcome = theirs.receive(codec.encode(ours.receive(theirs.hello())))
    assert welcome == Welcome(protocol=PROTOCOL_VERSION, engine="1.2.3", pid=42)
    assert (ours.stage, theirs.stage, ours.client) == (Stage.OPEN, Stage.OPEN, "panel")


@pytest.mark.parametrize("token", ["", "t" * 63, "u" * 64, "t" * 65, "ü"])
def test_a_wrong_token_shuts(token):
    ours, theirs = engine(), ClientSide(Secret(token), client="")
    answer = ours.receive(theirs.hello())
    assert answer == Refused(code=ErrorCode.NOT_AUTHENTICATED)
    assert ours.stage is Stage.SHUT
    with pytest.raises(ProtocolError) as refused:
        theirs.receive(codec.encode(answer))
    assert refused.value.code is ErrorCode.NOT_AUTHENTICATED


@pytest.mark.parametrize("version", [0, PROTOCOL_VERSION + 1])
def test_another_version_is_told_so_although_its_hello_looks_different(version):
    answer = engine().receive(msgspec.json.encode({"type": "hello", "protocol": version, "ticket": "x"}))
    assert isinstance(answer, Refused)
    assert answer.code is ErrorCode.PROTOCOL_VERSION
    assert answer.details == {"ours": str(PROTOCOL_VERSION), "theirs": str(version)}


def test_a_command_before_hello_shuts():
    ours = engine()
    assert ours.receive(codec.encode(Request(id=1, command=Ping()))) == Refused(code=ErrorCode.NOT_AUTHENTICATED)
    assert ours.stage is Stage.SHUT


def test_a_malformed_hello_is_told_where():
    answer = engine().receive(b'{"type":"hello","protocol":1,"token":5}')
    assert isinstance(answer, Refused)
    assert answer.details["path"] == "$.token"


def test_nothing_opens_twice():
    ours, hello = engine(), codec.encode(Hello(protocol=PROTOCOL_VERSION, token=TOKEN))
    ours.receive(b"noise")
    assert isinstance(ours.receive(hello), Refused)
    assert ours.stage is Stage.SHUT


def test_a_client_does_not_take_another_version_or_another_message_for_a_welcome():
    newer = Welcome(protocol=PROTOCOL_VERSION + 1, engine="", pid=1)
    for answer, code in ((newer, ErrorCode.PROTOCOL_VERSION), (b"noise", ErrorCode.PROTOCOL_MALFORMED)):
        side = ClientSide(TOKEN, client="")
        with pytest.raises(ProtocolError) as refused:
            side.receive(answer if isinstance(answer, bytes) else codec.encode(answer))
        assert refused.value.code is code
        assert side.stage is Stage.SHUT
