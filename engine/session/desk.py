"""The positions of all faders and switches but the talkers' own, from the spec and back to it. Pure.

No routes in the spec means every source goes to every destination at unity gain; with routes, what is not named is
silent.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from msgspec import structs

from common.errors import ErrorCode, SessionError
from common.protocol.spec import (
    BANDS_DB,
    DELAYS_S,
    DUCKINGS_DB,
    GAINS,
    LOUDNESSES,
    PANS,
    SNOWFLAKE,
    DestinationSpec,
    EqualizerSpec,
    Range,
    RouteSpec,
    SessionSpec,
    SourceSpec,
    StripSpec,
)
from common.types import ChannelId, Gain, UserId
from engine.audio.settings import DEFAULT_LOUDNESS, Bands, DestinationStrip, SourceStrip

Strip = TypeVar("Strip")

Route = tuple[ChannelId, ChannelId]
"""Source and destination."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the session's people set; a change makes a new one. ``soloed`` are talkers, a source's solo is its own."""

    sources: Mapping[ChannelId, SourceStrip] = field(default_factory=lambda: MappingProxyType({}))
    destinations: Mapping[ChannelId, DestinationStrip] = field(default_factory=lambda: MappingProxyType({}))
    routes: Mapping[Route, Gain] = field(default_factory=lambda: MappingProxyType({}))
    soloed: frozenset[UserId] = frozenset()
    loudness: float = DEFAULT_LOUDNESS
    kill: bool = False

    def source(self, channel: ChannelId) -> SourceStrip:
        """Return a source's strip; raises CHANNEL_UNKNOWN."""
        return _found(self.sources, channel)

    def destination(self, channel: ChannelId) -> DestinationStrip:
        """Return a destination's strip; raises CHANNEL_UNKNOWN."""
        return _found(self.destinations, channel)

    def with_source(self, strip: SourceStrip) -> "Desk":
        """Return a desk with another strip for a source; raises CHANNEL_UNKNOWN."""
        _found(self.sources, strip.channel)
        return replace(self, sources=MappingProxyType({**self.sources, strip.channel: strip}))

    def with_destination(self, strip: DestinationStrip) -> "Desk":
        """Return a desk with another strip for a destination; raises CHANNEL_UNKNOWN.

        Without a monitor no solo is left: it would come up again, unasked, with the next monitor.
        """
        _found(self.destinations, strip.channel)
        desk = replace(self, destinations=MappingProxyType({**self.destinations, strip.channel: strip}))
        return desk if desk.has_monitor else desk.without_solos()

    def with_route(self, source: ChannelId, destination: ChannelId, gain: Gain) -> "Desk":
        """Return a desk with another gain for one route; raises ROUTE_UNKNOWN when one of its ends isn't there."""
        if source not in self.sources or destination not in self.destinations:
            raise SessionError(ErrorCode.ROUTE_UNKNOWN, source=str(source), destination=str(destination))
        return replace(self, routes=MappingProxyType({**self.routes, (source, destination): gain}))

    def with_solo(self, user: UserId, *, solo: bool) -> "Desk":
        """Return a desk on which a talker is soloed or not; raises NO_MONITOR."""
        if solo:
            self.check_monitor()
        return replace(self, soloed=self.soloed | {user} if solo else self.soloed - {user})

    def without_solo_of_absent(self, present: Iterable[UserId]) -> "Desk":
        """Return a desk on which nobody is soloed who isn't there: a forgotten solo would hide everybody else."""
        return replace(self, soloed=self.soloed & frozenset(present))

    def check_monitor(self) -> None:
        """Raise NO_MONITOR unless a solo is heard somewhere."""
        if not self.has_monitor:
            raise SessionError(ErrorCode.NO_MONITOR)

    @property
    def has_monitor(self) -> bool:
        """Whether a solo is heard anywhere."""
        return any(strip.monitor for strip in self.destinations.values())

    def without_solos(self) -> "Desk":
        """Return a desk on which nothing is soloed."""
        sources = {channel: replace(strip, solo=False) for channel, strip in self.sources.items()}
        return replace(self, soloed=frozenset(), sources=MappingProxyType(sources))


def desk_from_spec(spec: SessionSpec) -> Desk:
    """Set up the desk as the spec asks; raises ROUTE_UNKNOWN, VALUE_OUT_OF_RANGE."""
    for value, allowed in values(spec):
        checked(value, allowed)
    sources = map(_source_strip, spec.sources)
    destinations = map(_destination_strip, spec.destinations)
    desk = Desk(
        sources=MappingProxyType({strip.channel: strip for strip in sources}),
        destinations=MappingProxyType({strip.channel: strip for strip in destinations}),
        loudness=spec.loudness,
    )
    if not spec.routes:
        everywhere = {(source, target): Gain(1.0) for source in desk.sources for target in desk.destinations}
        return replace(desk, routes=MappingProxyType(everywhere))
    for route in spec.routes:
        desk = desk.with_route(channel_id(route.source), channel_id(route.destination), Gain(route.gain))
    return desk


