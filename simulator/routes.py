"""What each route of the REST API v10 does to the world. One method each; ``Routes.table`` lists them.

Permissions are enforced as Discord does; a guild or channel the bot can't see is "Missing Access".
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from common.types import ChannelId, GuildId, UserId
from simulator import api_errors, payloads
from simulator.limits import Renames, SessionStarts
from simulator.permissions import Permission, channel_permissions, guild_permissions
from simulator.world import (
    Account,
    Channel,
    ChannelStatusChanged,
    ChannelType,
    ChannelUpdated,
    Guild,
    Member,
    MemberUpdated,
    Overwrite,
    VoiceState,
    World,
)

Answer = dict[str, Any] | list[Any] | None
"""The JSON of the answer; None is a 204."""

OPEN_ROUTES = frozenset({"GET /gateway", "unknown"})
"""Answered without a token."""

_MAX_STATUS = 500
_MAX_NICKNAME = 32
_MAX_DESCRIPTION = 400
_MIN_USERNAME = 2
_NOT_IN_USERNAMES = ("@", "#", ":", "```", "discord")
_TOO_FAST = "You are changing your username too fast."


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: whose token it bears, the parts of its path, its JSON body."""

    account: Account
    path: dict[str, str]
    body: dict[str, Any]


class Routes:
    """The routes over one world. ``gateway_url`` is what clients are sent to."""

    def __init__(self, world: World, starts: SessionStarts, renames: Renames, gateway_url: str) -> None:
        self._world = world
        self._starts = starts
        self._renames = renames
        self._gateway_url = gateway_url

    def table(self) -> dict[tuple[str, str], Callable[[Asked], Awaitable[Answer]]]:
        """Give every route: method, path below the base, and what answers it."""
        return {
            ("GET", "/gateway"): self.get_gateway,
            ("GET", "/gateway/bot"): self.get_gateway_bot,
            ("GET", "/users/@me"): self.get_user,
            ("PATCH", "/users/@me"): self.patch_user,
            ("GET", "/users/@me/guilds"): self.get_guilds,
            ("GET", "/users/{user_id}"): self.get_other_user,
            ("GET", "/applications/@me"): self.get_application,
            ("PATCH", "/applications/@me"): self.patch_application,
            ("GET", "/oauth2/applications/@me"): self.get_application,
            ("GET", "/soundboard-default-sounds"): self.get_sounds,
            ("GET", "/guilds/{guild_id}"): self.get_guild,
            ("GET", "/guilds/{guild_id}/channels"): self.get_guild_channels,
            ("GET", "/guilds/{guild_id}/roles"): self.get_roles,
            ("PATCH", "/guilds/{guild_id}/members/@me"): self.patch_own_member,
            ("GET", "/guilds/{guild_id}/members/{user_id}"): self.get_member,
            ("PATCH", "/guilds/{guild_id}/members/{user_id}"): self.patch_member,
            ("GET", "/guilds/{guild_id}/voice-states/@me"): self.get_own_voice_state,
            ("PATCH", "/guilds/{guild_id}/voice-states/@me"): self.patch_own_voice_state,
            ("GET", "/channels/{channel_id}"): self.get_channel,
            ("PUT", "/channels/{channel_id}/permissions/{target_id}"): self.put_overwrite,
            ("DELETE", "/channels/{channel_id}/permissions/{target_id}"): self.delete_overwrite,
            ("PUT", "/channels/{channel_id}/voice-status"): self.put_voice_status,
        }

    # The bot itself

    async def get_gateway(self, _asked: Asked) -> Answer:
        """Say where the gateway is."""
        return {"url": self._gateway_url}

    async def get_gateway_bot(self, asked: Asked) -> Answer:
        """Say where the gateway is and how many sessions may still be started."""
        limit = self._starts.describe(asked.account.id)
        return {"url": self._gateway_url, "shards": 1, "session_start_limit": limit}

    async def get_user(self, asked: Asked) -> Answer:
        """Say who the token's bot is."""
        return payloads.own_user(asked.account)

    async def patch_user(self, asked: Asked) -> Answer:
        """Set the bot's ``username`` and ``avatar`` (a data URI, or null)."""
        if "username" in asked.body:
            self._rename(asked.account, _username(asked.body))
        if "avatar" in asked.body:
            asked.account.avatar = _image_hash(asked.body, "avatar")
        return payloads.own_user(asked.account)

    async def get_other_user(self, asked: Asked) -> Answer:
        """Say who somebody is, whom the bot need share no guild with."""
        account = self._world.accounts.get(UserId(_snowflake("user_id", asked.path["user_id"])))
        if account is None:
            raise api_errors.unknown_user()
        return payloads.user(account)

    async def get_guilds(self, asked: Asked) -> Answer:
        """List the guilds the bot is in."""
        return [payloads.partial_guild(guild, asked.account.id) for guild in self._world.guilds_of(asked.account.id)]

    async def get_application(self, asked: Asked) -> Answer:
        """Describe the bot's application."""
        return payloads.application(asked.account)

    async def patch_application(self, asked: Asked) -> Answer:
        """Set the application's ``description`` and ``icon`` (a data URI, or null)."""
        if "description" in asked.body:
            asked.account.description = _text(asked.body, "description", _MAX_DESCRIPTION)
        if "icon" in asked.body:
            asked.account.icon = _image_hash(asked.body, "icon")
        return payloads.application(asked.account)

    async def get_sounds(self, _asked: Asked) -> Answer:
        """List the default sounds of the soundboard: none."""
        return []

    # A guild

    async def get_guild(self, asked: Asked) -> Answer:
        """Describe a guild."""
        return payloads.guild(self._guild(asked))

    async def get_guild_channels(self, asked: Asked) -> Answer:
        """List its channels, seen by the bot or not, as Discord does."""
        return payloads.channels(self._guild(asked))

    async def get_roles(self, asked: Asked) -> Answer:
        """List its roles."""
        return [payloads.role(role) for role in self._guild(asked).roles.values()]

    async def get_member(self, asked: Asked) -> Answer:
        """Describe a member."""
        guild = self._guild(asked)
        return self._member_payload(guild, _member(guild, asked))

    async def patch_own_member(self, asked: Asked) -> Answer:
        """Set the bot's own ``nick``."""
        guild = self._guild(asked)
        _require(guild_permissions(guild, asked.account.id), Permission.CHANGE_NICKNAME)
        member = guild.members[asked.account.id]
        self._set_nickname(guild, member, asked.body)
        return self._member_payload(guild, member)

    async def patch_member(self, asked: Asked) -> Answer:
        """Set another member's ``nick``, ``channel_id`` (null disconnects), ``mute`` and ``deaf``."""
        guild = self._guild(asked)
        member = _member(guild, asked)
        allowed = guild_permissions(guild, asked.account.id)
        for name, permission in _MEMBER_FIELDS.items():
            if name in asked.body:
                _require(allowed, permission)
        state = guild.voice_states.get(member.user_id)
        if state is None and asked.body.keys() & {"channel_id", "mute", "deaf"}:
            raise api_errors.not_in_voice()
        self._set_nickname(guild, member, asked.body)
        if state is not None:
            self._set_voice(guild, state, asked.body)
        return self._member_payload(guild, member)

    async def get_own_voice_state(self, asked: Asked) -> Answer:
        """Describe where the bot is."""
        return payloads.voice_state(self._own_voice_state(self._guild(asked), asked))

    async def patch_own_voice_state(self, asked: Asked) -> Answer:
        """Set the bot's ``suppress`` on a stage; speaking needs MUTE_MEMBERS there."""
        guild = self._guild(asked)
        state = self._own_voice_state(guild, asked)
        channel = guild.channels[state.channel_id]
        if channel.type is not ChannelType.STAGE:
            raise api_errors.unknown_voice_state()
        if asked.body.get("suppress") is False:
            _require(channel_permissions(guild, channel, state.user_id), Permission.MUTE_MEMBERS)
        if "suppress" in asked.body:
            self._world.set_flags(guild.id, state.user_id, suppress=_flag(asked.body, "suppress"))
        return None

    # A channel

    async def get_channel(self, asked: Asked) -> Answer:
        """Describe a channel."""
        _, channel = self._seen_channel(asked)
        return payloads.channel(channel)

    async def put_overwrite(self, asked: Asked) -> Answer:
        """Set what a role (``type`` 0) or a member (1) may do in the channel."""
        guild, channel = self._managed_channel(asked)
        target = _snowflake("overwrite_id", asked.path["target_id"])
        overwrite = Overwrite(
            target,
            is_member=_number(asked.body, "type") == 1,
            allow=_number(asked.body, "allow"),
            deny=_number(asked.body, "deny"),
        )
        channel.overwrites[target] = overwrite
        self._world.announce(ChannelUpdated(guild.id, channel.id))
        return None

    async def delete_overwrite(self, asked: Asked) -> Answer:
        """Take an overwrite away."""
        guild, channel = self._managed_channel(asked)
        if channel.overwrites.pop(_snowflake("overwrite_id", asked.path["target_id"]), None) is None:
            raise api_errors.unknown_overwrite()
        self._world.announce(ChannelUpdated(guild.id, channel.id))
        return None

    async def put_voice_status(self, asked: Asked) -> Answer:
        """Set the line under a voice channel's name; from outside the channel it also needs MANAGE_CHANNELS."""
        guild, channel = self._seen_channel(asked)
        allowed = channel_permissions(guild, channel, asked.account.id)
        _require(allowed, Permission.SET_VOICE_CHANNEL_STATUS)
        state = guild.voice_states.get(asked.account.id)
        if state is None or state.channel_id != channel.id:
            _require(allowed, Permission.MANAGE_CHANNELS)
        if not channel.can_hold_voice:
            raise api_errors.ApiError(400, 50024, "Cannot execute action on this channel type")
        channel.status = "" if asked.body.get("status") is None else _text(asked.body, "status", _MAX_STATUS)
        self._world.announce(ChannelStatusChanged(guild.id, channel.id, channel.status))
        return None

    # Looking things up

    def _guild(self, asked: Asked) -> Guild:
        guild = self._world.guilds.get(GuildId(_snowflake("guild_id", asked.path["guild_id"])))
        if guild is None:
            raise api_errors.unknown_guild()
        if asked.account.id not in guild.members:
            raise api_errors.missing_access()
        return guild

    def _seen_channel(self, asked: Asked) -> tuple[Guild, Channel]:
        channel = self._world.channel(ChannelId(_snowflake("channel_id", asked.path["channel_id"])))
        if channel is None:
            raise api_errors.unknown_channel()
        guild = self._world.guilds[channel.guild_id]
        if Permission.VIEW_CHANNEL not in channel_permissions(guild, channel, asked.account.id):
            raise api_errors.missing_access()
        return guild, channel

    def _managed_channel(self, asked: Asked) -> tuple[Guild, Channel]:
        guild, channel = self._seen_channel(asked)
        _require(channel_permissions(guild, channel, asked.account.id), Permission.MANAGE_ROLES)
        return guild, channel

    def _own_voice_state(self, guild: Guild, asked: Asked) -> VoiceState:
        state = guild.voice_states.get(asked.account.id)
        if state is None:
            raise api_errors.unknown_voice_state()
        return state

    def _member_payload(self, guild: Guild, member: Member) -> Answer:
        account = self._world.accounts[member.user_id]
        return payloads.member(guild, member, account, guild.voice_states.get(member.user_id))

    # Changing things

    def _rename(self, account: Account, name: str) -> None:
        """Give an account its new name; the one it has costs nothing."""
        if name == account.name:
            return
        if not self._renames.count(account.id):
            raise api_errors.invalid_field("username", "USERNAME_RATE_LIMIT", _TOO_FAST)
        account.name = name

    def _set_nickname(self, guild: Guild, member: Member, body: dict[str, Any]) -> None:
        if "nick" in body:
            member.nickname = None if body["nick"] is None else _text(body, "nick", _MAX_NICKNAME) or None
            self._world.announce(MemberUpdated(guild.id, member.user_id))

    def _set_voice(self, guild: Guild, state: VoiceState, body: dict[str, Any]) -> None:
        if "mute" in body or "deaf" in body:
            mute = _flag(body, "mute") if "mute" in body else None
            deaf = _flag(body, "deaf") if "deaf" in body else None
            self._world.set_flags(guild.id, state.user_id, mute=mute, deaf=deaf)
        if "channel_id" not in body:
            return
        if body["channel_id"] is None:
            self._world.kick(guild.id, state.user_id)
            return
        channel = guild.channels.get(ChannelId(_snowflake("channel_id", str(body["channel_id"]))))
        if channel is None or not channel.can_hold_voice:
            raise api_errors.unknown_channel()
        self._world.move(guild.id, state.user_id, channel.id)


