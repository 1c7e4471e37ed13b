"""From what was asked for and who is there to the settings the mixer reads. Pure.

No routes in the spec means every source goes to every destination at unity gain; with routes, what is not named is
silent. Whatever the routes say, a channel is either listened to or played into: an administrator may drag a bot
anywhere, and the bot that was dragged is the one that falls silent for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from msgspec import structs

from common.errors import ErrorCode, SessionError
from common.protocol.spec import RouteSpec, SessionSpec
from common.types import ChannelId, Gain, UserId
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip
from engine.session.roster import Strip, StripMemory, Talker

HIGHEST_GAIN = 2.0

Route = tuple[ChannelId, ChannelId]
"""Source and destination."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The positions of all faders and switches but the talkers'; a change makes a new one."""

    sources: Mapping[ChannelId, Strip] = field(default_factory=lambda: MappingProxyType({}))
    destinations: tuple[ChannelId, ...] = ()
    routes: Mapping[Route, Gain] = field(default_factory=lambda: MappingProxyType({}))
    kill: bool = False

    def with_source(self, source: ChannelId, strip: Strip) -> "Desk":
        """Return a desk with another strip for ``source``; raises CHANNEL_UNKNOWN."""
        if source not in self.sources:
            raise SessionError(ErrorCode.CHANNEL_UNKNOWN, channel=str(source))
        return replace(self, sources=MappingProxyType({**self.sources, source: strip}))

    def with_route(self, source: ChannelId, destination: ChannelId, gain: Gain) -> "Desk":
        """Return a desk with another gain for one route; raises ROUTE_UNKNOWN when one of its ends isn't there."""
        if source not in self.sources or destination not in self.destinations:
            raise SessionError(ErrorCode.ROUTE_UNKNOWN, source=str(source), destination=str(destination))
        return replace(self, routes=MappingProxyType({**self.routes, (source, destination): gain}))


def desk_from_spec(spec: SessionSpec) -> Desk:
    """Set up the desk as the spec asks; raises ROUTE_UNKNOWN, VALUE_OUT_OF_RANGE."""
    desk = Desk(
        sources=MappingProxyType(
            {ChannelId(int(each.channel)): Strip(checked_gain(each.gain), each.muted) for each in spec.sources}
        ),
        destinations=tuple(ChannelId(int(each.channel)) for each in spec.destinations),
    )
    if not spec.routes:
        everywhere = {(source, target): Gain(1.0) for source in desk.sources for target in desk.destinations}
        return replace(desk, routes=MappingProxyType(everywhere))
    for route in spec.routes:
        ends = channel_id(route.source), channel_id(route.destination)
        desk = desk.with_route(*ends, checked_gain(route.gain))
    return desk


def spec_as_set(spec: SessionSpec, desk: Desk) -> SessionSpec:
    """Return the session as the desk stands now, so that whoever starts it again gets the same."""
    strips = {str(source): strip for source, strip in desk.sources.items()}
    sources = tuple(
        structs.replace(each, gain=strips[each.channel].gain, muted=strips[each.channel].muted)
        if each.channel in strips
        else each
        for each in spec.sources
    )
    return structs.replace(spec, sources=sources, routes=_routes_as_set(spec, desk))


def _routes_as_set(spec: SessionSpec, desk: Desk) -> tuple[RouteSpec, ...]:
    """Name the routes; a session without named ones gets names only once one differs from what it means."""
    if not spec.routes and all(gain == 1.0 for gain in desk.routes.values()):
        return ()
    return tuple(
        RouteSpec(source=str(source), destination=str(target), gain=gain)
        for (source, target), gain in desk.routes.items()
    )


def mix_settings(
    desk: Desk, talkers: Iterable[Talker], memory: StripMemory, places: Mapping[ChannelId, ChannelId]
) -> MixSettings:
    """Compose one snapshot for the mixer.

    ``places`` tells where the bot of each source and destination really is (session's channel → channel it was
    moved to); those not named are where they belong.
    """
    unsafe = blocked(desk, places)
    open_to = {(source, target) for source, target in desk.routes if not unsafe & {source, target}}
    return MixSettings(
        talkers=tuple(_talker_strip(talker, memory.get(talker.user)) for talker in talkers),
        sources=tuple(
            SourceStrip(channel=source, gain=strip.gain, muted=strip.muted) for source, strip in desk.sources.items()
        ),
        destinations=tuple(DestinationStrip(target) for target in desk.destinations),
        routes=tuple(
            tuple(
                float(desk.routes[source, target]) if (source, target) in open_to else 0.0
                for target in desk.destinations
            )
            for source in desk.sources
        ),
        kill=desk.kill,
    )


def blocked(desk: Desk, places: Mapping[ChannelId, ChannelId]) -> frozenset[ChannelId]:
    """Return the sources and destinations whose bot was moved to where the other kind belongs or stands."""
    return frozenset(
        _strayed(desk.sources, desk.destinations, places) | _strayed(desk.destinations, desk.sources, places)
    )


def _strayed(
    homes: Iterable[ChannelId], others: Iterable[ChannelId], places: Mapping[ChannelId, ChannelId]
) -> set[ChannelId]:
    foreign = {*others, *(places.get(other, other) for other in others)}
    return {home for home in homes if places.get(home, home) != home and places[home] in foreign}


def checked_gain(value: float) -> Gain:
    """Return ``value`` as a gain; raises VALUE_OUT_OF_RANGE unless it is from 0.0 to 2.0 (NaN is not)."""
    if not 0.0 <= value <= HIGHEST_GAIN:
        raise SessionError(ErrorCode.VALUE_OUT_OF_RANGE, value=str(value), lowest="0", highest=str(HIGHEST_GAIN))
    return Gain(float(value))


def channel_id(text: str) -> ChannelId:
    """Read a snowflake as it travels; raises CHANNEL_UNKNOWN when it isn't one."""
    if not (text.isascii() and text.isdigit()):
        raise SessionError(ErrorCode.CHANNEL_UNKNOWN, channel=text)
    return ChannelId(int(text))


def user_id(text: str) -> UserId:
    """Read a user's snowflake as it travels; raises TALKER_UNKNOWN when it isn't one."""
    if not (text.isascii() and text.isdigit()):
        raise SessionError(ErrorCode.TALKER_UNKNOWN, user=text)
    return UserId(int(text))


def _talker_strip(talker: Talker, strip: Strip) -> TalkerStrip:
    return TalkerStrip(user=talker.user, source=talker.source, gain=strip.gain, muted=strip.muted)
