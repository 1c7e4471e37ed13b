"""All bots, presets and names in one file under a passphrase, for a co-organizer's computer."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from common.config.schema import CONFIG_VERSION, BotEntry, Preset
from common.errors import ErrorCode, SecretsError
from common.secret import Secret
from tray.secrets import sealed
from tray.secrets.sealed import Cost, Key
from tray.secrets.vault import MOST_BOTS, Tokens

SUFFIX: Final = ".dvcpack"
MOST_PRESETS: Final = 1000


class Contents(Struct, frozen=True):
    """What is in a pack: the bots with their names and roles, their tokens by bot, presets."""

    bots: tuple[BotEntry, ...]
    tokens: Mapping[str, Secret]
    presets: tuple[Preset, ...] = ()


class _Inside(Struct, frozen=True, forbid_unknown_fields=True):
    config: int
    bots: Annotated[tuple[BotEntry, ...], Meta(max_length=MOST_BOTS)]
    tokens: Tokens
    presets: Annotated[tuple[Preset, ...], Meta(max_length=MOST_PRESETS)]


class _Head(Struct, frozen=True):
    config: int


def pack(contents: Contents, passphrase: Secret, cost: Cost = sealed.DEFAULT_COST) -> bytes:
    """Return the file; raises PASSPHRASE_UNFIT, PACK_BROKEN where it would be too large to be read again."""
    key = Key.new(passphrase, cost)
    tokens = {bot: token.reveal() for bot, token in contents.tokens.items()}
    plain = msgspec.json.encode(_Inside(CONFIG_VERSION, contents.bots, tokens, contents.presets))
    _decoded(plain)
    data = key.seal("pack", plain)
    if len(data) > sealed.LONGEST_BYTES:
        raise SecretsError(ErrorCode.PACK_BROKEN, reason=f"longer than {sealed.LONGEST_BYTES} bytes")
    return data


def unpack(data: bytes, passphrase: Secret) -> Contents:
    """Read a file that :func:`pack` made; raises PASSPHRASE_WRONG, PACK_BROKEN, PACK_NEWER. Takes half a second."""
    try:
        envelope = sealed.parse("pack", data)
    except sealed.BrokenError as error:
        raise SecretsError(ErrorCode.PACK_BROKEN, reason=str(error)) from None
    except sealed.NewerError:
        raise SecretsError(ErrorCode.PACK_NEWER) from None
    _, plain = sealed.unseal(envelope, passphrase)
    inside = _decoded(plain)
    return Contents(inside.bots, {bot: Secret(token) for bot, token in inside.tokens.items()}, inside.presets)


def _decoded(plain: bytes) -> _Inside:
    """Read what was sealed; no value of it gets into an error."""
    try:
        if msgspec.json.decode(plain, type=_Head).config > CONFIG_VERSION:
            raise SecretsError(ErrorCode.PACK_NEWER)
        inside = msgspec.json.decode(plain, type=_Inside)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise SecretsError(ErrorCode.PACK_BROKEN, reason="a part is missing or out of range") from None
    names = [entry.bot for entry in inside.bots]
    if len(set(names)) < len(names) or not inside.tokens.keys() <= set(names):
        raise SecretsError(ErrorCode.PACK_BROKEN, reason="its bots and tokens don't match")
    return inside
