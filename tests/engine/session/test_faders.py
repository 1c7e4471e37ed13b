"""Faders and switches: each moves one thing, is refused for what isn't there and for what isn't allowed."""

import pytest

from common.errors import ErrorCode, SessionError
from common.protocol.spec import DestinationSpec, EqualizerSpec, SessionSpec, SourceSpec, StripSpec
from common.types import ChannelId, Suppression, UserId
from engine.audio.settings import Bands
from engine.gateway.views import VoiceMember
from engine.session.desk import desk_from_spec
from engine.session.faders import Faders
from engine.session.roster import Roster, StripMemory, Talker

RED, BLUE, CASTERS, STREAM = (ChannelId(number) for number in (10, 20, 30, 40))
ANN, BEN, GONE = UserId(1), UserId(2), UserId(3)
SPEC = SessionSpec(
    guild="1",
    sources=(SourceSpec(channel="10", bot="a"), SourceSpec(channel="20", bot="b")),
    destinations=(DestinationSpec(channel="30", bot="c", monitor=True), DestinationSpec(channel="40", bot="d")),
)


class Live:
    """A session that runs, as far as faders see it."""

    def __init__(self, spec=SPEC):
        self.desk = desk_from_spec(spec)
        self.roster = Roster(())
        self.roster.update(RED, [VoiceMember(ANN, "Ann", RED), VoiceMember(BEN, "Ben", RED)])
        self.applied = 0
        self.dumped = []

    def set_desk(self, desk):
        self.desk = desk
        self.apply()

    def apply(self):
        self.applied += 1

    def audible(self):
        return (*self.roster.talkers(), Talker(GONE, "Gone", RED))

    def dump(self, users):
        self.dumped.append(set(users))


@pytest.fixture
def live():
    return Live()


@pytest.fixture
def memory():
    return StripMemory()


@pytest.fixture
def faders(live, memory):
    return Faders(lambda: live, lambda: live, memory)


STRIPS = [
    (lambda f, user: f.set_talker_gain(user, 0.5), StripSpec(gain=0.5)),
    (lambda f, user: f.mute_talker(user, muted=True), StripSpec(muted=True)),
    (
        lambda f, user: f.set_talker_suppression(user, Suppression.STRONG),
        StripSpec(suppression=Suppression.STRONG),
    ),
    (lambda f, user: f.set_talker_levelling(user, levelling=False), StripSpec(levelling=False)),
    (lambda f, user: f.set_talker_high_pass(user, high_pass=True), StripSpec(high_pass=True)),
    (lambda f, user: f.set_talker_priority(user, priority=True), StripSpec(priority=True)),
]


@pytest.mark.parametrize(("move", "strip"), STRIPS)
def test_a_talkers_fader_is_remembered_and_touches_nobody_else(faders, live, memory, move, strip):
    move(faders, "1")
    assert (memory.get(ANN), memory.get(BEN), live.applied) == (strip, StripSpec(), 1)
    faders.set_talker_gain("1", 0.25)
    assert memory.get(ANN).gain == 0.25
    assert memory.get(ANN).muted == strip.muted


SOURCES = [
    (lambda f: f.set_source_gain("10", 0.5), "gain", 0.5),
    (lambda f: f.mute_source("10", muted=True), "muted", True),
    (lambda f: f.set_source_equalizer("10", EqualizerSpec(mid_db=3.0)), "equalizer", Bands(mid_db=3.0)),
    (lambda f: f.set_source_pan("10", -1.0), "pan", -1.0),
    (lambda f: f.solo_source("10", solo=True), "solo", True),
]


@pytest.mark.parametrize(("move", "name", "value"), SOURCES)
def test_a_sources_fader_moves_one_thing_of_one_source(faders, live, move, name, value):
    before = live.desk
    move(faders)
    changed = {
        field
        for field in ("gain", "muted", "equalizer", "pan", "solo")
        if getattr(live.desk.sources[RED], field) != getattr(before.sources[RED], field)
    }
    assert (changed, getattr(live.desk.sources[RED], name)) == ({name}, value)
    assert live.desk.sources[BLUE] == before.sources[BLUE]
    assert live.applied == 1