def spec_as_set(spec: SessionSpec, desk: Desk) -> SessionSpec:
    """Return the session as the desk stands now, so that whoever starts it again gets the same."""
    if not desk.sources:  # the session has only begun to start
        return spec
    return structs.replace(
        spec,
        sources=tuple(_source_as_set(each, desk.source(channel_id(each.channel))) for each in spec.sources),
        destinations=tuple(
            _destination_as_set(each, desk.destination(channel_id(each.channel))) for each in spec.destinations
        ),
        routes=_routes_as_set(spec, desk),
        loudness=desk.loudness,
    )


def values(spec: SessionSpec) -> Iterator[tuple[float, Range]]:
    """Return every number of a spec with what is allowed for it."""
    yield spec.loudness, LOUDNESSES
    for source in spec.sources:
        equalizer = source.equalizer
        yield source.gain, GAINS
        yield source.pan, PANS
        yield from ((band, BANDS_DB) for band in (equalizer.low_db, equalizer.mid_db, equalizer.high_db))
    for destination in spec.destinations:
        yield destination.delay_s, DELAYS_S
        yield destination.duck_db, DUCKINGS_DB
    yield from ((route.gain, GAINS) for route in spec.routes)


def checked(value: float, allowed: Range) -> float:
    """Return ``value``; raises VALUE_OUT_OF_RANGE unless it is in the range (NaN is not)."""
    if not allowed.lowest <= value <= allowed.highest:
        raise SessionError(
            ErrorCode.VALUE_OUT_OF_RANGE, value=str(value), lowest=f"{allowed.lowest:g}", highest=f"{allowed.highest:g}"
        )
    return float(value)


def checked_gain(value: float) -> Gain:
    """Return ``value`` as a gain; raises VALUE_OUT_OF_RANGE."""
    return Gain(checked(value, GAINS))


def checked_bands(equalizer: EqualizerSpec) -> Bands:
    """Return an equalizer as the mixer wants it; raises VALUE_OUT_OF_RANGE."""
    bands = _bands(equalizer)
    for value in (bands.low_db, bands.mid_db, bands.high_db):
        checked(value, BANDS_DB)
    return bands


def checked_strip(strip: StripSpec) -> StripSpec:
    """Return ``strip``; raises VALUE_OUT_OF_RANGE."""
    return structs.replace(strip, gain=checked_gain(strip.gain))


def is_snowflake(text: str) -> bool:
    """Say whether a text is an id in the way that ids are written."""
    return re.match(SNOWFLAKE, text) is not None


def channel_id(text: str) -> ChannelId:
    """Read a snowflake as it travels; raises CHANNEL_UNKNOWN when it isn't one."""
    if not is_snowflake(text):
        raise SessionError(ErrorCode.CHANNEL_UNKNOWN, channel=text)
    return ChannelId(int(text))


def user_id(text: str) -> UserId:
    """Read a user's snowflake as it travels; raises TALKER_UNKNOWN when it isn't one."""
    if not is_snowflake(text):
        raise SessionError(ErrorCode.TALKER_UNKNOWN, user=text)
    return UserId(int(text))


def _found(strips: Mapping[ChannelId, Strip], channel: ChannelId) -> Strip:
    if channel not in strips:
        raise SessionError(ErrorCode.CHANNEL_UNKNOWN, channel=str(channel))
    return strips[channel]


def _bands(equalizer: EqualizerSpec) -> Bands:
    return Bands(low_db=equalizer.low_db, mid_db=equalizer.mid_db, high_db=equalizer.high_db)


def _source_strip(spec: SourceSpec) -> SourceStrip:
    return SourceStrip(
        channel=ChannelId(int(spec.channel)),
        gain=Gain(spec.gain),
        muted=spec.muted,
        equalizer=_bands(spec.equalizer),
        pan=spec.pan,
    )


def _destination_strip(spec: DestinationSpec) -> DestinationStrip:
    return DestinationStrip(
        channel=ChannelId(int(spec.channel)),
        delay_s=spec.delay_s,
        duck_db=spec.duck_db,
        monitor=spec.monitor,
    )


def _source_as_set(spec: SourceSpec, strip: SourceStrip) -> SourceSpec:
    bands = strip.equalizer
    equalizer = EqualizerSpec(low_db=bands.low_db, mid_db=bands.mid_db, high_db=bands.high_db)
    return structs.replace(spec, gain=strip.gain, muted=strip.muted, equalizer=equalizer, pan=strip.pan)


def _destination_as_set(spec: DestinationSpec, strip: DestinationStrip) -> DestinationSpec:
    return structs.replace(spec, delay_s=strip.delay_s, duck_db=strip.duck_db, monitor=strip.monitor)


def _routes_as_set(spec: SessionSpec, desk: Desk) -> tuple[RouteSpec, ...]:
    """Name the routes; a session without named ones gets names only once one differs from what it means."""
    if not spec.routes and all(gain == 1.0 for gain in desk.routes.values()):
        return ()
    return tuple(
        RouteSpec(source=str(source), destination=str(target), gain=gain)
        for (source, target), gain in desk.routes.items()
    )
