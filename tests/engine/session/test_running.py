"""Bots dragged about and people who move, with delays: what is heard where, by the real mix in a time of its own."""

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from common.protocol.spec import DestinationSpec, RouteSpec, SessionSpec, SourceSpec
from common.protocol.state import LinkState
from common.types import BotKey, ChannelId, Nanoseconds, UserId
from engine.audio.clock import Ticker
from engine.audio.frame import OpusPacket
from engine.audio.meter import Percentiles
from engine.audio.opus import Opus
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.gateway.views import VoiceMember
from engine.session.desk import desk_from_spec
from engine.session.mixing import Mixing
from engine.session.preflight import places
from engine.session.roster import StripMemory
from engine.session.running import Running
from engine.session.seat import Seat

RED, BLUE, CASTERS, STREAM = (ChannelId(number) for number in (10, 20, 30, 40))
PLAYER, CASTER = UserId(1), UserId(77)
TICK_NS = 20_000_000
RED_SOURCE, BLUE_SOURCE = SourceSpec(channel="10", bot="r"), SourceSpec(channel="20", bot="b")


class HandClock:
    """Ticks when it is told to."""

    lateness = Percentiles()

    def __init__(self, ticker: Ticker, _tick_ms: int) -> None:
        self.ticker = ticker

    def start(self) -> None:
        """Start."""

    def stop(self) -> None:
        """Stop."""