def test_destinations_routes_and_the_session_have_their_own(faders, live):
    faders.set_destination_delay("40", 30.0)
    faders.set_destination_ducking("40", 9.0)
    faders.set_destination_monitor("40", monitor=True)
    faders.set_route_gain("10", "40", 0.5)
    faders.set_loudness(-23.0)
    faders.kill(active=True)
    stream = live.desk.destinations[STREAM]
    assert (stream.delay_s, stream.duck_db, stream.monitor) == (30.0, 9.0, True)
    assert (live.desk.routes[RED, STREAM], live.desk.loudness, live.desk.kill) == (0.5, -23.0, True)
    assert live.desk.destinations[CASTERS] == desk_from_spec(SPEC).destinations[CASTERS]


def test_a_solo_without_a_monitor_is_refused_and_changes_nothing(memory):
    live = Live(SessionSpec(guild="1", sources=SPEC.sources, destinations=SPEC.destinations[1:]))
    faders = Faders(lambda: live, lambda: live, memory)
    for move in (lambda: faders.solo_talker("1", solo=True), lambda: faders.solo_source("10", solo=True)):
        with pytest.raises(SessionError) as refused:
            move()
        assert refused.value.code is ErrorCode.NO_MONITOR
    assert live.applied == 0
    faders.solo_talker("1", solo=False)
    faders.solo_source("10", solo=False)
    faders.set_destination_monitor("40", monitor=True)
    faders.solo_talker("1", solo=True)
    assert live.desk.soloed == {ANN}


def test_solos_end_with_the_last_monitor_and_do_not_come_back(faders, live):
    faders.set_destination_monitor("40", monitor=True)
    faders.solo_talker("1", solo=True)
    faders.solo_source("20", solo=True)
    faders.set_destination_monitor("30", monitor=False)
    assert (live.desk.soloed, live.desk.sources[BLUE].solo) == ({ANN}, True)
    for monitor in (False, True):
        faders.set_destination_monitor("40", monitor=monitor)
        assert (live.desk.soloed, live.desk.sources[BLUE].solo) == (frozenset(), False)


def test_a_solo_is_not_remembered(faders, live, memory):
    faders.solo_talker("1", solo=True)
    assert (live.desk.soloed, len(memory)) == ({ANN}, 0)


def test_a_dump_reaches_who_is_there_and_who_has_left(faders, live):
    faders.dump_talker("1")
    faders.dump_talker("3")
    faders.dump_source("10")
    faders.dump_source("20")
    assert live.dumped == [{ANN}, {GONE}, {ANN, BEN, GONE}, set()]


UNKNOWN = [
    *((lambda f, move=move: move(f, "9"), ErrorCode.TALKER_UNKNOWN) for move, _ in STRIPS),
    (lambda f: f.solo_talker("3", solo=True), ErrorCode.TALKER_UNKNOWN),
    (lambda f: f.dump_talker("9"), ErrorCode.TALKER_UNKNOWN),
    (lambda f: f.set_source_gain("30", 1.0), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.mute_source("30", muted=True), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_source_equalizer("30", EqualizerSpec()), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_source_pan("30", 0.0), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.solo_source("30", solo=True), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.dump_source("30"), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_destination_delay("10", 1.0), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_destination_ducking("10", 1.0), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_destination_monitor("10", monitor=True), ErrorCode.CHANNEL_UNKNOWN),
    (lambda f: f.set_route_gain("30", "10", 1.0), ErrorCode.ROUTE_UNKNOWN),
]
TOO_MUCH = [
    lambda f: f.set_talker_gain("1", 2.1),
    lambda f: f.set_source_gain("10", -0.1),
    lambda f: f.set_source_equalizer("10", EqualizerSpec(high_db=float("nan"))),
    lambda f: f.set_source_pan("10", 1.1),
    lambda f: f.set_destination_delay("40", 300.1),
    lambda f: f.set_destination_ducking("40", 24.1),
    lambda f: f.set_route_gain("10", "40", 2.1),
    lambda f: f.set_loudness(-13.9),
]


@pytest.mark.parametrize(("move", "code"), [*UNKNOWN, *((move, ErrorCode.VALUE_OUT_OF_RANGE) for move in TOO_MUCH)])
def test_what_is_not_there_or_not_allowed_is_refused_and_changes_nothing(faders, live, memory, move, code):
    with pytest.raises(SessionError) as refused:
        move(faders)
    assert refused.value.code is code
    assert (live.applied, live.dumped, len(memory)) == (0, [], 0)
