"""A scene: one guild with its channels, bots and people, written as TOML, checked, and built into a world.

Names stand for ids: a channel, bot or person is spoken of by the name it has in the file. Times are seconds after
the start. ``scenes/two_teams.toml`` shows every table.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from common.types import ChannelId, UserId
from simulator import clips
from simulator.network import LinkQuality
from simulator.permissions import ORDINARY, Permission
from simulator.timeline import ScriptedFault
from simulator.world import Account, Channel, ChannelType, Guild, Overwrite, Role, World

SCENES = Path(__file__).parent / "scenes"
"""The scenes that come with the simulator."""

MOST_ROLES = 250
MOST_EMOJIS = 500
ROLES_PER_EMOJI = 24

_KINDS = {"text": ChannelType.TEXT, "voice": ChannelType.VOICE, "stage": ChannelType.STAGE}

PermissionName = Literal[
    "ADMINISTRATOR",
    "MANAGE_CHANNELS",
    "MANAGE_GUILD",
    "VIEW_CHANNEL",
    "SEND_MESSAGES",
    "CONNECT",
    "SPEAK",
    "MUTE_MEMBERS",
    "DEAFEN_MEMBERS",
    "MOVE_MEMBERS",
    "USE_VAD",
    "CHANGE_NICKNAME",
    "MANAGE_NICKNAMES",
    "MANAGE_ROLES",
    "REQUEST_TO_SPEAK",
    "SET_VOICE_CHANNEL_STATUS",
]


class SceneError(Exception):
    """The file isn't a scene; the message says where and why."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class GuildTable(_Table, frozen=True):
    """The guild; ``everyone`` is what the role of everybody allows. Defaults to an ordinary guild's.

    One that is ``full`` has as many roles and emojis as Discord allows, each emoji for some of the roles: a
    GUILD_UPDATE of 400 kB. It is sent every ``update_period`` seconds, 0 means never.
    """

    name: str
    everyone: tuple[PermissionName, ...] | None = None
    full: bool = False
    update_period: float = 0.0


class RoleTable(_Table, frozen=True):
    """A role."""

    name: str
    permissions: tuple[PermissionName, ...] = ()


class CategoryTable(_Table, frozen=True):
    """A category."""

    name: str


class OverwriteTable(_Table, frozen=True):
    """A channel's exception for a role ("@everyone" too), bot or person of that name."""

    target: str
    allow: tuple[PermissionName, ...] = ()
    deny: tuple[PermissionName, ...] = ()


class ChannelTable(_Table, frozen=True):
    """A channel; ``limit`` 0 means none."""

    name: str
    kind: Literal["text", "voice", "stage"] = "voice"
    category: str | None = None
    limit: int = 0
    overwrites: tuple[OverwriteTable, ...] = ()


class _MemberTable(_Table, frozen=True):
    """A member of the guild; ``nickname`` is the guild's own name for it."""

    name: str
    nickname: str | None = None
    roles: tuple[str, ...] = ()


class BotTable(_MemberTable, frozen=True, kw_only=True):
    """A bot in the guild, with an invented token."""

    token: str


class PersonTable(_MemberTable, frozen=True):
    """A person who sits in ``channel`` and says ``clip`` in the spans ``talks`` (from, to).

    The spans come again every ``Scene.period`` seconds. Who ``listens`` does so through sockets of its own and keeps
    what it heard. With ``late_speaking`` audio comes before it is said whose it is.
    Without a channel the person is in the guild but not in voice.
    """

    display_name: str = ""
    channel: str | None = None
    clip: str | None = None
    talks: tuple[tuple[float, float], ...] = ()
    listens: bool = False
    late_speaking: bool = False


class NetworkTable(_Table, frozen=True):
    """What links do to packets; ``plain_share`` of the frames go without end-to-end encryption.

    ``empty_share`` of them are followed by a packet that holds only padding.
    """

    from_people: LinkQuality = LinkQuality()
    to_clients: LinkQuality = LinkQuality()
    from_clients: LinkQuality = LinkQuality()
    plain_share: float = 0.0
    empty_share: float = 0.0