class Evening:
    """A session whose bots and people are moved by hand, in a channel each; ``heard`` counts packets with sound."""

    def __init__(self, spec: SessionSpec) -> None:
        self.now = 1_000_000_000
        self.people: dict[UserId, ChannelId] = {}
        self.heard: dict[ChannelId, int] = {}
        self.dumps: list[set[UserId]] = []
        self.mixing = Mixing(now=lambda: self.now, make_clock=HandClock)
        self.running = Running(
            spec,
            endpoint=Endpoint(),
            budget=IdentifyBudget(None, lambda: 0.0),
            memory=StripMemory(),
            clock=lambda: self.now // 1_000_000,
            random=Random(1),
            on_change=lambda: None,
            make_mixing=lambda _tick_ms: self.mixing,
        )
        self.running.desk = desk_from_spec(spec)
        self.running._mixing = self.mixing
        for place in places(spec):
            self.running.seats[BotKey(place.bot)] = self._seat(place)
        encoder, wave = Opus().encoder(), 0.3 * np.sin(np.arange(960) * 2 * np.pi * 450 / 48000)
        self._tone = encoder.encode(np.repeat(wave.astype(np.float32)[:, None], 2, axis=1))
        encoder.close()
        self._said: dict[UserId, int] = {}

    def _seat(self, place: SourceSpec | DestinationSpec) -> Seat:
        home = ChannelId(int(place.channel))
        self.heard[home] = 0
        supervisor = SimpleNamespace(home=home, place=home, seen_in=home, link=LinkState.CONNECTING)
        bot = SimpleNamespace(key=BotKey(place.bot), members=self._members)
        line = SimpleNamespace(sender=lambda packet: self._hear(home, packet))
        return Seat(place, bot, line, supervisor)

    def _hear(self, channel: ChannelId, packet: bytes | None) -> None:
        self.heard[channel] += packet is not None

    def _members(self, _guild: int, channel: ChannelId) -> tuple[VoiceMember, ...]:
        return tuple(VoiceMember(user, f"p{user}", where) for user, where in self.people.items() if where == channel)

    def begin(self) -> None:
        dump = self.mixing.dump
        self.mixing.dump = lambda users: (self.dumps.append(set(users)), dump(users))
        self.running._go_on_air(self.mixing)

    def look(self, *bots: str) -> None:
        """Let these bots hear of what happened, in this order."""
        for bot in bots:
            self.running._seat_changed(BotKey(bot))

    def drag(self, bot: str, channel: ChannelId) -> None:
        """Have Discord move a bot; the bot hears of it, then follows."""
        supervisor = self.running.seats[BotKey(bot)].supervisor
        supervisor.seen_in = channel
        self.look(bot)
        self.talk(0.06, *(user for user, where in self.people.items() if where == supervisor.place))
        supervisor.place = channel
        self.look(bot)

    def talk(self, seconds: float, *users: UserId) -> None:
        """Let time pass, in which these people talk."""
        for _ in range(round(seconds * 50)):
            for user in users:
                count = self._said[user] = self._said.get(user, -1) + 1
                arrival = Nanoseconds(self.now - TICK_NS // 2)
                self.mixing.push(OpusPacket(user, int(user), count, count * 960, self._tone, arrival))
            self.mixing._clock.ticker.tick(Nanoseconds(self.now))
            self.now += TICK_NS


@pytest.fixture
def evening() -> Iterator[list[Evening]]:
    begun: list[Evening] = []
    yield begun
    for each in begun:
        each.mixing._close()


def session(*destinations: DestinationSpec, sources=(RED_SOURCE,), routes=()) -> SessionSpec:
    return SessionSpec(guild="1", sources=sources, destinations=destinations, routes=routes)


def make(evening: list[Evening], spec: SessionSpec, people: dict[UserId, ChannelId]) -> Evening:
    evening.append(Evening(spec))
    evening[0].people = people
    evening[0].begin()
    return evening[0]


@pytest.mark.parametrize("casters_delay_s", [0.0, 3.0])
def test_what_casters_said_to_a_bot_that_stood_with_them_is_never_aired(evening, casters_delay_s: float):
    spec = session(
        DestinationSpec(channel="30", bot="c", delay_s=casters_delay_s),
        DestinationSpec(channel="40", bot="s", delay_s=3.0),
    )
    it = make(evening, spec, {PLAYER: RED, CASTER: CASTERS})
    it.drag("r", CASTERS)
    it.talk(2, CASTER)
    before = len(it.dumps)
    it.drag("r", RED)
    assert any(CASTER in users for users in it.dumps[before:])
    assert CASTER not in {talker.user for talker in it.running.audible()}
    it.talk(0.02)
    it.people[CASTER] = RED
    it.look("r")
    it.talk(5)
    assert (it.heard[CASTERS], it.heard[STREAM]) == (0, 0)
    it.talk(0.5, PLAYER)
    it.talk(4)
    assert it.heard[CASTERS] > 20
    assert it.heard[STREAM] > 20


def test_a_caster_who_leaves_while_the_bot_stands_there_takes_nothing_to_another_source(evening):
    spec = session(DestinationSpec(channel="30", bot="c", delay_s=3.0), sources=(RED_SOURCE, BLUE_SOURCE))
    it = make(evening, spec, {CASTER: CASTERS})
    it.drag("r", CASTERS)
    it.talk(1, CASTER)
    del it.people[CASTER]
    it.look("r")
    it.people[CASTER] = BLUE
    it.look("b")
    it.talk(5)
    assert it.heard[CASTERS] == 0


def test_a_block_that_a_destination_makes_and_ends_dumps_too(evening):
    spec = session(DestinationSpec(channel="30", bot="c", delay_s=3.0))
    it = make(evening, spec, {PLAYER: ChannelId(50)})
    it.drag("r", ChannelId(50))
    begun = len(it.dumps)
    it.drag("c", ChannelId(50))
    assert it.dumps[begun:] == [{PLAYER}]
    it.drag("c", CASTERS)
    assert it.dumps[begun:] == [{PLAYER}, {PLAYER}]


@pytest.mark.parametrize("order", ["rb", "br"])
def test_who_moves_between_sources_takes_no_earlier_talk_along(evening, order: str):
    spec = session(
        DestinationSpec(channel="30", bot="c", delay_s=3.0),
        DestinationSpec(channel="40", bot="s", delay_s=3.0),
        sources=(SourceSpec(channel="10", bot="r", muted=True), BLUE_SOURCE),
        routes=(RouteSpec(source="10", destination="30"), RouteSpec(source="20", destination="40")),
    )
    it = make(evening, spec, {PLAYER: RED})
    it.talk(2, PLAYER)
    it.people[PLAYER] = BLUE
    it.look(*order)
    it.talk(5)
    assert (it.heard[CASTERS], it.heard[STREAM]) == (0, 0)
    it.talk(0.5, PLAYER)
    it.talk(4)
    assert it.heard[STREAM] > 20


def test_who_leaves_and_comes_back_to_the_same_source_is_heard_to_the_end(evening):
    it = make(evening, session(DestinationSpec(channel="30", bot="c", delay_s=3.0)), {PLAYER: RED})
    it.talk(1, PLAYER)
    for people in ({}, {PLAYER: RED}):
        it.people = people
        it.look("r")
    it.talk(5)
    assert it.heard[CASTERS] > 45


def test_without_a_delay_nobody_who_left_is_kept(evening):
    it = make(evening, session(DestinationSpec(channel="30", bot="c")), {})
    for user in range(1, 50):
        for people in ({UserId(user): RED}, {}):
            it.people = people
            it.look("r")
    assert it.running._departed._left == {}
