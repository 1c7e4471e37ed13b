"""Everything that control clients and the engine say to each other; docs/protocol.md is made from it.

One request carries one command and gets one reply with its id. Events come unasked: a snapshot first, then a change
for every change of state, and meters to those who asked for them. Snowflakes are decimal strings.
"""

from typing import Annotated

from msgspec import Meta, Struct

Snowflake = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$", description="Discord id, decimal")]
GainValue = Annotated[float, Meta(ge=0.0, le=2.0, description="linear gain, 1.0 = 100 %")]


class SourceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to listen to; ``bot`` names the token of the bot that sits there."""

    channel: Snowflake
    bot: str
    name: str = ""
    gain: GainValue = 1.0
    muted: bool = False


class DestinationSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to play into."""

    channel: Snowflake
    bot: str
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
