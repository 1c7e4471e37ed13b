"""What a user's settings are. There is no place for a token in them: a bot is a name that can't be one."""

from enum import StrEnum

from msgspec import Struct, field

from common.protocol.spec import (
    DEFAULT_LOUDNESS,
    BotName,
    DestinationSpec,
    LoudnessValue,
    RouteSpec,
    SessionSpec,
    Snowflake,
    SourceSpec,
    Strips,
    TickMs,
)
from common.protocol.state import Role

CONFIG_VERSION = 1
"""Raised with every change that an older version can't read; a step per version goes into ``migrations`` then."""


class Language(StrEnum):
    """The language of everything shown; ``auto`` follows the system."""

    AUTO = "auto"
    EN = "en"
    JA = "ja"


class Theme(StrEnum):
    """Light or dark; ``system`` follows the system."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class BotEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A bot of ours; its token is kept under ``bot``. The rest is what Discord said of it the last time."""

    bot: BotName
    role: Role
    user: str = ""
    application: str = ""
    name: str = ""


class Preset(Struct, frozen=True, forbid_unknown_fields=True):
    """A saved set of channels, routes, strips and names."""

    name: str
    guild: Snowflake
    guild_name: str = ""
    sources: tuple[SourceSpec, ...] = ()
    destinations: tuple[DestinationSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    strips: Strips = field(default_factory=dict)


class WizardPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the set-up stands, so that it can be left and resumed; empty is the beginning."""

    step: str = ""
    done: tuple[str, ...] = ()


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings file.

    ``strips`` are remembered across sessions, whoever starts them; the rest is the session that Start starts.
    """

    version: int = CONFIG_VERSION
    language: Language = Language.AUTO
    theme: Theme = Theme.SYSTEM
    start_at_login: bool = False
    notifications: bool = True
    hotkeys: bool = False
    bots: tuple[BotEntry, ...] = ()
    guild: Snowflake | None = None
    guild_name: str = ""
    sources: tuple[SourceSpec, ...] = ()
    destinations: tuple[DestinationSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    tick_ms: TickMs = 20
    loudness: LoudnessValue = DEFAULT_LOUDNESS
    strips: Strips = field(default_factory=dict)
    presets: tuple[Preset, ...] = ()
    wizard: WizardPlace = WizardPlace()

    def session(self) -> SessionSpec | None:
        """Return the session to start; ``None`` while no server was chosen."""
        if self.guild is None:
            return None
        return SessionSpec(
            guild=self.guild,
            sources=self.sources,
            destinations=self.destinations,
            routes=self.routes,
            tick_ms=self.tick_ms,
            loudness=self.loudness,
        )
