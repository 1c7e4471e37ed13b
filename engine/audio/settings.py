"""What the mix thread is told: an immutable snapshot, read once at the start of a tick."""

from dataclasses import dataclass

from common.types import ChannelId, Gain, UserId


@dataclass(frozen=True, slots=True)
class TalkerStrip:
    """One talker's strip; ``source`` is the channel the talker is in."""

    user: UserId
    source: ChannelId
    gain: Gain
    muted: bool


@dataclass(frozen=True, slots=True)
class SourceStrip:
    """One source's strip."""

    channel: ChannelId
    gain: Gain
    muted: bool


@dataclass(frozen=True, slots=True)
class MixSettings:
    """The whole mix. ``routes[s][d]`` is the linear gain from source s to destination d; ``kill`` silences all."""

    talkers: tuple[TalkerStrip, ...] = ()
    sources: tuple[SourceStrip, ...] = ()
    destinations: tuple[ChannelId, ...] = ()
    routes: tuple[tuple[float, ...], ...] = ()
    kill: bool = False
