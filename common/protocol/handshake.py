"""Who may come in: Hello, then Welcome or Refused. Pure state machines, one for each side.

The version is looked at before anything else, so that a peer from another version is told so instead of being called
malformed. Tokens are compared in constant time (:class:`common.secret.Secret`).
"""

from enum import StrEnum

import msgspec

from common.errors import ErrorCode, ProtocolError
from common.protocol import codec
from common.protocol.messages import PROTOCOL_VERSION, Hello, Refused, Welcome
from common.secret import Secret


class Stage(StrEnum):
    """Where a handshake is; only ``open`` lets other messages through."""

    WAITING = "waiting"
    OPEN = "open"
    SHUT = "shut"


class _AnyMessage(msgspec.Struct):
    """What every message has."""

    type: str


class _AnyVersion(msgspec.Struct, tag_field="type", tag="hello"):
    """What a Hello of every version has."""

    protocol: int


_ANY_MESSAGE: msgspec.json.Decoder[_AnyMessage] = msgspec.json.Decoder(_AnyMessage)
_ANY_VERSION: msgspec.json.Decoder[_AnyVersion] = msgspec.json.Decoder(_AnyVersion)


class EngineSide:
    """Judges a client's first message; ``client`` is the name it gave."""

    def __init__(self, token: Secret, *, engine: str, pid: int) -> None:
        self.stage = Stage.WAITING
        self.client = ""
        self._token = token
        self._engine = engine
        self._pid = pid

    def receive(self, data: bytes) -> Welcome | Refused:
        """Answer the first message; the stage is ``open`` or ``shut`` afterwards and stays so."""
        if self.stage is not Stage.WAITING:
            self.stage = Stage.SHUT
            return Refused(code=ErrorCode.NOT_AUTHENTICATED)
        try:
            hello = self._judged(data)
        except ProtocolError as error:
            self.stage = Stage.SHUT
            return Refused(code=error.code, details=error.details)
        self.stage, self.client = Stage.OPEN, hello.client
        return Welcome(protocol=PROTOCOL_VERSION, engine=self._engine, pid=self._pid)

    def _judged(self, data: bytes) -> Hello:
        if codec.read(_ANY_MESSAGE, data).type != "hello":
            raise ProtocolError(ErrorCode.NOT_AUTHENTICATED)
        _check_version(codec.read(_ANY_VERSION, data).protocol)
        hello = codec.decode_client(data)
        if not isinstance(hello, Hello) or hello.token != self._token:
            raise ProtocolError(ErrorCode.NOT_AUTHENTICATED)
        return hello


class ClientSide:
    """Says Hello and judges the answer."""

    def __init__(self, token: Secret, *, client: str) -> None:
        self.stage = Stage.WAITING
        self._hello = Hello(protocol=PROTOCOL_VERSION, token=token, client=client)

    def hello(self) -> bytes:
        """Return the first message."""
        return codec.encode(self._hello)

    def receive(self, data: bytes) -> Welcome:
        """Take the answer; raises the code with which the engine refused, or PROTOCOL_VERSION, PROTOCOL_MALFORMED."""
        stage, self.stage = self.stage, Stage.SHUT
        answer = codec.decode_engine(data)
        if isinstance(answer, Refused):
            raise ProtocolError(answer.code, **answer.details)
        if not isinstance(answer, Welcome) or stage is not Stage.WAITING:
            raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$.type", reason="expected one welcome")
        _check_version(answer.protocol)
        self.stage = Stage.OPEN
        return answer


def _check_version(theirs: int) -> None:
    if theirs != PROTOCOL_VERSION:
        raise ProtocolError(ErrorCode.PROTOCOL_VERSION, ours=str(PROTOCOL_VERSION), theirs=str(theirs))
