"""What a member may do, computed as Discord documents it: roles first, then the channel's overwrites."""

from enum import IntFlag, StrEnum

from common.types import UserId
from simulator.world import Channel, Guild


class Permission(IntFlag):
    """The bits of Discord's permission set that the simulator enforces or grants."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    REQUEST_TO_SPEAK = 1 << 32
    SET_VOICE_CHANNEL_STATUS = 1 << 48


ALL = Permission(sum(Permission))
"""What an owner or administrator has."""

ORDINARY = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.REQUEST_TO_SPEAK
)
"""What everybody has in a new guild."""


class JoinRefusal(StrEnum):
    """Why a join is left unanswered."""

    UNKNOWN_CHANNEL = "unknown channel"
    NOT_A_VOICE_CHANNEL = "not a voice channel"
    NO_PERMISSION = "no permission"
    FULL = "full"


def guild_permissions(guild: Guild, user_id: UserId) -> Permission:
    """Give what the member's roles allow together; nothing for a stranger."""
    member = guild.members.get(user_id)
    if member is None:
        return Permission(0)
    if guild.owner_id == user_id:
        return ALL
    bits = guild.everyone.permissions
    for role_id in member.roles:
        bits |= guild.roles[role_id].permissions
    return ALL if bits & Permission.ADMINISTRATOR else Permission(bits)


def channel_permissions(guild: Guild, channel: Channel, user_id: UserId) -> Permission:
    """Give what the member may do in the channel.

    Overwrites apply in this order: everybody, all roles together, the member. Without VIEW_CHANNEL nothing is left.
    """
    base = guild_permissions(guild, user_id)
    if base == ALL or user_id not in guild.members:
        return base
    bits = int(base)
    for targets in ([int(guild.id)], [int(role) for role in guild.members[user_id].roles], [int(user_id)]):
        found = [channel.overwrites[target] for target in targets if target in channel.overwrites]
        for overwrite in found:
            bits &= ~overwrite.deny
        for overwrite in found:
            bits |= overwrite.allow
    return Permission(bits) if bits & Permission.VIEW_CHANNEL else Permission(0)


def refuse_join(guild: Guild, channel_id: int, user_id: UserId) -> JoinRefusal | None:
    """Say why the member may not join the voice channel; None if it may.

    Who is inside already may stay. MOVE_MEMBERS opens a full channel.
    """
    channel = next((channel for channel in guild.channels.values() if channel.id == channel_id), None)
    if channel is None:
        return JoinRefusal.UNKNOWN_CHANNEL
    if not channel.can_hold_voice:
        return JoinRefusal.NOT_A_VOICE_CHANNEL
    allowed = channel_permissions(guild, channel, user_id)
    if Permission.CONNECT not in allowed:
        return JoinRefusal.NO_PERMISSION
    others = sum(1 for state in guild.occupants(channel.id) if state.user_id != user_id)
    full = bool(channel.user_limit) and others >= channel.user_limit
    return JoinRefusal.FULL if full and Permission.MOVE_MEMBERS not in allowed else None
