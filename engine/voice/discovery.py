"""UDP address discovery: Discord tells us our address as it sees it, in a datagram of 74 bytes. Pure.

``uint16 type (1 asks, 2 answers) ‖ uint16 70 ‖ uint32 ssrc ‖ 64 bytes address, zero-terminated ‖ uint16 port``
(Discord's developer documentation, "IP Discovery").
"""

import struct

from common.types import Ssrc

_LAYOUT = struct.Struct(">HHI64sH")
_ASK, _ANSWER, _LENGTH = 1, 2, 70


def request(ssrc: Ssrc) -> bytes:
    """Return the question."""
    return _LAYOUT.pack(_ASK, _LENGTH, ssrc, b"", 0)


def answer(data: bytes) -> tuple[str, int] | None:
    """Return address and port, ``None`` if ``data`` is no answer."""
    if len(data) != _LAYOUT.size:
        return None
    kind, length, _, address, port = _LAYOUT.unpack(data)
    if (kind, length) != (_ANSWER, _LENGTH):
        return None
    return address.split(b"\0", 1)[0].decode("ascii", "replace"), port
