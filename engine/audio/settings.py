"""What the mix thread is told: an immutable snapshot, read once at the start of a tick."""

from dataclasses import dataclass

from common.types import ChannelId, Gain, Suppression, UserId

DEFAULT_LOUDNESS = -20.0
"""Short-term loudness (LUFS) that levelling brings every talker to."""

UNITY = Gain(1.0)


@dataclass(frozen=True, slots=True)
class TalkerStrip:
    """One talker's strip; ``source`` is the channel the talker is in.

    ``solo`` is heard in monitor destinations only. A ``priority`` talker makes ducking destinations lower the others.
    """

    user: UserId
    source: ChannelId
    gain: Gain = UNITY
    muted: bool = False
    solo: bool = False
    priority: bool = False
    suppression: Suppression = Suppression.OFF
    levelling: bool = False
    high_pass: bool = False


@dataclass(frozen=True, slots=True)
class Bands:
    """A three-band equalizer, each band from −12 to +12 dB."""

    low_db: float = 0.0
    mid_db: float = 0.0
    high_db: float = 0.0


FLAT = Bands()


@dataclass(frozen=True, slots=True)
class SourceStrip:
    """One source's strip; ``pan`` from −1.0 (left) to 1.0 (right)."""

    channel: ChannelId
    gain: Gain = UNITY
    muted: bool = False
    solo: bool = False
    equalizer: Bands = FLAT
    pan: float = 0.0


@dataclass(frozen=True, slots=True)
class DestinationStrip:
    """One destination.

    ``delay_s`` 0 to 300: what is heard there was said so long ago. ``duck_db`` 0 to 24: by so much the others are
    lowered while a priority talker speaks. A ``monitor`` hears what is soloed, before its fader, and the mix as long
    as nothing is.
    """

    channel: ChannelId
    delay_s: float = 0.0
    duck_db: float = 0.0
    monitor: bool = False


@dataclass(frozen=True, slots=True)
class MixSettings:
    """The whole mix. ``routes[s][d]`` is the linear gain from source s to destination d; ``kill`` silences all."""

    talkers: tuple[TalkerStrip, ...] = ()
    sources: tuple[SourceStrip, ...] = ()
    destinations: tuple[DestinationStrip, ...] = ()
    routes: tuple[tuple[float, ...], ...] = ()
    kill: bool = False
    loudness: float = DEFAULT_LOUDNESS
