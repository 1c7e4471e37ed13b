"""What exists in the simulated Discord: guilds, channels, roles, accounts, and who is in which voice channel.

The control plane (REST, main gateway) and the media plane (voice gateway, UDP) both stand on this model and never on
each other. The world decides nothing about permission to join: the gateway asks ``permissions`` first. Everything is
synchronous and belongs to one event loop; a change is announced to the listeners before the call returns.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NewType, Protocol

from common.types import ChannelId, GuildId, UserId

RoleId = NewType("RoleId", int)
"""A role's snowflake; the role of everybody has the guild's own."""

CategoryId = NewType("CategoryId", int)
"""A category channel's snowflake."""

EmojiId = NewType("EmojiId", int)
"""A custom emoji's snowflake."""

MAX_LISTENERS = 256
"""More listeners than this is a leak, not a simulation."""

_FIRST_MOMENT_MS = 1_700_000_000_000 - 1_420_070_400_000  # November 2023, counted from Discord's epoch (2015)


class ChannelType(IntEnum):
    """Discord's channel types that the simulator knows."""

    TEXT = 0
    VOICE = 2
    CATEGORY = 4
    STAGE = 13


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A channel's exception to the permissions of a role or of one member."""

    target: int
    is_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class Role:
    """A role; ``permissions`` is Discord's bit set."""

    id: RoleId
    name: str
    permissions: int
    position: int = 0


@dataclass(frozen=True, slots=True)
class Emoji:
    """A guild's own emoji, for those who have one of ``roles``."""

    id: EmojiId
    name: str
    roles: tuple[RoleId, ...]


@dataclass(slots=True)
class Category:
    """A heading over channels; its overwrites are not inherited, as in Discord's API."""

    id: CategoryId
    guild_id: GuildId
    name: str
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)


@dataclass(slots=True)
class Channel:
    """A text, voice or stage channel. ``user_limit`` 0 means no limit; ``status`` is the voice status line."""

    id: ChannelId
    guild_id: GuildId
    name: str
    type: ChannelType = ChannelType.VOICE
    category_id: CategoryId | None = None
    user_limit: int = 0
    bitrate: int = 64_000
    position: int = 0
    status: str = ""
    overwrites: dict[int, Overwrite] = field(default_factory=dict)

    @property
    def can_hold_voice(self) -> bool:
        """Whether people can be in it."""
        return self.type in (ChannelType.VOICE, ChannelType.STAGE)

    @property
    def has_dave(self) -> bool:
        """Whether calls in it are end-to-end encrypted: a stage is the one channel type that isn't."""
        return self.type is ChannelType.VOICE


@dataclass(slots=True)
class Account:
    """A person or a bot. Only a bot has a ``token`` (the empty string means none or revoked).

    ``description``, ``avatar`` and the application's ``icon`` (hashes) are what a bot's owner sets through the API.
    """

    id: UserId
    name: str
    display_name: str = ""
    bot: bool = False
    token: str = ""
    description: str = ""
    avatar: str | None = None
    icon: str | None = None


@dataclass(slots=True)
class Member:
    """An account in a guild; ``nickname`` is the guild's own name for it, None if it has none.

    ``timed_out_until`` is an ISO time, None if a moderator gave no time-out.
    """

    user_id: UserId
    nickname: str | None = None
    roles: list[RoleId] = field(default_factory=list)
    timed_out_until: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceState:
    """Where a member is and how it is muted. ``mute`` and ``deaf`` are a moderator's, ``suppress`` is the stage's."""

    guild_id: GuildId
    user_id: UserId
    channel_id: ChannelId
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    mute: bool = False
    deaf: bool = False
    suppress: bool = False


@dataclass(slots=True)
class Guild:
    """A Discord server with everything in it."""

    id: GuildId
    name: str
    owner_id: UserId
    roles: dict[RoleId, Role] = field(default_factory=dict)
    emojis: list[Emoji] = field(default_factory=list)
    categories: dict[CategoryId, Category] = field(default_factory=dict)
    channels: dict[ChannelId, Channel] = field(default_factory=dict)
    members: dict[UserId, Member] = field(default_factory=dict)
    voice_states: dict[UserId, VoiceState] = field(default_factory=dict)

    @property
    def everyone(self) -> Role:
        """The role of everybody."""
        return self.roles[RoleId(self.id)]

    def occupants(self, channel_id: ChannelId) -> list[VoiceState]:
        """Who is in the channel, in the order of coming into voice."""
        return [state for state in self.voice_states.values() if state.channel_id == channel_id]

    def shown_name(self, account: Account) -> str:
        """Give the name the guild shows: nickname, else display name, else account name."""
        member = self.members.get(account.id)
        return (member.nickname if member else None) or account.display_name or account.name