class Scene(_Table, frozen=True):
    """The whole file. With ``waits_for_bots`` the people's schedule begins when every bot is in voice."""

    guild: GuildTable
    seed: int = 0
    period: float = 30.0
    waits_for_bots: bool = False
    network: NetworkTable = NetworkTable()
    roles: tuple[RoleTable, ...] = ()
    categories: tuple[CategoryTable, ...] = ()
    channels: tuple[ChannelTable, ...] = ()
    bots: tuple[BotTable, ...] = ()
    people: tuple[PersonTable, ...] = ()
    faults: tuple[ScriptedFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Cast:
    """What a scene became: the names of the file and what they stand for."""

    guild: Guild
    channels: dict[str, Channel]
    bots: dict[str, Account]
    people: dict[str, Account]

    def account(self, name: str) -> UserId:
        """Find a bot or person; KeyError if there is none of that name."""
        return (self.bots.get(name) or self.people[name]).id

    def channel(self, name: str) -> ChannelId:
        """Find a channel; KeyError if there is none of that name."""
        return self.channels[name].id


def load(path: Path) -> Scene:
    """Read and check a scene file; SceneError says what is wrong with it."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SceneError(f"{path}: {error.strerror}") from error
    except SceneError as error:
        raise SceneError(f"{path}: {error}") from error


def parse(text: str) -> Scene:
    """Check a scene's text: its form, then that every name it speaks of exists and none exists twice."""
    try:
        scene = msgspec.convert(tomllib.loads(text), Scene)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SceneError(str(error)) from error
    for complaint in _complaints(scene):
        raise SceneError(complaint)
    return scene


def build(scene: Scene, world: World) -> Cast:
    """Put the scene's guild into the world. Nobody is in voice yet; a scene's people come when they are started."""
    owner = world.add_account("organizer", display_name="Organizer")
    everyone = ORDINARY if scene.guild.everyone is None else _bits(scene.guild.everyone)
    guild = world.add_guild(scene.guild.name, owner.id, everyone)
    roles = {table.name: world.add_role(guild.id, table.name, _bits(table.permissions)) for table in scene.roles}
    bots = {table.name: world.add_account(table.name, bot=True, token=table.token) for table in scene.bots}
    people = {table.name: world.add_account(table.name, display_name=table.display_name) for table in scene.people}
    members: tuple[_MemberTable, ...] = (*scene.bots, *scene.people)
    for table in members:
        account = bots.get(table.name) or people[table.name]
        entry = world.add_member(guild.id, account.id, nickname=table.nickname)
        entry.roles.extend(roles[name].id for name in table.roles)
    if scene.guild.full:
        fill(world, guild)
    cast = Cast(guild, _build_channels(scene, world, guild), bots, people)
    _build_overwrites(scene, cast, roles)
    return cast


def fill(world: World, guild: Guild) -> None:
    """Make all the roles and emojis that a guild with every boost may have."""
    roles = [world.add_role(guild.id, f"supporter of level {n}", 0).id for n in range(len(guild.roles), MOST_ROLES)]
    for number in range(MOST_EMOJIS):
        some = [roles[(number + k) % len(roles)] for k in range(ROLES_PER_EMOJI)]
        world.add_emoji(guild.id, f"own_emoji_{number}", tuple(some))


def _build_channels(scene: Scene, world: World, guild: Guild) -> dict[str, Channel]:
    categories = {table.name: world.add_category(guild.id, table.name).id for table in scene.categories}
    return {
        table.name: world.add_channel(
            guild.id,
            table.name,
            kind=_KINDS[table.kind],
            category_id=categories[table.category] if table.category else None,
            user_limit=table.limit,
        )
        for table in scene.channels
    }


def _build_overwrites(scene: Scene, cast: Cast, roles: dict[str, Role]) -> None:
    members = {name: int(account.id) for name, account in (cast.bots | cast.people).items()}
    targets = {"@everyone": int(cast.guild.id)} | {name: int(role.id) for name, role in roles.items()} | members
    for table in scene.channels:
        for item in table.overwrites:
            target = targets[item.target]
            overwrite = Overwrite(target, item.target in members, _bits(item.allow), _bits(item.deny))
            cast.channels[table.name].overwrites[target] = overwrite


def _bits(names: tuple[PermissionName, ...]) -> int:
    return sum(Permission[name] for name in set(names))


def _complaints(scene: Scene) -> Iterator[str]:
    members: tuple[_MemberTable, ...] = (*scene.bots, *scene.people)
    accounts = [table.name for table in members]
    roles = [table.name for table in scene.roles]
    channels = [table.name for table in scene.channels]
    categories = [table.name for table in scene.categories]
    yield from _doubled("account or role", accounts + roles)
    yield from _doubled("channel", channels)
    yield from _doubled("category", categories)
    yield from _doubled("token", [table.token for table in scene.bots])
    for channel in scene.channels:
        place = f"channel {channel.name!r}"
        yield from _unknown(place, "category", channel.category, categories)
        for item in channel.overwrites:
            yield from _unknown(place, "overwrite target", item.target, ["@everyone", *accounts, *roles])
    for member in members:
        for role in member.roles:
            yield from _unknown(f"member {member.name!r}", "role", role, roles)
    for person in scene.people:
        place = f"person {person.name!r}"
        yield from _unknown(place, "channel", person.channel, channels)
        if any(not 0 <= start < end <= scene.period for start, end in person.talks):
            yield f"{place}: each of talks needs 0 <= from < to <= {scene.period:g}"
        if person.clip is not None and person.clip not in clips.names():
            yield f"{place}: unknown clip {person.clip!r}"
        if person.talks and person.clip is None:
            yield f"{place}: talks without a clip"
    for fault in scene.faults:
        place = f"fault at {fault.at:g}"
        yield from _unknown(place, "user", fault.who(), accounts)
        yield from _unknown(place, "channel", fault.where(), channels)


def _doubled(what: str, names: list[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is there {count} times" if what != "token" else "two bots have the same token"


def _unknown(place: str, what: str, name: str | None, known: list[str]) -> Iterator[str]:
    if name is not None and name not in known:
        yield f"{place}: unknown {what} {name!r}"
