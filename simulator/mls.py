"""The little of MLS (RFC 9420) that Discord's voice server needs: it proposes as an external sender and reads commits.

Suite DHKEMP256_AES128GCM_SHA256_P256, basic credentials. Nothing here holds a group's secrets.
"""

import hashlib
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_VERSION = 1
_PUBLIC_MESSAGE = 1
_ADD, _REMOVE = 1, 3
_SENDER_MEMBER, _SENDER_EXTERNAL = 1, 2
_CONTENT_PROPOSAL, _CONTENT_COMMIT = 2, 3
_BY_REFERENCE = 2
_LEAF_FROM_KEY_PACKAGE, _LEAF_FROM_COMMIT = 1, 3


class MlsError(ValueError):
    """Bytes that are not the message they should be."""


def vec(data: bytes) -> bytes:
    """Return a variable-length vector (section 2.1.2)."""
    if len(data) < 1 << 6:
        return bytes([len(data)]) + data
    if len(data) < 1 << 14:
        return struct.pack(">H", len(data) | 0x4000) + data
    return struct.pack(">I", len(data) | 0x80000000) + data


class Reader:
    """Reads a message front to back; MlsError when it is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        """Read ``count`` bytes."""
        end = self.position + count
        if end > len(self._data):
            raise MlsError("too short")
        found, self.position = self._data[self.position : end], end
        return found

    def number(self, size: int) -> int:
        """Read an unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def vec(self) -> bytes:
        """Read a variable-length vector."""
        first = self.number(1)
        size = 1 << (first >> 6)
        if size == 1 << 3:
            raise MlsError("bad length")
        length = int.from_bytes(bytes([first & 0x3F]) + self.take(size - 1), "big")
        return self.take(length)

    @property
    def ended(self) -> bool:
        """Whether all is read."""
        return self.position == len(self._data)


@dataclass(frozen=True, slots=True)
class Commit:
    """A member's commit: its epoch, who made it, and the proposals it takes; ``message`` is all of it."""

    epoch: int
    leaf: int
    references: tuple[bytes, ...]
    message: bytes


class ExternalSender:
    """The voice server as a group knows it: may propose, may not commit."""

    def __init__(self, group: int) -> None:
        self._group = group.to_bytes(8, "big")
        self._key = ec.generate_private_key(ec.SECP256R1())

    def package(self) -> bytes:
        """Return what clients are told of us (op 25)."""
        public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return vec(public) + struct.pack(">H", 1) + vec(b"simulator")

    def add(self, epoch: int, key_package: bytes) -> bytes:
        """Propose a member by its key package."""
        return self._propose(epoch, struct.pack(">H", _ADD) + key_package)

    def remove(self, epoch: int, leaf: int) -> bytes:
        """Propose that the member at ``leaf`` goes."""
        return self._propose(epoch, struct.pack(">HI", _REMOVE, leaf))

    def _propose(self, epoch: int, proposal: bytes) -> bytes:
        """Return a signed PublicMessage (sections 6 and 6.1)."""
        content = vec(self._group) + struct.pack(">QBI", epoch, _SENDER_EXTERNAL, 0) + vec(b"")
        content += bytes([_CONTENT_PROPOSAL]) + proposal
        front = struct.pack(">HH", _VERSION, _PUBLIC_MESSAGE)
        signed = vec(b"MLS 1.0 FramedContentTBS") + vec(front + content)
        return front + content + vec(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))


def reference(message: bytes) -> bytes:
    """Return a proposal's reference (section 5.2): of the authenticated content, so without the protocol version."""
    return hashlib.sha256(vec(b"MLS 1.0 Proposal Reference") + vec(message[2:])).digest()


def split_commit(data: bytes) -> tuple[Commit, bytes]:
    """Read op 28's payload: a commit, and the welcome behind it (empty if nobody is added)."""
    reader = Reader(data)
    if (reader.number(2), reader.number(2)) != (_VERSION, _PUBLIC_MESSAGE):
        raise MlsError("no public message")
    reader.vec()  # group id
    epoch = reader.number(8)
    if reader.number(1) != _SENDER_MEMBER:
        raise MlsError("not from a member")
    leaf = reader.number(4)
    reader.vec()  # authenticated data
    if reader.number(1) != _CONTENT_COMMIT:
        raise MlsError("no commit")
    references = _references(reader.vec())
    if reader.number(1):
        _skip_leaf_node(reader)
        reader.vec()  # path nodes
    for _ in range(3):  # signature, confirmation tag, membership tag
        reader.vec()
    return Commit(epoch, leaf, references, data[: reader.position]), data[reader.position :]


def _references(data: bytes) -> tuple[bytes, ...]:
    reader, found = Reader(data), []
    while not reader.ended:
        if reader.number(1) != _BY_REFERENCE:
            raise MlsError("a proposal that is not ours")
        found.append(reader.vec())
    return tuple(found)


def _skip_leaf_node(reader: Reader) -> None:
    """Go over a LeafNode (section 7.2)."""
    reader.vec()  # encryption key
    reader.vec()  # signature key
    reader.take(2)  # credential type
    reader.vec()  # identity
    for _ in range(5):  # capabilities
        reader.vec()
    source = reader.number(1)
    if source == _LEAF_FROM_KEY_PACKAGE:
        reader.take(16)
    elif source == _LEAF_FROM_COMMIT:
        reader.vec()
    reader.vec()  # extensions
    reader.vec()  # signature