@dataclass(frozen=True, slots=True)
class VoiceStateChanged:
    """A member joined (``before`` None), left (``after`` None), moved, or changed a flag or its session."""

    guild_id: GuildId
    user_id: UserId
    before: VoiceState | None
    after: VoiceState | None


@dataclass(frozen=True, slots=True)
class VoiceServerAssigned:
    """The member's call is now at ``endpoint`` ("127.0.0.1:port"), where ``token`` has been admitted.

    None as endpoint: the server went away and another one will be named soon.
    """

    guild_id: GuildId
    user_id: UserId
    endpoint: str | None
    token: str


@dataclass(frozen=True, slots=True)
class ChannelUpdated:
    """A channel's overwrites, limit or name changed."""

    guild_id: GuildId
    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class ChannelStatusChanged:
    """A voice channel's status line changed."""

    guild_id: GuildId
    channel_id: ChannelId
    status: str


@dataclass(frozen=True, slots=True)
class MemberUpdated:
    """A member's nickname or roles changed."""

    guild_id: GuildId
    user_id: UserId


WorldEvent = VoiceStateChanged | VoiceServerAssigned | ChannelUpdated | ChannelStatusChanged | MemberUpdated
Listener = Callable[[WorldEvent], None]


class VoicePlane(Protocol):
    """One voice server as the control plane sees it; the media plane implements it."""

    @property
    def endpoint(self) -> str:
        """``127.0.0.1:port``, no scheme."""

    def admit(self, guild_id: GuildId, channel_id: ChannelId, user_id: UserId, session_id: str, token: str) -> None:
        """Make a voice gateway IDENTIFY with exactly these values valid from now on."""

    async def evict(self, user_id: UserId, *, close_code: int | None) -> None:
        """Drop the user's voice socket, with a close code or (None) by a TCP abort; nothing if there is none.

        After an abort, 1001 or 4015 the session may be resumed and the admission stays; any other code ends both.
        Returns once that holds, without waiting for the peer's answer.
        """


