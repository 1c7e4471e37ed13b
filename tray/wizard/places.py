"""May every bot do its work in its channel? Asked of Discord before anything is started, each bot with its own eyes.

REST doesn't tell who sits in a voice channel, so a user limit is reported whenever it could shut a bot out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common import permissions
from common.errors import DiscordError, ErrorCode
from common.permissions import Denial, Permission, Why
from common.protocol.messages import Fault
from common.protocol.spec import DestinationSpec, SourceSpec
from common.protocol.state import Role
from tray.panel.messages import PlaceCheck
from tray.wizard.answers import Guild, GuildChannel, GuildMember
from tray.wizard.channels import STAGE, VOICE
from tray.wizard.discord_api import BotApi
from tray.wizard.invites import permissions as needed

Place = SourceSpec | DestinationSpec


@dataclass(frozen=True, slots=True)
class Seen:
    """A server as one bot sees it; ``member`` is the bot itself, whose account is ``user``."""

    guild: Guild
    channels: tuple[GuildChannel, ...]
    member: GuildMember
    user: str


async def check_places(
    guild: str, places: Sequence[Place], apis: Mapping[str, BotApi], *, now: datetime
) -> tuple[PlaceCheck, ...]:
    """Check all places of a set-up, in their order; ``apis`` are our bots by name, ``now`` is an aware time.

    What keeps a bot from looking (token, server, connection) is its place's only fault; nothing is raised.
    """
    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(_look(guild, place.bot, apis.get(place.bot))) for place in places]
    return tuple(judge(place, look.result(), now=now) for place, look in zip(places, looks, strict=True))


def judge(place: Place, seen: Seen | Fault, *, now: datetime) -> PlaceCheck:
    """Say what is wrong with one place. Pure."""
    if isinstance(seen, Fault):
        return PlaceCheck(channel=place.channel, name=place.name, bot=place.bot, faults=(seen,), works=False)
    channel = next((each for each in seen.channels if each.id == place.channel), None)
    name = place.name if channel is None else channel.name
    faults = _faults(place, channel, seen, now)
    works = not any(map(_hinders, faults))
    return PlaceCheck(channel=place.channel, name=name, bot=place.bot, faults=faults, works=works)


def _hinders(fault: Fault) -> bool:
    """Tell what keeps a relay from working from what is worth knowing: a limit not yet reached, a missing notice."""
    if fault.code is ErrorCode.CHANNEL_LIMITED:
        return False
    return fault.details.get("permission") != Permission.SET_VOICE_CHANNEL_STATUS.name


async def _look(guild: str, bot: str, api: BotApi | None) -> Seen | Fault:
    if api is None:
        return Fault(ErrorCode.TOKEN_MISSING, {"bot": bot})
    try:
        user = await api.me()
        return Seen(await api.guild(guild), await api.channels(guild), await api.member(guild, user.id), user.id)
    except DiscordError as error:
        return Fault(error.code, error.details)


def _faults(place: Place, channel: GuildChannel | None, seen: Seen, now: datetime) -> tuple[Fault, ...]:
    about = {"bot": place.bot, "channel": place.channel}
    if channel is None:
        return (Fault(ErrorCode.CHANNEL_UNKNOWN, about),)
    about["name"] = channel.name
    if channel.type != VOICE:
        code = ErrorCode.CHANNEL_IS_STAGE if channel.type == STAGE else ErrorCode.CHANNEL_NOT_VOICE
        return (Fault(code, about),)
    return (*_denied(place, channel, seen, now, about), *_limited(channel, seen, now, about))


def _denied(place: Place, channel: GuildChannel, seen: Seen, now: datetime, about: dict[str, str]) -> list[Fault]:
    """One fault per permission; a bot that can't see the channel, or is in time-out, hears of that only."""
    role = Role.SOURCE if isinstance(place, SourceSpec) else Role.DESTINATION
    lacking = permissions.missing(_member(seen, now), _overwrites(channel), list(needed(role)))
    if hidden := lacking.get(_VIEW):
        lacking = {_VIEW: hidden}
    if any(denial.why is Why.TIMED_OUT for denial in lacking.values()):
        return [Fault(ErrorCode.BOT_TIMED_OUT, about)]
    return [_denial(permission, denial, about) for permission, denial in lacking.items()]


_VIEW: Final = Permission.VIEW_CHANNEL.name or ""


def _denial(permission: str, denial: Denial, about: dict[str, str]) -> Fault:
    details = about | {"permission": permission}
    if denial.why is Why.OVERWRITE:
        return Fault(ErrorCode.PERMISSION_DENIED, details | {"denied_by": ", ".join(denial.by)})
    return Fault(ErrorCode.PERMISSION_MISSING, details)


def _limited(channel: GuildChannel, seen: Seen, now: datetime, about: dict[str, str]) -> list[Fault]:
    """Report a limit that could shut the bot out; not if it can't even look, when nothing is known of what it may."""
    may = permissions.effective(_member(seen, now), _overwrites(channel))
    hidden = not may & Permission.VIEW_CHANNEL or _timed_out(seen.member, now)
    if not channel.user_limit or may & Permission.MOVE_MEMBERS or hidden:
        return []
    needs = {"limit": str(channel.user_limit), "permission": Permission.MOVE_MEMBERS.name or ""}
    return [Fault(ErrorCode.CHANNEL_LIMITED, about | needs)]


def _member(seen: Seen, now: datetime) -> permissions.Member:
    roles = {role.id: permissions.Role(int(role.id), role.name, int(role.permissions)) for role in seen.guild.roles}
    nobody = permissions.Role(int(seen.guild.id), "@everyone", 0)
    return permissions.Member(
        id=int(seen.user),
        everyone=roles.get(seen.guild.id, nobody),
        roles=tuple(roles[role] for role in seen.member.roles if role in roles and role != seen.guild.id),
        owner=seen.guild.owner_id == seen.user,
        timed_out=_timed_out(seen.member, now),
    )


def _timed_out(member: GuildMember, now: datetime) -> bool:
    until = member.communication_disabled_until
    return until is not None and until > now


def _overwrites(channel: GuildChannel) -> list[permissions.Overwrite]:
    return [
        permissions.Overwrite(target=int(each.id), allow=int(each.allow), deny=int(each.deny))
        for each in channel.permission_overwrites
    ]
