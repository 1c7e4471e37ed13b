"""Routing: what the mixer is told, and that nothing ever flows where people are listened to."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode, SessionError
from common.protocol.spec import DestinationSpec, RouteSpec, SessionSpec, SourceSpec
from common.types import ChannelId, Gain, UserId
from engine.audio.settings import SourceStrip, TalkerStrip
from engine.session.roster import Strip, StripMemory, Talker
from engine.session.routing import (
    Desk,
    blocked,
    channel_id,
    checked_gain,
    desk_from_spec,
    mix_settings,
    spec_as_set,
    user_id,
)

RED, BLUE, CASTERS, ENGLISH, LOBBY = (ChannelId(number) for number in (10, 20, 30, 40, 50))


def spec(routes: tuple[RouteSpec, ...] = ()):
    return SessionSpec(
        guild="1",
        sources=(SourceSpec(channel="10", bot="a", gain=0.5), SourceSpec(channel="20", bot="b", muted=True)),
        destinations=(DestinationSpec(channel="30", bot="c"), DestinationSpec(channel="40", bot="d")),
        routes=routes,
    )


def settings(
    desk: Desk,
    talkers: Sequence[Talker] = (),
    memory: StripMemory | None = None,
    places: dict[ChannelId, ChannelId] | None = None,
):
    return mix_settings(desk, talkers, memory or StripMemory(), places or {})


def test_without_routes_everything_goes_everywhere_at_unity():
    made = settings(desk_from_spec(spec()))
    assert made.routes == ((1.0, 1.0), (1.0, 1.0))
    assert [strip.channel for strip in made.destinations] == [CASTERS, ENGLISH]
    assert made.sources == (SourceStrip(RED, Gain(0.5), muted=False), SourceStrip(BLUE, Gain(1.0), muted=True))
    assert not made.kill


def test_with_routes_what_is_not_named_is_silent():
    made = settings(desk_from_spec(spec((RouteSpec(source="20", destination="30", gain=0.25),))))
    assert made.routes == ((0.0, 0.0), (0.25, 0.0))


def test_talkers_carry_what_is_remembered_of_them():
    memory = StripMemory()
    memory.put(UserId(7), Strip(Gain(1.5), muted=True))
    made = settings(desk_from_spec(spec()), [Talker(UserId(7), "seven", RED), Talker(UserId(8), "eight", BLUE)], memory)
    assert made.talkers == (
        TalkerStrip(UserId(7), RED, Gain(1.5), muted=True),
        TalkerStrip(UserId(8), BLUE, Gain(1.0), muted=False),
    )


def test_a_fader_changes_one_route_and_only_if_it_is_there():
    desk = desk_from_spec(spec()).with_route(RED, ENGLISH, Gain(0.0))
    assert settings(desk).routes == ((1.0, 0.0), (1.0, 1.0))
    for ends in ((LOBBY, CASTERS), (RED, LOBBY), (CASTERS, RED)):
        with pytest.raises(SessionError) as refused:
            desk.with_route(*ends, Gain(1.0))
        assert refused.value.code is ErrorCode.ROUTE_UNKNOWN
    with pytest.raises(SessionError) as refused:
        desk.with_source(CASTERS, Strip())
    assert refused.value.code is ErrorCode.CHANNEL_UNKNOWN


def test_a_bot_that_was_moved_elsewhere_goes_on():
    desk = desk_from_spec(spec())
    assert blocked(desk, {CASTERS: LOBBY}) == frozenset()
    assert blocked(desk, {RED: LOBBY}) == frozenset()


def test_a_destination_moved_to_players_falls_silent():
    desk = desk_from_spec(spec())
    assert settings(desk, places={CASTERS: RED}).routes == ((0.0, 1.0), (0.0, 1.0))
    assert blocked(desk, {RED: LOBBY, CASTERS: LOBBY}) == {RED, CASTERS}


def test_a_source_moved_to_casters_is_not_relayed_to_them():
    assert settings(desk_from_spec(spec()), places={RED: CASTERS}).routes == ((0.0, 0.0), (1.0, 1.0))


channels = st.sampled_from([RED, BLUE, CASTERS, ENGLISH, LOBBY])


@given(st.dictionaries(st.sampled_from([RED, BLUE, CASTERS, ENGLISH]), channels))
def test_wherever_bots_are_dragged_no_sound_reaches_a_channel_that_is_heard(places: dict[ChannelId, ChannelId] | None):
    desk = desk_from_spec(spec())
    made = settings(desk, places=places)
    heard = {places.get(source, source) for row, source in zip(made.routes, desk.sources, strict=True) if any(row)}
    played = {
        places.get(target, target)
        for column, target in zip(
            zip(*made.routes, strict=True), (strip.channel for strip in made.destinations), strict=True
        )
        if any(column)
    }
    assert not heard & played
    assert not played & {RED, BLUE}


@given(st.floats())
def test_a_gain_is_from_nothing_to_twice(value: float):
    if math.isnan(value) or not 0 <= value <= 2:
        with pytest.raises(SessionError):
            checked_gain(value)
    else:
        assert checked_gain(value) == value


def test_what_is_no_snowflake_is_unknown():
    assert (channel_id("10"), user_id("7")) == (RED, UserId(7))
    for text in ("", "-1", "casters", "1.0", "\uff11"):
        with pytest.raises(SessionError):
            channel_id(text)
        with pytest.raises(SessionError):
            user_id(text)


def test_the_state_tells_the_desk_as_it_stands():
    asked = spec()
    desk = desk_from_spec(asked)
    assert spec_as_set(asked, desk) == asked
    touched = desk.with_source(RED, Strip(Gain(1.5), muted=True)).with_route(BLUE, CASTERS, Gain(0.0))
    told = spec_as_set(asked, touched)
    assert told.sources[0] == SourceSpec(channel="10", bot="a", gain=1.5, muted=True)
    assert desk_from_spec(told) == touched