class World:
    """The whole simulated Discord; every id and secret in it follows from the seed."""

    def __init__(self, seed: int = 0) -> None:
        self.guilds: dict[GuildId, Guild] = {}
        self.accounts: dict[UserId, Account] = {}
        self._random = random.Random(f"world-{seed}")
        self._moment_ms = _FIRST_MOMENT_MS
        self._listeners: list[Listener] = []

    # Making things

    def make_snowflake(self) -> int:
        """Make a new id: 42 bits of milliseconds since 2015, 22 bits of which the last 12 count (here: are drawn)."""
        self._moment_ms += self._random.randint(1, 60_000)
        return self._moment_ms << 22 | self._random.getrandbits(22)

    def make_secret(self, bits: int = 128) -> str:
        """Make a new session id or voice token, in hexadecimal."""
        return f"{self._random.getrandbits(bits):0{bits // 4}x}"

    def add_account(self, name: str, *, display_name: str = "", bot: bool = False, token: str = "") -> Account:
        """Make a person, or a bot with its token."""
        account = Account(UserId(self.make_snowflake()), name, display_name, bot, token)
        self.accounts[account.id] = account
        return account

    def add_guild(self, name: str, owner_id: UserId, everyone_permissions: int) -> Guild:
        """Make a guild whose only member is its owner."""
        guild = Guild(GuildId(self.make_snowflake()), name, owner_id)
        guild.roles[RoleId(guild.id)] = Role(RoleId(guild.id), "@everyone", everyone_permissions)
        self.guilds[guild.id] = guild
        self.add_member(guild.id, owner_id)
        return guild

    def add_role(self, guild_id: GuildId, name: str, permissions: int) -> Role:
        """Make a role above those that exist."""
        guild = self.guilds[guild_id]
        role = Role(RoleId(self.make_snowflake()), name, permissions, position=len(guild.roles))
        guild.roles[role.id] = role
        return role

    def add_emoji(self, guild_id: GuildId, name: str, roles: tuple[RoleId, ...]) -> Emoji:
        """Make an emoji for those who have one of ``roles``."""
        emoji = Emoji(EmojiId(self.make_snowflake()), name, roles)
        self.guilds[guild_id].emojis.append(emoji)
        return emoji

    def add_category(self, guild_id: GuildId, name: str) -> Category:
        """Make a category below those that exist."""
        guild = self.guilds[guild_id]
        category = Category(CategoryId(self.make_snowflake()), guild_id, name, position=len(guild.categories))
        guild.categories[category.id] = category
        return category

    def add_channel(
        self,
        guild_id: GuildId,
        name: str,
        *,
        kind: ChannelType = ChannelType.VOICE,
        category_id: CategoryId | None = None,
        user_limit: int = 0,
    ) -> Channel:
        """Make a channel below those that exist."""
        guild = self.guilds[guild_id]
        channel = Channel(
            ChannelId(self.make_snowflake()),
            guild_id,
            name,
            kind,
            category_id,
            user_limit,
            position=len(guild.channels),
        )
        guild.channels[channel.id] = channel
        return channel

    def add_member(self, guild_id: GuildId, user_id: UserId, *, nickname: str | None = None) -> Member:
        """Bring an account into a guild."""
        member = Member(user_id, nickname)
        self.guilds[guild_id].members[user_id] = member
        return member

    # Looking

    def channel(self, channel_id: ChannelId) -> Channel | None:
        """Find a text, voice or stage channel in any guild."""
        return next(
            (guild.channels[channel_id] for guild in self.guilds.values() if channel_id in guild.channels), None
        )

    def bot_with_token(self, token: str) -> Account | None:
        """Find whose token this is; None if nobody's or revoked."""
        return next((account for account in self.accounts.values() if token and account.token == token), None)

    def guilds_of(self, user_id: UserId) -> Iterator[Guild]:
        """Give the guilds the account is a member of."""
        return (guild for guild in self.guilds.values() if user_id in guild.members)

    def voice_state(self, guild_id: GuildId, user_id: UserId) -> VoiceState | None:
        """Where the member is; None if in no voice channel."""
        return self.guilds[guild_id].voice_states.get(user_id)

    # Voice

    def join(
        self,
        guild_id: GuildId,
        user_id: UserId,
        channel_id: ChannelId,
        *,
        session_id: str | None = None,
        self_mute: bool = False,
        self_deaf: bool = False,
    ) -> VoiceState:
        """Put a member into a voice channel, or move itself there, or change its own flags.

        A bot's ``session_id`` is its gateway session's; without one, the present one stays or a new one is made.
        A stage's audience is suppressed. The voice server is announced afterwards (``VoiceServerAssigned``).
        """
        before = self.voice_state(guild_id, user_id)
        channel = self.guilds[guild_id].channels[channel_id]
        stays = before is not None and before.channel_id == channel_id
        after = VoiceState(
            guild_id,
            user_id,
            channel_id,
            session_id or (before.session_id if before else self.make_secret()),
            self_mute=self_mute,
            self_deaf=self_deaf,
            mute=before.mute if before else False,
            deaf=before.deaf if before else False,
            suppress=before.suppress if before and stays else channel.type is ChannelType.STAGE,
        )
        self._set_voice_state(guild_id, user_id, after)
        return after

    def leave(self, guild_id: GuildId, user_id: UserId) -> None:
        """Take a member out of voice: its own wish or a moderator's "disconnect", the same on the wire."""
        self._set_voice_state(guild_id, user_id, None)

    def kick(self, guild_id: GuildId, user_id: UserId) -> None:
        """Disconnect a member from voice as a moderator does; it stays in the guild."""
        self.leave(guild_id, user_id)

    def move(self, guild_id: GuildId, user_id: UserId, channel_id: ChannelId) -> None:
        """Move a member who is in voice to another channel as a moderator does; KeyError if it is in none."""
        before = self.guilds[guild_id].voice_states[user_id]
        channel = self.guilds[guild_id].channels[channel_id]
        suppress = channel.type is ChannelType.STAGE
        self._set_voice_state(guild_id, user_id, replace(before, channel_id=channel_id, suppress=suppress))

    def set_flags(
        self,
        guild_id: GuildId,
        user_id: UserId,
        *,
        mute: bool | None = None,
        deaf: bool | None = None,
        suppress: bool | None = None,
    ) -> None:
        """Set a moderator's mute and deafen, or the stage's suppression; None leaves one. KeyError if not in voice."""
        before = self.guilds[guild_id].voice_states[user_id]
        after = replace(
            before,
            mute=before.mute if mute is None else mute,
            deaf=before.deaf if deaf is None else deaf,
            suppress=before.suppress if suppress is None else suppress,
        )
        self._set_voice_state(guild_id, user_id, after)

    def _set_voice_state(self, guild_id: GuildId, user_id: UserId, after: VoiceState | None) -> None:
        states = self.guilds[guild_id].voice_states
        before = states.get(user_id)
        if after is None:
            states.pop(user_id, None)
        else:
            states[user_id] = after
        if before is not None or after is not None:
            self.announce(VoiceStateChanged(guild_id, user_id, before, after))

    # Listening

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every event from now on, in order; the returned function ends that.

        A listener must not block or raise. RuntimeError beyond ``MAX_LISTENERS``.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise RuntimeError("too many listeners")
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def announce(self, event: WorldEvent) -> None:
        """Tell every listener."""
        for listener in tuple(self._listeners):
            listener(event)
