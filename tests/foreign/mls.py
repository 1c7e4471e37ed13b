"""The delivery service of a voice gateway: RFC 9420's layouts and the group's book-keeping, by DAVE's own paper.

Written from the protocol's paper (version 1.1.4) and RFC 9420: nothing here reads the product's code. It holds no
keys of the group: it proposes as the external sender, judges commits, knows who sits on which leaf.
"""

import hashlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PUBLIC_MESSAGE = b"\x00\x01\x00\x01"
KEY_PACKAGE_MESSAGE = b"\x00\x01\x00\x05"
ADD, REMOVE = 1, 3


def vector(data):
    """Put the length in front, in one, two or four bytes (RFC 9420, 2.1.2)."""
    if len(data) < 1 << 6:
        return bytes([len(data)]) + data
    if len(data) < 1 << 14:
        return struct.pack(">H", len(data) | 1 << 14) + data
    return struct.pack(">I", len(data) | 2 << 30) + data


class Cursor:
    """Walks over a message."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("message too short")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self):
        first = self.data[self.at]
        size = 1 << (first >> 6)
        length = self.number(size) & ((1 << (8 * size - 2)) - 1)
        return self.take(length)


def reference(label, value):
    """RFC 9420, 5.2: the labelled hash that names a proposal or a key package."""
    return hashlib.sha256(vector(label) + vector(value)).digest()


def read_credential(cursor):
    if cursor.number(2) != 1:
        raise ValueError("not a basic credential")
    return int.from_bytes(cursor.vector(), "big")


def skip_leaf(cursor):
    """Pass over a LeafNode (RFC 9420, 7.2), give its user."""
    cursor.vector()  # encryption key
    cursor.vector()  # signature key
    user = read_credential(cursor)
    for _ in range(5):  # capabilities
        cursor.vector()
    source = cursor.number(1)
    if source == 1:
        cursor.take(16)  # lifetime
    elif source == 3:
        cursor.vector()  # parent hash
    cursor.vector()  # extensions
    cursor.vector()  # signature
    return user


def open_key_package(message):
    """Give (KeyPackage, user); the paper says MLSMessage, today's clients send the bare KeyPackage: both do."""
    package = message.removeprefix(KEY_PACKAGE_MESSAGE)
    cursor = Cursor(package)
    if cursor.number(2) != 1 or cursor.number(2) != 2:
        raise ValueError("another version or suite")
    cursor.vector()  # init key
    return package, skip_leaf(cursor)


class Commit:
    """What op 28 holds: an MLSMessage with a Commit, and a bare Welcome if it adds anybody."""

    def __init__(self, data):
        cursor = Cursor(data)
        if cursor.take(4) != PUBLIC_MESSAGE:
            raise ValueError("not a public message of MLS 1.0")
        self.group = cursor.vector()
        self.epoch = cursor.number(8)
        if cursor.number(1) != 1:
            raise ValueError("not from a member")
        self.leaf = cursor.number(4)
        cursor.vector()  # authenticated data
        if cursor.number(1) != 3:
            raise ValueError("not a commit")
        self.references = self._read_references(Cursor(cursor.vector()))
        if cursor.number(1):
            skip_leaf(cursor)
            cursor.vector()  # the path's nodes
        for _ in range(3):  # signature, confirmation tag, membership tag
            cursor.vector()
        self.message, self.welcome = data[: cursor.at], data[cursor.at :]

    def _read_references(self, cursor):
        found = []
        while cursor.at < len(cursor.data):
            if cursor.number(1) != 2:
                raise ValueError("a proposal by value")
            found.append(cursor.vector())
        return found


def welcome_for(welcome, key_package):
    """The targeted subset: only this member's group secrets (paper, op 30)."""
    cursor = Cursor(welcome)
    suite, secrets, info = cursor.take(2), Cursor(cursor.vector()), cursor.vector()
    wanted = reference(b"MLS 1.0 KeyPackage Reference", key_package)
    while secrets.at < len(secrets.data):
        start = secrets.at
        name, _, _ = secrets.vector(), secrets.vector(), secrets.vector()
        if name == wanted:
            return suite + vector(secrets.data[start : secrets.at]) + vector(info)
    raise ValueError("the welcome leaves somebody out")


class Proposal:
    """One of the external sender's own: its message, its reference, whom it concerns."""

    def __init__(self, kind, user, message, leaf=None, package=None):
        self.kind, self.user, self.message, self.leaf, self.package = kind, user, message, leaf, package
        self.reference = reference(b"MLS 1.0 Proposal Reference", message[2:])


class Group:
    """What the delivery service knows of one group: epoch, leaves, proposals in flight."""

    def __init__(self, channel, name=b"elsewhere"):
        self.id = channel.to_bytes(8, "big")
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name
        self.restart()

    def restart(self):
        """Forget everybody: a group that is not established."""
        self.epoch, self.established = 0, False
        self.leaves, self.proposals = [], []

    def external_sender(self):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return vector(point) + b"\x00\x01" + vector(self.name)

    def _sign(self, proposal):
        content = vector(self.id) + struct.pack(">QBI", self.epoch, 2, 0) + vector(b"") + b"\x02" + proposal
        signed = vector(b"MLS 1.0 FramedContentTBS") + vector(PUBLIC_MESSAGE + content)
        return PUBLIC_MESSAGE + content + vector(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))

    def propose_add(self, user, package):
        made = Proposal(ADD, user, self._sign(struct.pack(">H", ADD) + package), package=package)
        self.proposals.append(made)
        return made

    def propose_remove(self, user):
        leaf = self.leaves.index(user)
        made = Proposal(REMOVE, user, self._sign(struct.pack(">HI", REMOVE, leaf)), leaf=leaf)
        self.proposals.append(made)
        return made

    def users(self):
        return {user for user in self.leaves if user is not None}

    def judge(self, user, commit):
        """Why the commit can't stand (paper, Voice Gateway Commit Validity), or None."""
        if commit.group != self.id or commit.epoch != self.epoch:
            return "another group or epoch"
        wanted = {made.reference for made in self.proposals if self.established or made.user != user}
        if set(commit.references) != wanted or not wanted:
            return "not exactly the proposals in flight"
        if self.established and (user not in self.leaves or self.leaves.index(user) != commit.leaf):
            return "not from its own leaf"
        return None

    def apply(self, user, commit):
        """Go to the next epoch; give the added proposals."""
        if not self.established:
            self.leaves = [user]
        used = [made for name in commit.references for made in self.proposals if made.reference == name]
        for made in used:
            if made.kind == REMOVE:
                self.leaves[made.leaf] = None
        added = [made for made in used if made.kind == ADD]
        for made in added:
            free = self.leaves.index(None) if None in self.leaves else len(self.leaves)
            self.leaves[free : free + 1] = [made.user]
        while self.leaves and self.leaves[-1] is None:
            self.leaves.pop()
        self.epoch, self.established, self.proposals = self.epoch + 1, True, []
        return added
