"""The TOML file of ``python -m engine --session``: what it may hold, and how it becomes a session.

::

    guild = "123"                    # ids as text or integers
    tick_ms = 20                     # optional; 10 for a lower delay
    loudness = -20.0                 # optional; LUFS, what levelling brings every talker to
    [[sources]]
    channel = "456"
    token_env = "DVC_TOKEN_1"        # the environment variable with the bot's token; never the token
    name = "Team A"                  # optional, as are gain = 1.0, muted = false, pan = 0.0 (-1.0 left, 1.0 right)
    equalizer = { low_db = -3.0 }    # optional, as is each of low_db, mid_db, high_db
    [[destinations]]
    channel = "789"
    token_env = "DVC_TOKEN_2"
    delay_s = 30.0                   # optional, as are duck_db = 0.0 and monitor = false
    [[routes]]                       # left out: every source to every destination at 1.0
    source = "456"
    destination = "789"
    gain = 1.0
    [strips."42"]                    # what one talker gets, by user id; any of gain = 1.0, muted = false,
    suppression = "standard"         # priority = false, suppression = "off", levelling = true, high_pass = false
    [endpoint]                       # left out: Discord
    api_base = "https://127.0.0.1:1234/api/v10"
    gateway_url = "wss://127.0.0.1:1234"
    ca_file = "ca.pem"               # relative to this file's folder
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from common.errors import ConfigError, ErrorCode
from common.protocol.codec import explain
from common.protocol.spec import DEFAULT_LOUDNESS, EqualizerSpec, SessionSpec, Strips, StripSpec, TickMs
from common.secret import Secret
from common.types import BotKey
from engine.gateway.endpoint import Endpoint

Id = str | int
Variable = Annotated[
    str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)", description="name of an environment variable")
]
_TOKEN = re.compile(r"[\w-]{18,}\.[\w-]{4,}\.[\w-]{20,}")
"""What Discord's bot tokens look like: three parts of base64 with dots between."""


class _Source(Struct, forbid_unknown_fields=True):
    channel: Id
    token_env: Variable
    name: str = ""
    gain: float = 1.0
    muted: bool = False
    equalizer: EqualizerSpec = EqualizerSpec()
    pan: float = 0.0


class _Destination(Struct, forbid_unknown_fields=True):
    channel: Id
    token_env: Variable
    name: str = ""
    delay_s: float = 0.0
    duck_db: float = 0.0
    monitor: bool = False


class _Route(Struct, forbid_unknown_fields=True):
    source: Id
    destination: Id
    gain: float = 1.0


class _Endpoint(Struct, forbid_unknown_fields=True):
    api_base: Annotated[str, Meta(pattern="^https?://[^/]")] | None = None
    gateway_url: Annotated[str, Meta(pattern="^wss?://[^/]")] | None = None
    ca_file: str | None = None


class _File(Struct, forbid_unknown_fields=True):
    guild: Id
    sources: list[_Source] = []
    destinations: list[_Destination] = []
    routes: list[_Route] = []
    tick_ms: TickMs = 20
    loudness: float = DEFAULT_LOUDNESS
    strips: Strips = {}
    endpoint: _Endpoint = msgspec.field(default_factory=_Endpoint)


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A session, its talkers' strips and where to run it; bots go by the names of their environment variables."""

    spec: SessionSpec
    strips: dict[str, StripSpec]
    endpoint: Endpoint

    def tokens(self, environment: Mapping[str, str]) -> dict[BotKey, Secret]:
        """Return the tokens that ``environment`` holds; a missing one is the session's to report."""
        names = [source.bot for source in self.spec.sources]
        names += [destination.bot for destination in self.spec.destinations]
        return {BotKey(name): Secret(environment[name].strip()) for name in names if environment.get(name, "").strip()}


def load(path: Path) -> SessionFile:
    """Read a session file; raises CONFIG_UNREADABLE, CONFIG_INVALID with the place, TOKEN_IN_FILE."""
    raw = _raw(path)
    for place in _tokens_in(raw, "$"):
        raise ConfigError(ErrorCode.TOKEN_IN_FILE, file=str(path), path=place)
    try:
        file = msgspec.convert(raw, _File)
        spec = msgspec.convert(_spec(file), SessionSpec)
    except msgspec.ValidationError as error:
        raise _invalid(path, *explain(error)) from None
    return SessionFile(spec=spec, strips=file.strips, endpoint=_endpoint(path, file.endpoint))


def _raw(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, file=str(path), reason=reason) from error
    except UnicodeDecodeError as error:
        raise _invalid(path, f"byte {error.start}", "not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason, _, place = str(error).partition(" (at ")
        raise _invalid(path, place.rstrip(")") or "$", reason) from error


def _tokens_in(value: object, place: str) -> Iterator[str]:
    """Find where a token was written: under the key ``token``, or anything that looks like one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "token" or _TOKEN.search(key):
                yield place
            else:
                yield from _tokens_in(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _tokens_in(inner, f"{place}[{index}]")
    elif isinstance(value, str) and _TOKEN.search(value):
        yield place


def _spec(file: _File) -> dict[str, Any]:
    """Return the session as plain data, for the protocol's own rules to judge; the paths stay the file's."""
    return {
        "guild": str(file.guild),
        "sources": [_place(each) for each in file.sources],
        "destinations": [_place(each) for each in file.destinations],
        "routes": [
            {"source": str(each.source), "destination": str(each.destination), "gain": each.gain}
            for each in file.routes
        ],
        "tick_ms": file.tick_ms,
        "loudness": file.loudness,
    }


def _place(each: _Source | _Destination) -> dict[str, Any]:
    rest: dict[str, Any] = msgspec.to_builtins(each)
    bot = rest.pop("token_env")
    return {**rest, "channel": str(each.channel), "bot": bot}


def _endpoint(path: Path, wanted: _Endpoint) -> Endpoint:
    ca_file = None if wanted.ca_file is None else path.parent / wanted.ca_file
    endpoint = Endpoint(api_base=wanted.api_base, gateway_url=wanted.gateway_url, ca_file=ca_file)
    try:
        endpoint.ssl_context()
    except OSError as error:
        raise _invalid(path, "$.endpoint.ca_file", error.strerror or type(error).__name__) from error
    return endpoint


def _invalid(path: Path, place: str, reason: str) -> ConfigError:
    return ConfigError(ErrorCode.CONFIG_INVALID, file=str(path), path=place, reason=reason)
