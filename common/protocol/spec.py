"""What a session is made of: the words that commands carry and the state repeats.

Snowflakes are decimal strings, since JavaScript's numbers can't hold 64 bits.
"""

from typing import Annotated

from msgspec import Meta, Struct

Snowflake = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$(?!\n)", description="Discord id, decimal")]
GainValue = Annotated[float, Meta(ge=0.0, le=2.0, description="linear gain, 1.0 = 100 %")]
BotName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
        description="name under which a bot's token is kept; a token itself has dots and does not fit",
    ),
]


class SourceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to listen to; ``bot`` names the token of the bot that sits there."""

    channel: Snowflake
    bot: BotName
    name: str = ""
    gain: GainValue = 1.0
    muted: bool = False


class DestinationSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to play into."""

    channel: Snowflake
    bot: BotName
    name: str = ""


class RouteSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Source to destination with a gain."""

    source: Snowflake
    destination: Snowflake
    gain: GainValue = 1.0


class SessionSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What to relay; no routes means every source to every destination at 100 %."""

    guild: Snowflake
    sources: tuple[SourceSpec, ...]
    destinations: tuple[DestinationSpec, ...]
    routes: tuple[RouteSpec, ...] = ()
