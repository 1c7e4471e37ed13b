"""Routing: what the mixer is told, and that nothing ever flows where people are listened to."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from common.protocol.spec import DestinationSpec, RouteSpec, SessionSpec, SourceSpec, StripSpec
from common.types import ChannelId, Gain, Suppression, UserId
from engine.audio.settings import DestinationStrip, SourceStrip, TalkerStrip
from engine.session.desk import Desk, desk_from_spec
from engine.session.roster import StripMemory, Talker
from engine.session.routing import blocked, mix_settings

RED, BLUE, CASTERS, ENGLISH, LOBBY = (ChannelId(number) for number in (10, 20, 30, 40, 50))
SEVEN, EIGHT = Talker(UserId(7), "seven", RED), Talker(UserId(8), "eight", BLUE)


def spec(routes: tuple[RouteSpec, ...] = ()):
    return SessionSpec(
        guild="1",
        sources=(SourceSpec(channel="10", bot="a", gain=0.5), SourceSpec(channel="20", bot="b", muted=True)),
        destinations=(
            DestinationSpec(channel="30", bot="c", monitor=True),
            DestinationSpec(channel="40", bot="d", delay_s=30.0, duck_db=6.0),
        ),
        routes=routes,
        loudness=-23.0,
    )


def settings(
    desk: Desk,
    talkers: Sequence[Talker] = (),
    memory: StripMemory | None = None,
    places: dict[ChannelId, ChannelId] | None = None,
):
    return mix_settings(desk, talkers, memory or StripMemory(), blocked(desk, places or {}))


def soloed(desk: Desk):
    """Solo everything there is."""
    for source in (RED, BLUE):
        desk = desk.with_source(SourceStrip(source, solo=True))
    return desk.with_solo(SEVEN.user, solo=True).with_solo(EIGHT.user, solo=True)


def test_without_routes_everything_goes_everywhere_at_unity():
    made = settings(desk_from_spec(spec()))
    assert made.routes == ((1.0, 1.0), (1.0, 1.0))
    assert made.destinations == (
        DestinationStrip(CASTERS, monitor=True),
        DestinationStrip(ENGLISH, delay_s=30.0, duck_db=6.0),
    )
    assert made.sources == (SourceStrip(RED, Gain(0.5)), SourceStrip(BLUE, muted=True))
    assert (made.kill, made.loudness) == (False, -23.0)


def test_with_routes_what_is_not_named_is_silent():
    made = settings(desk_from_spec(spec((RouteSpec(source="20", destination="30", gain=0.25),))))
    assert made.routes == ((0.0, 0.0), (0.25, 0.0))


def test_talkers_carry_what_is_remembered_of_them_and_everybody_else_is_levelled():
    memory = StripMemory()
    memory.put(
        SEVEN.user,
        StripSpec(gain=1.5, muted=True, priority=True, suppression=Suppression.STRONG, levelling=False, high_pass=True),
    )
    desk = desk_from_spec(spec()).with_solo(EIGHT.user, solo=True)
    assert settings(desk, [SEVEN, EIGHT], memory).talkers == (
        TalkerStrip(
            SEVEN.user,
            RED,
            Gain(1.5),
            muted=True,
            priority=True,
            suppression=Suppression.STRONG,
            levelling=False,
            high_pass=True,
        ),
        TalkerStrip(EIGHT.user, BLUE, Gain(1.0), solo=True, levelling=True),
    )


def test_a_bot_that_was_moved_elsewhere_goes_on():
    desk = desk_from_spec(spec())
    assert blocked(desk, {CASTERS: LOBBY}) == frozenset()
    assert blocked(desk, {RED: LOBBY}) == frozenset()


def test_a_destination_moved_to_players_falls_silent():
    desk = desk_from_spec(spec())
    made = settings(soloed(desk), places={CASTERS: RED})
    assert made.routes == ((0.0, 1.0), (0.0, 1.0))
    assert not any(strip.monitor for strip in made.destinations)
    assert blocked(desk, {RED: LOBBY, CASTERS: LOBBY}) == {RED, CASTERS}


def test_a_source_moved_to_casters_is_not_relayed_to_them():
    made = settings(soloed(desk_from_spec(spec())), [SEVEN, EIGHT], places={RED: CASTERS})
    assert made.routes == ((0.0, 0.0), (1.0, 1.0))
    assert [strip.solo for strip in made.sources] == [False, True]
    assert [strip.solo for strip in made.talkers] == [False, True]


channels = st.sampled_from([RED, BLUE, CASTERS, ENGLISH, LOBBY])


@given(st.dictionaries(st.sampled_from([RED, BLUE, CASTERS, ENGLISH]), channels))
def test_wherever_bots_are_dragged_no_sound_reaches_a_channel_that_is_heard(places: dict[ChannelId, ChannelId]):
    desk = soloed(desk_from_spec(spec()))
    made = settings(desk, [SEVEN, EIGHT], places=places)
    talkers = {strip.source for strip in made.talkers if strip.solo}
    heard = {
        places.get(strip.channel, strip.channel)
        for row, strip in zip(made.routes, made.sources, strict=True)
        if any(row) or strip.solo or strip.channel in talkers
    }
    played = {
        places.get(strip.channel, strip.channel)
        for column, strip in zip(zip(*made.routes, strict=True), made.destinations, strict=True)
        if any(column) or strip.monitor
    }
    assert not heard & played
    assert not played & {RED, BLUE}
