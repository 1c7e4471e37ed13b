"""What a bot tells the rooms above: plain values, handed to one callback on the loop, in the order they happened."""

from dataclasses import dataclass

from common.errors import DiscordError
from common.types import ChannelId, GuildId, UserId


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """Somebody joined (``before`` None), left (``after`` None), moved, or is otherwise seen differently (equal)."""

    guild: GuildId
    user: UserId
    before: ChannelId | None
    after: ChannelId | None


@dataclass(frozen=True, slots=True)
class GuildSeen:
    """Discord sent the whole guild: whoever was known to be in its channels may have changed."""

    guild: GuildId


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """The bot's own voice state. ``asked``: we sent it away ourselves; ``channel`` None otherwise means thrown out.

    ``mute`` and ``deaf`` are a moderator's and are respected, ``suppress`` is a stage's.
    """

    guild: GuildId
    channel: ChannelId | None
    mute: bool = False
    deaf: bool = False
    suppress: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class GatewayLost:
    """The main gateway's connection ended; discord.py is trying to resume."""


@dataclass(frozen=True, slots=True)
class GatewayBack:
    """The main gateway is connected again; not ``resumed``: in a new session, without the old voice states."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The bot ended for good and won't come back by itself."""

    error: DiscordError


BotEvent = MemberChanged | GuildSeen | OwnVoice | GatewayLost | GatewayBack | Stopped
