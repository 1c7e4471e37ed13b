"""Messages to bytes and back, as JSON. Pure.

What can't be read raises PROTOCOL_MALFORMED with the path of the field (``$.command.gain``) and what was expected
there; a value that was received is never repeated, since it may be a token.
"""

import re
from typing import Any, Final, TypeVar

import msgspec

from common.errors import ErrorCode, ProtocolError
from common.protocol.messages import ClientMessage, EngineMessage
from common.secret import Secret

MAX_BYTES: Final = 1 << 20
"""Longest message; the state of a session with a hundred sources and a thousand talkers takes a quarter of it, a start
with as many strips as may be remembered half."""

T = TypeVar("T")
_QUOTED = re.compile(r"'[^']*'")
_PATH = re.compile(r" - at (`key` in )?`(?P<path>[^`]*)`$")


def encode(message: ClientMessage | EngineMessage) -> bytes:
    """Write a message."""
    return _ENCODER.encode(message)


def decode_client(data: bytes) -> ClientMessage:
    """Read what a client sent; raises PROTOCOL_MALFORMED."""
    return read(_CLIENT, data)


def decode_engine(data: bytes) -> EngineMessage:
    """Read what the engine sent; raises PROTOCOL_MALFORMED."""
    return read(_ENGINE, data)


def read(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decode ``data``, with every way in which that can fail as PROTOCOL_MALFORMED."""
    if len(data) > MAX_BYTES:
        raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$", reason=f"longer than {MAX_BYTES} bytes")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        path, reason = explain(error)
        raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path=path, reason=reason) from None


def explain(error: Exception) -> tuple[str, str]:
    """Return the path of the field that msgspec complains about, and what it says without any value."""
    text = str(error)
    found = _PATH.search(text)
    path = found["path"] if found else "$"
    return path, _QUOTED.sub("…", _PATH.sub("", text))[:200]


def secret_out(value: object) -> str:
    """Write a Secret where a message has one: msgspec's hook for types it doesn't know."""
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value).__name__} does not travel")


def secret_in(kind: type, value: Any) -> Secret:  # noqa: ANN401 - msgspec hands over whatever JSON held
    """Read a Secret: the counterpart of :func:`secret_out`."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError("Expected `str`")


_ENCODER = msgspec.json.Encoder(enc_hook=secret_out)
_CLIENT: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage, dec_hook=secret_in)
_ENGINE: msgspec.json.Decoder[EngineMessage] = msgspec.json.Decoder(EngineMessage, dec_hook=secret_in)
