"""The page's messages to bytes and back, as JSON; as strict as :mod:`common.protocol.codec`. Pure.

A token is read where a message has one, and never written: encoding a message that holds one raises TypeError.
"""

import msgspec

from common.errors import ProtocolError
from common.protocol.codec import read, secret_in
from common.protocol.messages import RequestId
from tray.panel.messages import FromPage, FromTray


class _AnyCall(msgspec.Struct):
    """What a call has even when its command is not understood."""

    id: RequestId


def encode(message: FromTray) -> bytes:
    """Write a message to the page."""
    return _ENCODER.encode(message)


def decode(data: bytes) -> FromPage:
    """Read what the page sent; raises PROTOCOL_MALFORMED, which never repeats a value."""
    return read(_CALL, data)


def call_id(data: bytes) -> int | None:
    """Return the id of a call that can't be read otherwise, if it has one."""
    try:
        return read(_ANY_CALL, data).id
    except ProtocolError:
        return None


_ENCODER = msgspec.json.Encoder()
_CALL: msgspec.json.Decoder[FromPage] = msgspec.json.Decoder(FromPage, dec_hook=secret_in)
_ANY_CALL: msgspec.json.Decoder[_AnyCall] = msgspec.json.Decoder(_AnyCall)
