"""Everything that can be known to be wrong before a bot enters a channel, found at once and named. Pure.

First the spec alone (no login needed for it), then the guild as each bot sees it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from common.errors import ErrorCode, RelayError, SessionError
from common.permissions import Permission
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.types import BotKey, ChannelId, UserId
from engine.gateway.views import ChannelKind, ChannelView, GuildView
from engine.session.desk import checked, is_snowflake, values

SOURCE_PERMISSIONS = (Permission.VIEW_CHANNEL, Permission.CONNECT)
DESTINATION_PERMISSIONS = (*SOURCE_PERMISSIONS, Permission.SPEAK)

Place = SourceSpec | DestinationSpec


def check_spec(spec: SessionSpec, tokens: Iterable[BotKey]) -> list[RelayError]:
    """Find what is wrong with the spec itself. ``tokens`` are the bots a token was given for."""
    known = set(tokens)
    return [
        *_empty(spec),
        *_not_numbers(spec),
        *_doubled_channels(spec),
        *_doubled_bots(spec),
        *(_error(ErrorCode.TOKEN_MISSING, place) for place in places(spec) if place.bot not in known),
        *_bad_routes(spec),
        *_bad_values(spec),
    ]


def check_identities(spec: SessionSpec, identities: Mapping[BotKey, UserId]) -> list[RelayError]:
    """Find tokens that differ and still belong to one account; it can be in one channel only."""
    per_user = Counter(identities.values())
    return [
        _error(ErrorCode.TOKEN_DUPLICATE, place, user=str(identities[BotKey(place.bot)]))
        for place in places(spec)
        if place.bot in identities and per_user[identities[BotKey(place.bot)]] > 1
    ]


def check_guild(
    spec: SessionSpec, views: Mapping[BotKey, GuildView | None], identities: Mapping[BotKey, UserId]
) -> list[RelayError]:
    """Find what is wrong with the places, each looked at with the eyes of its own bot (``None``: not a member)."""
    return list(chain.from_iterable(_check_place(spec, place, views, identities) for place in places(spec)))


def places(spec: SessionSpec) -> tuple[Place, ...]:
    """Return all sources, then all destinations."""
    return (*spec.sources, *spec.destinations)


def is_source(place: Place) -> bool:
    """Say whether the place is listened to; otherwise it is played into."""
    return isinstance(place, SourceSpec)


def _empty(spec: SessionSpec) -> Iterator[RelayError]:
    if not spec.sources:
        yield SessionError(ErrorCode.SESSION_EMPTY, lacking="sources")
    if not spec.destinations:
        yield SessionError(ErrorCode.SESSION_EMPTY, lacking="destinations")


def _not_numbers(spec: SessionSpec) -> Iterator[RelayError]:
    if not _fits(spec.guild):
        yield SessionError(ErrorCode.GUILD_UNKNOWN, guild=spec.guild)
    for place in places(spec):
        if not _fits(place.channel):
            yield _error(ErrorCode.CHANNEL_UNKNOWN, place)


def _doubled_channels(spec: SessionSpec) -> Iterator[RelayError]:
    """One error per channel used more than once, be it as two sources, two destinations or one of each."""
    uses = Counter(place.channel for place in places(spec))
    for channel, count in uses.items():
        if count > 1:
            bots = ", ".join(place.bot for place in places(spec) if place.channel == channel)
            yield SessionError(ErrorCode.CHANNEL_DUPLICATE, channel=channel, bots=bots)


def _doubled_bots(spec: SessionSpec) -> Iterator[RelayError]:
    """Find bots named twice: the same token twice."""
    uses = Counter(place.bot for place in places(spec))
    for bot, count in uses.items():
        if count > 1:
            yield SessionError(ErrorCode.TOKEN_DUPLICATE, bot=bot, bots=bot)


def _bad_routes(spec: SessionSpec) -> Iterator[RelayError]:
    sources = {place.channel for place in spec.sources}
    destinations = {place.channel for place in spec.destinations}
    for route in spec.routes:
        if route.source not in sources or route.destination not in destinations:
            yield SessionError(ErrorCode.ROUTE_UNKNOWN, source=route.source, destination=route.destination)


def _bad_values(spec: SessionSpec) -> Iterator[RelayError]:
    for value, allowed in values(spec):
        try:
            checked(value, allowed)
        except SessionError as error:
            yield error


def _check_place(
    spec: SessionSpec, place: Place, views: Mapping[BotKey, GuildView | None], identities: Mapping[BotKey, UserId]
) -> Iterator[RelayError]:
    guild = views.get(BotKey(place.bot))
    if guild is None:
        yield SessionError(ErrorCode.GUILD_UNKNOWN, bot=place.bot, guild=spec.guild)
        return
    channel = guild.channel(ChannelId(int(place.channel)))
    if channel is None:
        yield _error(ErrorCode.CHANNEL_UNKNOWN, place)
    elif channel.kind is ChannelKind.STAGE:
        yield _error(ErrorCode.CHANNEL_IS_STAGE, place, name=channel.name)
    elif channel.kind is not ChannelKind.VOICE:
        yield _error(ErrorCode.CHANNEL_NOT_VOICE, place, name=channel.name)
    else:
        yield from _lacking(place, channel)
        yield from _full(place, channel, identities.get(BotKey(place.bot)))


def _lacking(place: Place, channel: ChannelView) -> Iterator[RelayError]:
    for permission in SOURCE_PERMISSIONS if is_source(place) else DESTINATION_PERMISSIONS:
        if not channel.permissions & permission:
            name = permission.name or ""
            yield _error(
                ErrorCode.PERMISSION_MISSING,
                place,
                name=channel.name,
                permission=name,
                denied_by=channel.denied_by(name),
            )


def _full(place: Place, channel: ChannelView, user: UserId | None) -> Iterator[RelayError]:
    """Find full channels: a join stays unanswered unless the bot may move members or is in there already."""
    inside = {member.user for member in channel.members}
    if not channel.user_limit or len(inside - {user}) < channel.user_limit or user in inside:
        return
    if not channel.permissions & Permission.MOVE_MEMBERS:
        yield _error(
            ErrorCode.CHANNEL_FULL,
            place,
            name=channel.name,
            limit=str(channel.user_limit),
            permission=Permission.MOVE_MEMBERS.name or "",
        )


def _error(code: ErrorCode, place: Place, **details: str) -> SessionError:
    return SessionError(code, bot=place.bot, channel=place.channel, **details)


def _fits(snowflake: str) -> bool:
    """Say whether it is an id of 64 bits; others are refused by Discord without a word on why."""
    return is_snowflake(snowflake) and int(snowflake) < 1 << 64
