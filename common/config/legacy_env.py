"""Reads the settings file of the original application.

It is called ``.env`` though it is TOML::

    guild_id = "950683443266748416"
    speaker1_api = "…"                a bot's token; API_HERE or TOKEN_HERE where none was entered
    listener_api = "…"
    [user_volumes]
    155896701595418626 = 0.550000011920929

People edit it with Notepad and with what they know of dotenv files. So a byte order mark, UTF-16, other line ends,
``KEY=value`` without quotes, capital letters and ``export`` are understood too; what can't be used is named in
``ignored``, and only a file without any of the original's bots is refused. No value of it gets into an error.
"""

import codecs
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.errors import ConfigError, ErrorCode
from common.protocol.spec import GAINS, MOST_STRIPS
from common.protocol.state import Role
from common.secret import Secret

FILE_NAME: Final = ".env"
LONGEST_BYTES: Final = 256 * 1024

_FOLDER: Final = "discordvoicecomm"
_VOLUMES: Final = "user_volumes"
_BOT: Final = re.compile(r"(?P<bot>listener|speaker[1-9][0-9]?)_(?:api|token)")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._-]{20,200}")
_PLACEHOLDER: Final = re.compile(r"[^.]*(?:here|your|xxxx|changeme)[^.]*", re.IGNORECASE)
_ID: Final = re.compile(r"[1-9][0-9]{4,19}")
"""An id of Discord's; the original's own placeholder is 1."""
_IDS: Final = 2**64
_SHOWN: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LINE: Final = re.compile(r"\s*(?:export\s+)?[\"']?(?P<key>[A-Za-z0-9_-]+)[\"']?\s*[=:]\s*(?P<value>.*)")
_QUOTED: Final = re.compile(r"(?P<mark>[\"'])(?P<text>.*?)(?P=mark)")
_PERCENT_ABOVE: Final = 10.0
"""No gain is that high: whoever wrote 55 meant percent."""


@dataclass(frozen=True, slots=True)
class LegacySettings:
    """What the original had been told.

    ``roles``: its bots (``listener``, ``speaker1`` …). ``tokens``: of those with a token that looks real; of several
    with the same token only the first, the others are ``doubled``. ``gains``: linear, 0 to 2, by user id. ``ignored``:
    keys that could not be used.
    """

    roles: Mapping[str, Role]
    tokens: Mapping[str, Secret]
    doubled: tuple[str, ...]
    guild: str | None
    gains: Mapping[str, float]
    ignored: tuple[str, ...]


def legacy_folders(environment: Mapping[str, str], working: Path) -> tuple[Path, ...]:
    """Return where the original may have left its file: where it was started, and where it was installed."""
    installed = (environment.get(name, "") for name in ("LOCALAPPDATA", "ProgramFiles"))
    return (working, *(Path(folder) / _FOLDER for folder in installed if folder))


def find_legacy(folders: Iterable[Path]) -> Path | None:
    """Return the first file that is the original's; other programs' ``.env`` files are none of our business."""
    for folder in folders:
        path = folder / FILE_NAME
        try:
            read_legacy(path)
        except ConfigError:
            continue
        return path
    return None


def read_legacy(path: Path) -> LegacySettings:
    """Read a file; raises CONFIG_UNREADABLE, CONFIG_INVALID."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, file=str(path), reason=reason) from None
    return parse_legacy(data, str(path))


def parse_legacy(data: bytes, file: str) -> LegacySettings:
    """Read a file's bytes; raises CONFIG_INVALID for one that is too long or has none of the original's bots."""
    if len(data) > LONGEST_BYTES:
        raise ConfigError(ErrorCode.CONFIG_INVALID, file=file, path="$", reason=f"longer than {LONGEST_BYTES} bytes")
    text = _text(data)
    found = _read(_from_toml(text) or _from_lines(text))
    if not found.roles:
        reason = "none of the original application's settings"
        raise ConfigError(ErrorCode.CONFIG_INVALID, file=file, path="listener_api", reason=reason)
    return found


def _text(data: bytes) -> str:
    """Decode; what is no UTF-8 can only be a comment, since keys and values are ASCII."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _from_toml(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, OverflowError, RecursionError):
        return None


def _from_lines(text: str) -> dict[str, object]:
    """Read what TOML does not allow, line by line; a line that is no setting is passed over."""
    top: dict[str, object] = {}
    volumes: dict[str, object] = {}
    for line in text.splitlines():
        setting = _LINE.fullmatch(line)
        if setting is not None:
            where = volumes if setting["key"].isdecimal() else top
            where[setting["key"]] = _value(setting["value"])
    return {**top, _VOLUMES: volumes}


def _value(text: str) -> str:
    quoted = _QUOTED.match(text)
    return quoted["text"] if quoted else f" {text}".replace("\t#", " #").partition(" #")[0].strip()


def _read(settings: Mapping[str, object]) -> LegacySettings:
    by_name = {key.lower(): (key, value) for key, value in settings.items()}
    written = {bot["bot"]: value for name, (_, value) in by_name.items() if (bot := _BOT.fullmatch(name))}
    tokens, doubled = _tokens(written)
    guild = _id(by_name.get("guild_id", ("", ""))[1])
    gains, ignored = _gains(by_name.get(_VOLUMES, ("", {}))[1])
    known = {"guild_id", _VOLUMES}
    ignored += [key for name, (key, _) in by_name.items() if name not in known and not _BOT.fullmatch(name)]
    return LegacySettings(
        roles={bot: Role.DESTINATION if bot == "listener" else Role.SOURCE for bot in written},
        tokens=tokens,
        doubled=doubled,
        guild=guild,
        gains=gains,
        ignored=tuple(key for key in ignored if _SHOWN.fullmatch(key)),
    )


def _tokens(written: Mapping[str, object]) -> tuple[dict[str, Secret], tuple[str, ...]]:
    """Return the real tokens by bot, and the bots that have another one's."""
    tokens: dict[str, Secret] = {}
    doubled = []
    for bot, value in written.items():
        token = _token(value)
        if token in tokens.values():
            doubled.append(bot)
        elif token is not None:
            tokens[bot] = token
    return tokens, tuple(doubled)


def _token(value: object) -> Secret | None:
    text = value.strip().removeprefix("Bot ").strip() if isinstance(value, str) else ""
    return Secret(text) if _TOKEN.fullmatch(text) and not _PLACEHOLDER.fullmatch(text) else None


def _id(value: object) -> str | None:
    whole = isinstance(value, int) and 0 < value < _IDS
    text = str(value).strip() if isinstance(value, str) or whole else ""
    return text if _ID.fullmatch(text) else None


def _gains(table: object) -> tuple[dict[str, float], list[str]]:
    """Return gains by user, and the keys of those that are none."""
    gains: dict[str, float] = {}
    ignored = []
    for key, value in table.items() if isinstance(table, dict) else ():
        user, gain = _id(key), _gain(value)
        if user is None or gain is None or len(gains) >= MOST_STRIPS:
            ignored.append(str(key))
        else:
            gains[user] = gain
    return gains, ignored


def _gain(value: object) -> float | None:
    """Return a gain as a person would have set it: whole percents between silence and twofold."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    linear = number / 100 if number > _PERCENT_ABOVE else number
    return round(min(max(linear, GAINS.lowest), GAINS.highest), 2)
