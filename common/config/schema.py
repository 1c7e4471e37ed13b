"""What a user's settings are. There is no place for a token in them: a bot is a name that can't be one."""

from enum import StrEnum

from msgspec import Struct, field

from common.protocol.spec import (
    DEFAULT_LOUDNESS,
    DestinationSpec,
    LoudnessValue,
    RouteSpec,
    SessionSpec,
    Snowflake,
    SourceSpec,
    Strips,
    TickMs,
)

CONFIG_VERSION = 1
"""Raised with every change that an older version can't read; a step per version goes into ``migrations`` then."""


class Language(StrEnum):
    """The language of everything shown; ``auto`` follows the system."""

    AUTO = "auto"
    EN = "en"
    JA = "ja"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings file.

    ``strips`` are remembered across sessions, whoever starts them; the rest is the session that Start starts.
    """

    version: int = CONFIG_VERSION
    language: Language = Language.AUTO
    guild: Snowflake | None = None
    sources: tuple[SourceSpec, ...] = ()
    destinations: tuple[DestinationSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    tick_ms: TickMs = 20
    loudness: LoudnessValue = DEFAULT_LOUDNESS
    strips: Strips = field(default_factory=dict)

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