_MEMBER_FIELDS = {
    "nick": Permission.MANAGE_NICKNAMES,
    "channel_id": Permission.MOVE_MEMBERS,
    "mute": Permission.MUTE_MEMBERS,
    "deaf": Permission.DEAFEN_MEMBERS,
}


def _require(allowed: Permission, needed: Permission) -> None:
    if needed not in allowed:
        raise api_errors.missing_permissions()


def _member(guild: Guild, asked: Asked) -> Member:
    member = guild.members.get(UserId(_snowflake("user_id", asked.path["user_id"])))
    if member is None:
        raise api_errors.unknown_member()
    return member


def _snowflake(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) >= 1 << 64:
        raise api_errors.invalid_field(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def _number(body: dict[str, Any], name: str) -> int:
    value = body.get(name, 0)
    return _snowflake(name, str(0 if value is None else value))


def _flag(body: dict[str, Any], name: str) -> bool:
    if not isinstance(body[name], bool):
        raise api_errors.invalid_field(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    return body[name] is True


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    value = body[name]
    if not isinstance(value, str) or len(value) > longest:
        message = f"Must be {longest} or fewer in length."
        raise api_errors.invalid_field(name, "BASE_TYPE_MAX_LENGTH", message)
    return value


def _username(body: dict[str, Any]) -> str:
    """Read a name as Discord keeps it, or say which of the documented rules it breaks."""
    name = " ".join(_text(body, "username", _MAX_NICKNAME).split())
    if len(name) < _MIN_USERNAME:
        raise api_errors.invalid_field("username", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 32 in length.")
    if forbidden := next((part for part in _NOT_IN_USERNAMES if part in name.casefold()), None):
        raise api_errors.invalid_field(
            "username", "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{forbidden}"'
        )
    return name


def _image_hash(body: dict[str, Any], name: str) -> str | None:
    value = body[name]
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith("data:image/"):
        raise api_errors.invalid_field(name, "IMAGE_INVALID", "Invalid image data.")
    return hashlib.sha256(value.encode()).hexdigest()[:32]
