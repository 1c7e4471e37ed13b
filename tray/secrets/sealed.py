"""Bytes under a passphrase: what the vault and the bot pack are made of.

A sealed text is JSON::

    {"kind": "vault", "version": 1, "cost": {"ops": 3, "memory": 268435456}, "salt": …, "box": …, "digest": …}

argon2id makes the key from passphrase, salt and cost; ``box`` is XSalsa20-Poly1305 under that key (nonce first). The
cost stands in the file, so that it can rise later, and has bounds, so that a strange file can't ask for all memory.
``digest`` is over everything else: where it doesn't fit, the file is damaged; where it fits and the box stays shut, the
passphrase is wrong (or somebody changed the file on purpose, which nobody can tell from that).
"""

import hashlib
import unicodedata
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from nacl import exceptions, pwhash, secret, utils

from common.errors import ErrorCode, SecretsError
from common.protocol.spec import Range
from common.secret import Secret

VERSION: Final = 1
LONGEST_BYTES: Final = 4 * 1024 * 1024
"""Of a sealed text: a pack with all presets of a large event stays far below."""
PASSPHRASES: Final = Range(8, 256)
"""Characters of a passphrase."""

_SALT_BYTES: Final = pwhash.argon2id.SALTBYTES
_DIGEST_BYTES: Final = 32

Kind = Literal["vault", "pack"]


class Cost(Struct, frozen=True, forbid_unknown_fields=True):
    """What one guess of the passphrase costs: passes over ``memory`` bytes (the default: half a second, 256 MiB)."""

    ops: Annotated[int, Meta(ge=pwhash.argon2id.OPSLIMIT_MIN, le=8)] = pwhash.argon2id.OPSLIMIT_MODERATE
    memory: Annotated[int, Meta(ge=pwhash.argon2id.MEMLIMIT_MIN, le=2**29)] = pwhash.argon2id.MEMLIMIT_MODERATE


DEFAULT_COST: Final = Cost()


class BrokenError(Exception):
    """It is not a sealed text of this kind, or not a whole one; the message says why, without any of its content."""


class NewerError(Exception):
    """A newer version of the program made it."""


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed text, taken apart."""

    kind: Kind
    version: int
    cost: Cost
    salt: Annotated[bytes, Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]
    box: bytes
    digest: Annotated[bytes, Meta(min_length=_DIGEST_BYTES, max_length=_DIGEST_BYTES)]


class Key:
    """The key that a passphrase gave with one salt and cost; the passphrase itself is not kept."""

    __slots__ = ("_box", "_cost", "_salt")

    def __init__(self, passphrase: Secret, salt: bytes, cost: Cost) -> None:
        self._salt = salt
        self._cost = cost
        self._box = secret.SecretBox(_derived(passphrase, salt, cost))

    @classmethod
    def new(cls, passphrase: Secret, cost: Cost = DEFAULT_COST) -> "Key":
        """Make a key with a salt of its own; raises PASSPHRASE_UNFIT."""
        if not PASSPHRASES.lowest <= len(_typed(passphrase)) <= PASSPHRASES.highest:
            lowest, highest = (str(int(bound)) for bound in PASSPHRASES)
            raise SecretsError(ErrorCode.PASSPHRASE_UNFIT, lowest=lowest, highest=highest)
        return cls(passphrase, utils.random(_SALT_BYTES), cost)

    def seal(self, kind: Kind, plain: bytes) -> bytes:
        """Encrypt; the same text gives other bytes each time."""
        box = bytes(self._box.encrypt(plain))
        digest = _digest(kind, VERSION, self._cost, self._salt, box)
        return msgspec.json.encode(Envelope(kind, VERSION, self._cost, self._salt, box, digest))

    def open(self, envelope: Envelope) -> bytes:
        """Decrypt; raises PASSPHRASE_WRONG."""
        try:
            return bytes(self._box.decrypt(envelope.box))
        except (exceptions.CryptoError, exceptions.ValueError):
            raise SecretsError(ErrorCode.PASSPHRASE_WRONG) from None


def parse(kind: Kind, data: bytes) -> Envelope:
    """Take a sealed text apart without opening it; raises BrokenError, NewerError."""
    if len(data) > LONGEST_BYTES:
        raise BrokenError(f"longer than {LONGEST_BYTES} bytes")
    _refuse_other(kind, data)
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BrokenError("a part is missing or out of range") from None
    digest = _digest(envelope.kind, envelope.version, envelope.cost, envelope.salt, envelope.box)
    if envelope.digest != digest:
        raise BrokenError("it has changed since it was written")
    return envelope


def unseal(envelope: Envelope, passphrase: Secret) -> tuple[Key, bytes]:
    """Open what :func:`parse` took apart; returns its key too. Takes as long as its cost; raises PASSPHRASE_WRONG."""
    if not 0 < len(_typed(passphrase)) <= PASSPHRASES.highest:
        raise SecretsError(ErrorCode.PASSPHRASE_WRONG)
    key = Key(passphrase, envelope.salt, envelope.cost)
    return key, key.open(envelope)


class _Head(Struct, frozen=True):
    kind: str
    version: int


def _refuse_other(kind: Kind, data: bytes) -> None:
    """Judge what a newer version's text and ours have in common."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BrokenError("it is another kind of file, or not a whole one") from None
    if head.kind != kind:
        raise BrokenError("it is another kind of file")
    if head.version > VERSION:
        raise NewerError


def _derived(passphrase: Secret, salt: bytes, cost: Cost) -> bytes:
    try:
        return pwhash.argon2id.kdf(
            secret.SecretBox.KEY_SIZE, _typed(passphrase).encode("utf-8", "surrogatepass"), salt, cost.ops, cost.memory
        )
    except exceptions.RuntimeError:
        raise SecretsError(
            ErrorCode.INTERNAL, reason=f"no {cost.memory >> 20} MiB of memory for the passphrase"
        ) from None


def _typed(passphrase: Secret) -> str:
    """Give the same text for the same keys, whatever the system (が may be two characters) or input mode (Ａ)."""
    return unicodedata.normalize("NFKC", passphrase.reveal())


def _digest(kind: str, version: int, cost: Cost, salt: bytes, box: bytes) -> bytes:
    head = f"{kind} {version} {cost.ops} {cost.memory} ".encode()
    return hashlib.sha256(head + salt + box).digest()
