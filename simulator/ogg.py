"""Ogg Opus files (RFC 3533, RFC 7845): packets in, packets out, nothing re-encoded."""

import struct
from collections.abc import Iterator
from pathlib import Path

from simulator.opus import FRAME, SAMPLE_RATE, samples

_HEADER = struct.Struct("<4sBBqIIIB")
_SERIAL = 0x5EED
_PRE_SKIP = 312
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_PACKETS_PER_PAGE = 50
_POLYNOMIAL = 0x04C11DB7


def _make_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return table


_TABLE = _make_table()


def _checksum(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value


def _page(kind: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    header = _HEADER.pack(b"OggS", 0, kind, granule, _SERIAL, number, 0, len(lacing))
    page = header + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def write(path: Path, packets: list[bytes], *, channels: int = 1) -> None:
    """Write packets, of whatever length each says it has (20 ms if it says nothing that can be)."""
    head = struct.pack("<8sBBHIHB", b"OpusHead", 1, channels, _PRE_SKIP, SAMPLE_RATE, 0, 0)
    vendor = b"simulator"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    pages = [_page(_FIRST, 0, 0, [head]), _page(0, 0, 1, [tags])]
    granule = 0
    for start in range(0, max(1, len(packets)), _PACKETS_PER_PAGE):
        part = packets[start : start + _PACKETS_PER_PAGE]
        granule += sum(samples(packet) or FRAME for packet in part)
        pages.append(_page(_LAST if start + len(part) >= len(packets) else 0, granule, len(pages), part))
    temporary = path.with_suffix(path.suffix + ".part")
    temporary.write_bytes(b"".join(pages))
    temporary.replace(path)


def read(path: Path) -> list[bytes]:
    """Return a file's audio packets; ValueError if it is no Ogg Opus file."""
    packets = list(_packets(path.read_bytes()))
    if len(packets) < 2 or not packets[0].startswith(b"OpusHead"):  # noqa: PLR2004 - the two headers
        raise ValueError(f"{path.name} is no Ogg Opus file")
    return packets[2:]


def _packets(data: bytes) -> Iterator[bytes]:
    position, open_packet = 0, b""
    while position + _HEADER.size <= len(data):
        magic, *_, count = _HEADER.unpack_from(data, position)
        if magic != b"OggS":
            raise ValueError("not an Ogg page")
        lacing = data[position + _HEADER.size : position + _HEADER.size + count]
        position += _HEADER.size + count
        for size in lacing:
            open_packet += data[position : position + size]
            position += size
            if size < 255:  # noqa: PLR2004 - a full segment goes on
                yield open_packet
                open_packet = b""
