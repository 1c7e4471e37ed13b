"""The JSON of Discord's API v10 for everything in the world: written once, used by REST and the gateway.

Snowflakes are strings. Only fields that clients read are given; field names are Discord's.
"""

from typing import Any

from common.types import UserId
from simulator.permissions import guild_permissions
from simulator.world import (
    Account,
    Category,
    Channel,
    ChannelType,
    Emoji,
    Guild,
    Member,
    Overwrite,
    Role,
    VoiceState,
    World,
)

Json = dict[str, Any]
JOINED_AT = "2024-01-01T00:00:00.000000+00:00"
"""When every member came; nobody's business is to tell them apart by it."""


def user(account: Account) -> Json:
    """Give the user object."""
    return {
        "id": str(account.id),
        "username": account.name,
        "discriminator": "0000" if account.bot else "0",
        "global_name": account.display_name or None,
        "avatar": account.avatar,
        "bot": account.bot,
        "public_flags": 0,
    }


def own_user(account: Account) -> Json:
    """Give the user object as its owner sees it."""
    return user(account) | {"verified": True, "mfa_enabled": True, "flags": 0, "locale": "en-US", "email": None}


def application(account: Account) -> Json:
    """Give the application a bot belongs to; its id is the bot's own."""
    return {
        "id": str(account.id),
        "name": account.name,
        "icon": account.icon,
        "description": account.description,
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "tags": [],
        "rpc_origins": [],
        "install_params": None,
        "interactions_endpoint_url": None,
        "team": None,
        "bot": user(account),
        "owner": user(account) | {"bot": False},
    }


def member(guild: Guild, entry: Member, account: Account, state: VoiceState | None = None) -> Json:
    """Give the member object; ``mute`` and ``deaf`` are those of its voice state."""
    return {
        "user": user(account),
        "nick": entry.nickname,
        "roles": [str(role) for role in entry.roles],
        "avatar": None,
        "joined_at": JOINED_AT,
        "premium_since": None,
        "mute": state.mute if state else False,
        "deaf": state.deaf if state else False,
        "pending": False,
        "communication_disabled_until": entry.timed_out_until,
        "flags": 0,
        "guild_id": str(guild.id),
    }


def voice_state(state: VoiceState) -> Json:
    """Give the voice state object without its member."""
    return {
        "guild_id": str(state.guild_id),
        "channel_id": str(state.channel_id),
        "user_id": str(state.user_id),
        "session_id": state.session_id,
        "self_mute": state.self_mute,
        "self_deaf": state.self_deaf,
        "self_video": False,
        "mute": state.mute,
        "deaf": state.deaf,
        "suppress": state.suppress,
        "request_to_speak_timestamp": None,
    }


def voice_state_update(world: World, before: VoiceState | None, after: VoiceState | None) -> Json:
    """Give the dispatch VOICE_STATE_UPDATE, with its member; a leave has a null channel."""
    state = after or before
    if state is None:
        raise ValueError("a change has a before or an after")
    guild = world.guilds[state.guild_id]
    body = voice_state(state)
    if after is None:
        body["channel_id"] = None
    entry = guild.members.get(state.user_id)
    if entry is not None:
        body["member"] = member(guild, entry, world.accounts[state.user_id], state)
    return body


def role(entry: Role) -> Json:
    """Give the role object."""
    return {
        "id": str(entry.id),
        "name": entry.name,
        "permissions": str(int(entry.permissions)),
        "position": entry.position,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def emoji(entry: Emoji) -> Json:
    """Give the emoji object."""
    return {
        "id": str(entry.id),
        "name": entry.name,
        "roles": [str(role) for role in entry.roles],
        "require_colons": True,
        "managed": False,
        "animated": False,
        "available": True,
    }


def overwrite(entry: Overwrite) -> Json:
    """Give the permission overwrite object."""
    return {
        "id": str(entry.target),
        "type": 1 if entry.is_member else 0,
        "allow": str(int(entry.allow)),
        "deny": str(int(entry.deny)),
    }


def channel(entry: Channel) -> Json:
    """Give the channel object."""
    body: Json = {
        "id": str(entry.id),
        "guild_id": str(entry.guild_id),
        "name": entry.name,
        "type": int(entry.type),
        "position": entry.position,
        "parent_id": str(entry.category_id) if entry.category_id else None,
        "permission_overwrites": [overwrite(item) for item in entry.overwrites.values()],
        "nsfw": False,
        "flags": 0,
        "rate_limit_per_user": 0,
        "last_message_id": None,
        "topic": None,
    }
    if entry.can_hold_voice:
        voice = {"bitrate": entry.bitrate, "user_limit": entry.user_limit, "rtc_region": None, "video_quality_mode": 1}
        body |= voice | {"status": entry.status or None}
    return body


def category(entry: Category) -> Json:
    """Give the channel object of a category."""
    return {
        "id": str(entry.id),
        "guild_id": str(entry.guild_id),
        "name": entry.name,
        "type": int(ChannelType.CATEGORY),
        "position": entry.position,
        "parent_id": None,
        "permission_overwrites": [overwrite(item) for item in entry.overwrites.values()],
        "nsfw": False,
        "flags": 0,
    }


def channels(guild: Guild) -> list[Json]:
    """Give all channels of a guild, categories first."""
    return [category(entry) for entry in guild.categories.values()] + [
        channel(entry) for entry in guild.channels.values()
    ]


def guild(entry: Guild) -> Json:
    """Give the guild object as REST does: without channels and members."""
    return {
        "id": str(entry.id),
        "name": entry.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(entry.owner_id),
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 1,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "features": [],
        "emojis": [emoji(item) for item in entry.emojis],
        "stickers": [],
        "roles": [role(item) for item in entry.roles.values()],
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": "en-US",
        "max_members": 500_000,
        "max_presences": None,
    }


def partial_guild(entry: Guild, user_id: UserId) -> Json:
    """Give the guild as listed among one's own, with one's permissions in it."""
    return {
        "id": str(entry.id),
        "name": entry.name,
        "icon": None,
        "banner": None,
        "owner": entry.owner_id == user_id,
        "permissions": str(int(guild_permissions(entry, user_id))),
        "features": [],
    }


def guild_create(world: World, entry: Guild, viewer: UserId) -> Json:
    """Give the dispatch GUILD_CREATE as a bot without the members intent gets it.

    Its members are those who are in voice and the bot itself; the voice states have no member of their own.
    """
    present = [viewer, *(user_id for user_id in entry.voice_states if user_id != viewer)]
    return guild(entry) | {
        "joined_at": JOINED_AT,
        "large": False,
        "unavailable": False,
        "member_count": len(entry.members),
        "members": [
            member(entry, entry.members[user_id], world.accounts[user_id], entry.voice_states.get(user_id))
            for user_id in present
        ],
        "channels": channels(entry),
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "voice_states": [
            {key: value for key, value in voice_state(state).items() if key != "guild_id"}
            for state in entry.voice_states.values()
        ],
    }
