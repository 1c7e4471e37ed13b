"""The desk: what a spec sets on it, what moves on it, and that the spec it tells gives the same desk again."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from common.errors import ErrorCode, SessionError
from common.protocol import spec as words
from common.protocol.spec import DestinationSpec, EqualizerSpec, RouteSpec, SessionSpec, SourceSpec, StripSpec
from common.types import ChannelId, Gain, UserId
from engine.audio import settings
from engine.audio.settings import Bands, DestinationStrip, SourceStrip
from engine.session.desk import (
    Desk,
    channel_id,
    checked_bands,
    checked_gain,
    checked_strip,
    desk_from_spec,
    spec_as_set,
    user_id,
)

RED, BLUE, CASTERS, STREAM, LOBBY = (ChannelId(number) for number in (10, 20, 30, 40, 50))
ANN = UserId(7)
SPEC = SessionSpec(
    guild="1",
    sources=(
        SourceSpec(channel="10", bot="a", gain=0.5, pan=-0.5, equalizer=EqualizerSpec(low_db=-6.0)),
        SourceSpec(channel="20", bot="b", muted=True),
    ),
    destinations=(
        DestinationSpec(channel="30", bot="c", monitor=True),
        DestinationSpec(channel="40", bot="d", delay_s=30.0, duck_db=9.0),
    ),
    loudness=-23.0,
)


def within(allowed):
    return st.floats(allowed.lowest, allowed.highest)


SPECS = st.builds(
    SessionSpec,
    guild=st.just("1"),
    sources=st.tuples(
        *(
            st.builds(
                SourceSpec,
                channel=st.just(channel),
                bot=st.just(channel),
                gain=within(words.GAINS),
                muted=st.booleans(),
                equalizer=st.builds(EqualizerSpec, *[within(words.BANDS_DB)] * 3),
                pan=within(words.PANS),
            )
            for channel in ("10", "20")
        )
    ),
    destinations=st.tuples(
        st.builds(
            DestinationSpec,
            channel=st.just("30"),
            bot=st.just("c"),
            delay_s=within(words.DELAYS_S),
            duck_db=within(words.DUCKINGS_DB),
            monitor=st.booleans(),
        )
    ),
    routes=st.sampled_from([(), (RouteSpec(source="20", destination="30", gain=0.25),)]),
    loudness=within(words.LOUDNESSES),
)


def test_everything_a_spec_says_is_on_the_desk():
    desk = desk_from_spec(SPEC)
    assert desk.sources == {
        RED: SourceStrip(RED, Gain(0.5), equalizer=Bands(low_db=-6.0), pan=-0.5),
        BLUE: SourceStrip(BLUE, muted=True),
    }
    assert desk.destinations == {
        CASTERS: DestinationStrip(CASTERS, monitor=True),
        STREAM: DestinationStrip(STREAM, delay_s=30.0, duck_db=9.0),
    }
    assert (desk.loudness, desk.kill, desk.soloed) == (-23.0, False, frozenset())
    assert set(desk.routes.values()) == {1.0}


@given(SPECS)
def test_a_session_that_was_not_touched_is_told_as_it_was_asked_for(spec):
    assert spec_as_set(spec, desk_from_spec(spec)) == spec


@given(SPECS, SPECS)
def test_the_spec_as_set_gives_the_same_desk_again(asked, wanted):
    desk, moved = desk_from_spec(asked), desk_from_spec(wanted)
    for strip in moved.sources.values():
        desk = desk.with_source(strip)
    for strip in moved.destinations.values():
        desk = desk.with_destination(strip)
    for (source, destination), gain in moved.routes.items():
        desk = desk.with_route(source, destination, gain)
    desk = replace(desk, loudness=moved.loudness)
    assert desk_from_spec(spec_as_set(asked, desk)) == desk


def test_a_session_that_only_begins_to_start_is_told_as_it_was_asked_for():
    asked = structs.replace(SPEC, routes=(RouteSpec(source="20", destination="30", gain=0.25),))
    assert spec_as_set(asked, Desk(kill=True)) == asked


def test_a_solo_is_not_remembered():
    desk = desk_from_spec(SPEC).with_solo(ANN, solo=True).with_source(SourceStrip(BLUE, solo=True))
    again = desk_from_spec(spec_as_set(SPEC, desk))
    assert again.soloed == frozenset()
    assert not any(strip.solo for strip in again.sources.values())


def test_a_solo_needs_a_monitor_and_ends_without_one():
    desk = desk_from_spec(SPEC)
    assert desk.with_solo(ANN, solo=True).soloed == {ANN}
    blind = desk.with_destination(DestinationStrip(CASTERS))
    with pytest.raises(SessionError) as refused:
        blind.with_solo(ANN, solo=True)
    assert refused.value.code is ErrorCode.NO_MONITOR
    assert replace(blind, soloed=frozenset({ANN})).with_solo(ANN, solo=False).soloed == frozenset()


def test_the_solo_of_who_left_ends():
    desk = desk_from_spec(SPEC).with_solo(ANN, solo=True)
    assert desk.without_solo_of_absent([ANN, UserId(8)]) == desk
    assert desk.without_solo_of_absent([UserId(8)]).soloed == frozenset()


def test_a_fader_changes_what_is_there_and_nothing_else():
    desk = desk_from_spec(SPEC)
    assert desk.with_route(RED, STREAM, Gain(0.0)).routes == {**desk.routes, (RED, STREAM): 0.0}
    for ends in ((LOBBY, CASTERS), (RED, LOBBY), (CASTERS, RED)):
        with pytest.raises(SessionError) as refused:
            desk.with_route(*ends, Gain(1.0))
        assert refused.value.code is ErrorCode.ROUTE_UNKNOWN
    for wrong in (
        lambda: desk.with_source(SourceStrip(CASTERS)),
        lambda: desk.with_destination(DestinationStrip(RED)),
        lambda: desk.source(CASTERS),
        lambda: desk.destination(RED),
    ):
        with pytest.raises(SessionError) as refused:
            wrong()
        assert refused.value.code is ErrorCode.CHANNEL_UNKNOWN


@given(st.floats())
def test_a_gain_is_from_nothing_to_twice(value):
    if math.isnan(value) or not 0 <= value <= 2:
        for refuse in (lambda: checked_gain(value), lambda: checked_strip(StripSpec(gain=value))):
            with pytest.raises(SessionError):
                refuse()
    else:
        assert checked_gain(value) == value
        assert checked_strip(StripSpec(gain=value)).gain == value


@pytest.mark.parametrize("band", ["low_db", "mid_db", "high_db"])
def test_each_band_goes_from_minus_to_plus_twelve(band):
    assert checked_bands(EqualizerSpec(**{band: 12.0})) == Bands(**{band: 12.0})
    with pytest.raises(SessionError) as refused:
        checked_bands(EqualizerSpec(**{band: 12.1}))
    assert refused.value.details == {"value": "12.1", "lowest": "-12", "highest": "12"}


def test_what_is_no_snowflake_is_unknown():
    assert (channel_id("10"), user_id("7")) == (RED, ANN)
    for text in ("", "-1", "casters", "1.0", "１", "010", "10\n", "9" * 5000):
        with pytest.raises(SessionError):
            channel_id(text)
        with pytest.raises(SessionError):
            user_id(text)


def test_what_is_not_said_is_what_the_mixer_does_by_itself():
    assert words.DEFAULT_LOUDNESS == settings.DEFAULT_LOUDNESS
