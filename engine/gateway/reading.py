"""From discord.py's cache to the plain values of :mod:`engine.gateway.views`."""

import discord

from common import permissions
from common.permissions import Permission
from common.types import ChannelId, GuildId, UserId
from engine.gateway.views import ChannelKind, ChannelView, GuildView, VoiceMember

_ASKED = (
    Permission.VIEW_CHANNEL,
    Permission.CONNECT,
    Permission.SPEAK,
    Permission.MOVE_MEMBERS,
    Permission.SET_VOICE_CHANNEL_STATUS,
)


def guild_view(guild: discord.Guild, me: discord.Member | None) -> GuildView:
    """Photograph a guild with the eyes of ``me``; where its roles are unknown, nothing counts as forbidden."""
    member = _permission_member(guild, me)
    inhabited = (channel for channel in guild.channels if not isinstance(channel, discord.CategoryChannel))
    channels = sorted(inhabited, key=_as_people_see_them)
    return GuildView(
        id=GuildId(guild.id),
        name=guild.name,
        channels=tuple(_channel_view(channel, member) for channel in channels),
    )


def voice_members(channel: discord.VoiceChannel | discord.StageChannel) -> tuple[VoiceMember, ...]:
    """List who is in a channel, also those of whom Discord told no more than the id."""
    return tuple(
        _voice_member(channel, UserId(user), state, channel.guild.get_member(user))
        for user, state in channel.voice_states.items()
    )


def _voice_member(
    channel: discord.VoiceChannel | discord.StageChannel,
    user: UserId,
    state: discord.VoiceState,
    member: discord.Member | None,
) -> VoiceMember:
    return VoiceMember(
        user=user,
        name=str(user) if member is None else member.display_name,
        channel=ChannelId(channel.id),
        bot=member is not None and member.bot,
        mute=state.mute,
        deaf=state.deaf,
        self_mute=state.self_mute,
        self_deaf=state.self_deaf,
    )


def _channel_view(channel: discord.abc.GuildChannel, member: permissions.Member) -> ChannelView:
    overwrites = _overwrites(channel)
    vocal = channel if isinstance(channel, discord.VoiceChannel | discord.StageChannel) else None
    return ChannelView(
        id=ChannelId(channel.id),
        name=channel.name,
        kind=_kind(channel),
        category=channel.category.name if channel.category else "",
        position=channel.position,
        user_limit=vocal.user_limit if vocal else 0,
        permissions=permissions.effective(member, overwrites),
        denials=tuple((name, str(why)) for name, why in permissions.missing(member, overwrites, _ASKED).items()),
        members=voice_members(vocal) if vocal else (),
    )


def _permission_member(guild: discord.Guild, me: discord.Member | None) -> permissions.Member:
    """Take over what decides about permissions: roles, ownership, time-out."""
    if me is None or guild.default_role is None:
        return permissions.Member(id=0, everyone=permissions.Role(guild.id, "@everyone", permissions.EVERYTHING))
    return permissions.Member(
        id=me.id,
        everyone=_role(guild.default_role),
        roles=tuple(_role(role) for role in me.roles if role != guild.default_role),
        owner=guild.owner_id == me.id,
        timed_out=me.is_timed_out(),
    )


def _role(role: discord.Role) -> permissions.Role:
    return permissions.Role(id=role.id, name=role.name, permissions=role.permissions.value)


def _overwrites(channel: discord.abc.GuildChannel) -> list[permissions.Overwrite]:
    return [
        permissions.Overwrite(target=target.id, allow=allow.value, deny=deny.value)
        for target, (allow, deny) in ((target, rule.pair()) for target, rule in channel.overwrites.items())
    ]


def _kind(channel: discord.abc.GuildChannel) -> ChannelKind:
    if isinstance(channel, discord.VoiceChannel):
        return ChannelKind.VOICE
    if isinstance(channel, discord.StageChannel):
        return ChannelKind.STAGE
    return ChannelKind.OTHER


def _as_people_see_them(channel: discord.abc.GuildChannel) -> tuple[int, int, int]:
    """Channels without a category first, then category by category; the id breaks ties as in Discord's client."""
    category = channel.category
    return (-1 if category is None else category.position, channel.position, channel.id)
