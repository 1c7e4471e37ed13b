"""What a bot sees of a guild, as plain values: the rooms above never hold an object of discord.py.

A view is a photograph: it does not change after it was taken.
"""

from dataclasses import dataclass
from enum import StrEnum

from common.types import ChannelId, GuildId, UserId


class ChannelKind(StrEnum):
    """The kinds of channel that matter to a relay."""

    VOICE = "voice"
    STAGE = "stage"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class VoiceMember:
    """Somebody who is in a voice channel.

    ``name`` is what the guild calls them: nickname, else display name, else account name, else the id in digits.
    ``bot`` marks an application account, ours or another's.
    ``mute`` and ``deaf`` are the guild's (a moderator's); what members do to themselves has the prefix ``self_``.
    """

    user: UserId
    name: str
    channel: ChannelId
    bot: bool = False
    mute: bool = False
    deaf: bool = False
    self_mute: bool = False
    self_deaf: bool = False


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel, with what the looking bot may do in it.

    ``missing`` names the permissions the bot lacks here and, for each, who denies it
    (:func:`common.permissions.missing`). ``user_limit`` 0 means no limit.
    """

    id: ChannelId
    name: str
    kind: ChannelKind
    category: str = ""
    position: int = 0
    user_limit: int = 0
    permissions: int = 0
    denials: tuple[tuple[str, str], ...] = ()
    members: tuple[VoiceMember, ...] = ()

    def denied_by(self, permission: str) -> str:
        """Say who denies ``permission`` in this channel; empty when the bot has it."""
        return dict(self.denials).get(permission, "")


@dataclass(frozen=True, slots=True)
class GuildView:
    """A guild as one bot sees it; channels in the order people see them."""

    id: GuildId
    name: str
    channels: tuple[ChannelView, ...] = ()

    def channel(self, channel: ChannelId) -> ChannelView | None:
        """Find a channel by id; ``None`` when the guild has none the bot can see."""
        return next((view for view in self.channels if view.id == channel), None)
