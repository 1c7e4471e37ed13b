"""What a session is made of: the words that commands carry and the state repeats.

Snowflakes are decimal strings, since JavaScript's numbers can't hold 64 bits.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct

from common.types import Suppression


class Range(NamedTuple):
    """From where to where a value may go, both included."""

    lowest: float
    highest: float


GAINS: Final = Range(0.0, 2.0)
BANDS_DB: Final = Range(-12.0, 12.0)
PANS: Final = Range(-1.0, 1.0)
DELAYS_S: Final = Range(0.0, 300.0)
DUCKINGS_DB: Final = Range(0.0, 24.0)
LOUDNESSES: Final = Range(-30.0, -14.0)

DEFAULT_LOUDNESS: Final = -20.0

MOST_STRIPS: Final = 4096
"""Users whose strip is remembered (a large event has 1000)."""

SNOWFLAKE: Final = r"^(0|[1-9][0-9]{0,19})$(?!\n)"
"""An id has one way to be written, so that equal ids are equal strings."""

Snowflake = Annotated[str, Meta(pattern=SNOWFLAKE, description="Discord id, decimal without leading zeros")]
GainValue = Annotated[float, Meta(ge=GAINS.lowest, le=GAINS.highest, description="linear gain, 1.0 = 100 %")]
BandValue = Annotated[float, Meta(ge=BANDS_DB.lowest, le=BANDS_DB.highest, description="dB")]
PanValue = Annotated[float, Meta(ge=PANS.lowest, le=PANS.highest, description="left to right")]
DelayValue = Annotated[float, Meta(ge=DELAYS_S.lowest, le=DELAYS_S.highest, description="seconds")]
DuckingValue = Annotated[float, Meta(ge=DUCKINGS_DB.lowest, le=DUCKINGS_DB.highest, description="dB")]
LoudnessValue = Annotated[float, Meta(ge=LOUDNESSES.lowest, le=LOUDNESSES.highest, description="short-term LUFS")]
TickMs = Literal[10, 20]
"""Length of a tick; 10 costs twice the work and saves 10 ms on the way."""

BotName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
        description="name under which a bot's token is kept; a token itself has dots and does not fit",
    ),
]


class StripSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered of one user; left out fields are what everybody gets.

    ``levelling`` brings the voice to the session's loudness, ``high_pass`` takes out rumble, ``suppression`` noise.
    While a ``priority`` talker speaks, destinations that duck lower the others.
    """

    gain: GainValue = 1.0
    muted: bool = False
    priority: bool = False
    suppression: Suppression = Suppression.OFF
    levelling: bool = True
    high_pass: bool = False


Strips = Annotated[dict[Snowflake, StripSpec], Meta(max_length=MOST_STRIPS, description="strips by user id")]


class EqualizerSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Three bands; 0 dB each is no change."""

    low_db: BandValue = 0.0
    mid_db: BandValue = 0.0
    high_db: BandValue = 0.0


EQUALIZER_PRESETS: Final[Mapping[str, EqualizerSpec]] = MappingProxyType(
    {
        "flat": EqualizerSpec(),
        "clear_voice": EqualizerSpec(low_db=-3.0, mid_db=2.0, high_db=3.0),
        "warm": EqualizerSpec(low_db=3.0, high_db=-2.0),
        "less_harsh": EqualizerSpec(mid_db=-2.0, high_db=-4.0),
        "less_rumble": EqualizerSpec(low_db=-9.0),
    }
)
"""Settings worth a name; how each is called in a reader's language is a sentence, ``preset.<code>``."""


class SourceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to listen to; ``bot`` names the token of the bot that sits there."""

    channel: Snowflake
    bot: BotName
    name: str = ""
    gain: GainValue = 1.0
    muted: bool = False
    equalizer: EqualizerSpec = EqualizerSpec()
    pan: PanValue = 0.0


class DestinationSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A voice channel to play into.

    What is heard there was said ``delay_s`` ago; while a priority talker speaks the others are ``duck_db`` lower.
    A ``monitor`` hears what is soloed as long as anything is, and the mix otherwise.
    """

    channel: Snowflake
    bot: BotName
    name: str = ""
    delay_s: DelayValue = 0.0
    duck_db: DuckingValue = 0.0
    monitor: bool = False


class RouteSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Source to destination with a gain."""

    source: Snowflake
    destination: Snowflake
    gain: GainValue = 1.0


class SessionSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What to relay; no routes means every source to every destination at 100 %.

    ``tick_ms`` 20, or 10 for a lower delay; ``loudness`` is what levelling brings every talker to.
    """

    guild: Snowflake
    sources: tuple[SourceSpec, ...]
    destinations: tuple[DestinationSpec, ...]
    routes: tuple[RouteSpec, ...] = ()
    tick_ms: TickMs = 20
    loudness: LoudnessValue = DEFAULT_LOUDNESS
