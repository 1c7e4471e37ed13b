"""Reads and writes the settings file; a broken one never stops a start.

==================================== ==================================================
the file                             what is used, and what happens to the file
==================================== ==================================================
is good                              itself; it becomes the last good copy
is not there                         the last good copy, else defaults
is broken                            likewise; it is put aside under a name with the time
was written by a newer version       defaults; it is never written over
==================================== ==================================================

The last good copy may be a newer version's too, left behind by a step back to this one: it isn't used, is told when it
would have been, and stays as it is.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from common.config.files import remove_leftovers, write_atomically
from common.config.schema import CONFIG_VERSION, Config
from common.errors import ConfigError, ErrorCode
from common.protocol.codec import explain


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings to use, and what was wrong with the file (``None``: nothing)."""

    config: Config
    problem: ConfigError | None = None


class ConfigStore:
    """The settings file at ``path``, with the last good copy beside it. ``now`` returns the time with its zone."""

    def __init__(self, path: Path, now: Callable[[], dt.datetime]) -> None:
        self.path = path
        self.last_good = path.with_name(f"{path.stem}.last-good{path.suffix}")
        self._now = now

    def load(self) -> Loaded:
        """Return settings in any case; never raises."""
        remove_leftovers(self.path)
        try:
            config = _read(self.path)
        except FileNotFoundError:
            return self._fallback()
        except ConfigError as problem:
            return self._without(problem)
        self._keep_copy(config)
        return Loaded(config)

    def save(self, config: Config) -> None:
        """Write the settings; raises CONFIG_NOT_SAVED, or CONFIG_NEWER instead of writing over a newer version's."""
        _refuse_newer(self.path)  # it may have been written since it was loaded
        try:
            write_atomically(self.path, _encoded(config))
        except OSError as error:
            raise ConfigError(ErrorCode.CONFIG_NOT_SAVED, file=str(self.path), reason=_reason(error)) from error
        self._keep_copy(config)

    def _without(self, problem: ConfigError) -> Loaded:
        if problem.code is ErrorCode.CONFIG_NEWER:
            return Loaded(Config(), problem)
        aside = self._put_aside()
        fallback = self._fallback()
        told = fallback.problem or problem
        return Loaded(fallback.config, ConfigError(told.code, **told.details, **aside))

    def _fallback(self) -> Loaded:
        """Return the last good copy, else defaults; that the copy is a newer version's is worth telling."""
        try:
            return Loaded(_read(self.last_good))
        except FileNotFoundError:
            return Loaded(Config())
        except ConfigError as problem:
            return Loaded(Config(), problem if problem.code is ErrorCode.CONFIG_NEWER else None)

    def _put_aside(self) -> dict[str, str]:
        """Rename the broken file, so that nothing a person wrote is lost; say where it went, if it could go."""
        stamp = self._now().astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"{self.path.stem}.broken-{stamp}{self.path.suffix}")
        try:
            self.path.rename(aside)
        except OSError:
            return {}
        return {"aside": str(aside)}

    def _keep_copy(self, config: Config) -> None:
        """Renew the last good copy, unless it is a newer version's; failing costs only the copy."""
        data = _encoded(config)
        try:
            _refuse_newer(self.last_good)
            if not self.last_good.exists() or self.last_good.read_bytes() != data:
                write_atomically(self.last_good, data)
        except (OSError, ConfigError):
            return


class _AnyVersion(msgspec.Struct):
    version: int


def _read(path: Path) -> Config:
    """Read and check a file; raises FileNotFoundError, CONFIG_UNREADABLE, CONFIG_INVALID, CONFIG_NEWER."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, file=str(path), reason=_reason(error)) from error
    try:
        version = msgspec.json.decode(data, type=_AnyVersion).version
        if version > CONFIG_VERSION:
            raise ConfigError(ErrorCode.CONFIG_NEWER, file=str(path), version=str(version))
        return _known(msgspec.json.decode(data, type=Config))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        where, reason = explain(error)
        raise ConfigError(ErrorCode.CONFIG_INVALID, file=str(path), path=where, reason=reason) from None


def _refuse_newer(path: Path) -> None:
    """Raise CONFIG_NEWER if a newer version wrote the file that is at ``path`` now."""
    try:
        _read(path)
    except FileNotFoundError:
        return
    except ConfigError as problem:
        if problem.code is ErrorCode.CONFIG_NEWER:
            raise


def _known(config: Config) -> Config:
    if config.version != CONFIG_VERSION:
        raise msgspec.ValidationError(f"Expected version {CONFIG_VERSION} - at `$.version`")
    return config


def _encoded(config: Config) -> bytes:
    return msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
