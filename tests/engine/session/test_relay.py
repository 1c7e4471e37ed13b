"""The relay on the simulated Discord, with real discord.py: starts, refusals, people coming and going, a kick.

Everything here happens on the main gateway; where bots sit is real, the voice server is left out.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from random import Random

import pytest
from msgspec import structs

from common.errors import ErrorCode, RelayError, SessionError
from common.protocol.spec import MOST_STRIPS, DestinationSpec, SessionSpec, SourceSpec, StripSpec
from common.protocol.state import LinkState, MatchPhase, Phase, Role, SessionState
from common.secret import Secret
from common.types import BotKey, Suppression
from engine.audio.settings import MixSettings
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.gateway.notices import RELAYED
from engine.session.mixing import Mixing
from engine.session.relay import RelaySession
from engine.voice.connection import VoiceRooms
from engine.voice.dave import DaveGroup
from engine.voice.protocol import VoiceServer
from simulator.scene import parse
from simulator.server import Simulator
from tests.silent_voice import SilentVoicePlane

SCENE = """
seed = 11
[guild]
name = "Cup"
[[roles]]
name = "Relay"
permissions = ["SET_VOICE_CHANNEL_STATUS"]
[[channels]]
name = "lobby"
kind = "text"
[[channels]]
name = "Red"
[[channels]]
name = "Blue"
[[channels]]
name = "Casters"
[[channels]]
name = "Elsewhere"
[[channels]]
name = "Stage"
kind = "stage"
[[channels]]
name = "Small"
limit = 1
[[channels]]
name = "Mute"
overwrites = [{ target = "@everyone", deny = ["SPEAK"] }]
[[channels]]
name = "Locked"
overwrites = [{ target = "@everyone", deny = ["CONNECT"] }]
[[bots]]
name = "red"
token = "token-red"
roles = ["Relay"]
[[bots]]
name = "blue"
token = "token-blue"
roles = ["Relay"]
[[bots]]
name = "casters"
token = "token-casters"
[[people]]
name = "akari"
display_name = "Akari"
nickname = "RED Akari"
[[people]]
name = "ben"
display_name = "Ben"
[[people]]
name = "chloe"
"""


class SilentConnection:
    """A voice connection that opens at once and carries nothing."""

    def __init__(self, server: VoiceServer, rooms: VoiceRooms) -> None:
        self.dave = DaveGroup(server.user, server.channel, lambda: 0.0)
        self.rooms = rooms

    async def open(self) -> None:
        """Open."""

    async def resume(self) -> None:
        """Resume."""

    async def close(self) -> None:
        """Close."""


class Show:
    """A relay against one simulator, and what a test wants to do with both."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.cast = simulator.cast
        self.guild = simulator.cast.guild.id
        self._news = asyncio.Event()
        self.relay = RelaySession(
            endpoint=Endpoint(simulator.api_base, simulator.gateway_url, simulator.ca_file),
            budget=IdentifyBudget(None, lambda: 0.0),
            clock=self.now,
            random=Random(1),
            on_change=self._news.set,
        )

    def channel(self, name: str) -> str:
        return str(self.cast.channel(name))

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    def spec(
        self,
        *,
        red: str = "Red",
        blue: str = "Blue",
        casters: str = "Casters",
        guild: int = 0,
        delay_s: float = 0.0,
        monitor: bool = False,
    ) -> SessionSpec:
        return SessionSpec(
            guild=str(guild or self.guild),
            sources=(
                SourceSpec(channel=self.channel(red), bot="red", name="Team Red"),
                SourceSpec(channel=self.channel(blue), bot="blue", name="Team Blue"),
            ),
            destinations=(
                DestinationSpec(
                    channel=self.channel(casters), bot="casters", name="Casters", delay_s=delay_s, monitor=monitor
                ),
            ),
        )

    def tokens(self, **changed: str) -> dict[BotKey, Secret]:
        texts = {"red": "token-red", "blue": "token-blue", "casters": "token-casters"} | changed
        return {BotKey(key): Secret(text) for key, text in texts.items()}

    async def start(self) -> None:
        await self.relay.start(self.spec(), self.tokens())

    async def until(self, true: Callable[[SessionState], bool]) -> SessionState:
        """Wait for a state, woken by the relay's own announcements."""
        async with asyncio.timeout(5):
            while not true(self.relay.state()):
                self._news.clear()
                await self._news.wait()
        return self.relay.state()

    def people(self) -> list[tuple[str, str]]:
        names = {str(channel.id): name for name, channel in self.cast.channels.items()}
        return [(talker.name, names[talker.source]) for talker in self.relay.state().talkers]

    def bots_in_voice(self) -> set[str]:
        return {name for name, bot in self.cast.bots.items() if self.world.voice_state(self.guild, bot.id) is not None}

    def assert_nothing_left(self) -> None:
        assert self.relay.state() == SessionState()
        assert self.bots_in_voice() == set()
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert not {name for name in names if name.startswith(("bot-", "supervisor-", "notice-", "voice-", "discord"))}
        assert not {thread.name for thread in threading.enumerate()} & {"mix-clock", "voice-receive"}


@pytest.fixture
async def show(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Show]:
    monkeypatch.setattr("engine.session.line.VoiceConnection", SilentConnection)
    async with Simulator(parse(SCENE), voice_servers=[SilentVoicePlane()]) as simulator:
        running = Show(simulator)
        yield running
        if running.relay.state().phase is not Phase.IDLE:
            await running.relay.stop()
        running.assert_nothing_left()
    Endpoint().apply()


async def test_a_session_starts_shows_itself_and_ends(show: Show):
    await show.start()
    state = show.relay.state()
    assert state.phase is Phase.RUNNING
    assert [(bot.bot, bot.name, bot.role, bot.link, bot.cause) for bot in state.bots] == [
        ("red", "Team Red", Role.SOURCE, LinkState.CONNECTED, None),
        ("blue", "Team Blue", Role.SOURCE, LinkState.CONNECTED, None),
        ("casters", "Casters", Role.DESTINATION, LinkState.CONNECTED, None),
    ]
    flags = {
        name: (voice.self_mute, voice.self_deaf)
        for name, bot in show.cast.bots.items()
        if (voice := show.world.voice_state(show.guild, bot.id))
    }
    assert flags == {"red": (True, False), "blue": (True, False), "casters": (False, True)}
    await show.relay.stop()
    show.assert_nothing_left()


async def test_a_second_start_is_refused_and_disturbs_nothing(show: Show):
    await show.start()
    with pytest.raises(SessionError) as refused:
        await show.start()
    assert refused.value.code is ErrorCode.ALREADY_RUNNING
    assert show.relay.state().phase is Phase.RUNNING
    assert show.bots_in_voice() == {"red", "blue", "casters"}


async def test_a_stop_without_a_session_is_refused(show: Show):
    with pytest.raises(SessionError) as refused:
        await show.relay.stop()
    assert refused.value.code is ErrorCode.NOT_RUNNING


async def test_a_stop_in_the_middle_of_a_start_ends_both(show: Show):
    starting = asyncio.ensure_future(show.start())
    await show.until(lambda state: state.phase is Phase.STARTING)
    await show.relay.stop()
    with pytest.raises(SessionError) as refused:
        await starting
    assert refused.value.code is ErrorCode.NOT_RUNNING
    show.assert_nothing_left()


async def test_a_stop_ends_the_restoring_also_while_nothing_runs(show: Show):
    refused = []
    with pytest.raises(SessionError):
        await show.relay.start(show.spec(red="Stage"), show.tokens(), restore=True)
    with pytest.raises(SessionError):
        await show.relay.stop()
    for _ in range(2):
        with pytest.raises(SessionError) as error:
            await show.relay.start(show.spec(), show.tokens(), restore=True)
        refused.append(error.value.code)
    assert refused == [ErrorCode.NOT_RUNNING] * 2
    await show.start()
    assert show.relay.state().phase is Phase.RUNNING


async def test_a_stop_in_the_middle_of_a_restoring_start_ends_the_restoring(show: Show):
    starting = asyncio.ensure_future(show.relay.start(show.spec(), show.tokens(), restore=True))
    await show.until(lambda state: state.phase is Phase.STARTING)
    await show.relay.stop()
    for start in (starting, show.relay.start(show.spec(), show.tokens(), restore=True)):
        with pytest.raises(SessionError) as refused:
            await start
        assert refused.value.code is ErrorCode.NOT_RUNNING


async def test_it_starts_again_after_it_ended(show: Show):
    await show.start()
    await show.relay.stop()
    await show.start()
    assert show.relay.state().phase is Phase.RUNNING


async def test_the_roster_follows_people(show: Show):
    akari, ben = show.cast.account("akari"), show.cast.account("ben")
    red, blue = show.cast.channel("Red"), show.cast.channel("Blue")
    show.world.join(show.guild, akari, red)
    await show.start()
    assert show.people() == [("RED Akari", "Red")]
    show.world.join(show.guild, ben, blue)
    await show.until(lambda state: len(state.talkers) == 2)
    assert show.people() == [("RED Akari", "Red"), ("Ben", "Blue")]
    show.world.guilds[show.guild].members[akari].nickname = "Captain"
    show.world.join(show.guild, akari, red, self_mute=True)
    await show.until(lambda state: state.talkers[0].name == "Captain")
    show.world.move(show.guild, akari, blue)
    await show.until(lambda state: all(talker.source == show.channel("Blue") for talker in state.talkers))
    show.world.leave(show.guild, ben)
    await show.until(lambda state: len(state.talkers) == 1)
    show.world.move(show.guild, akari, show.cast.channel("Elsewhere"))
    await show.until(lambda state: state.talkers == ())


async def test_a_gain_comes_back_with_the_person(show: Show):
    akari, red = show.cast.account("akari"), show.cast.channel("Red")
    show.world.join(show.guild, akari, red)
    await show.start()
    show.relay.faders.set_talker_gain(str(akari), 0.5)
    show.relay.faders.mute_talker(str(akari), muted=True)
    show.world.leave(show.guild, akari)
    await show.until(lambda state: state.talkers == ())
    with pytest.raises(SessionError) as refused:
        show.relay.faders.set_talker_gain(str(akari), 1.0)
    assert refused.value.code is ErrorCode.TALKER_UNKNOWN
    show.world.join(show.guild, akari, red)
    state = await show.until(lambda state: len(state.talkers) == 1)
    assert state.talkers[0].strip == StripSpec(gain=0.5, muted=True)


BAD: list[tuple[dict[str, str], dict[str, str], ErrorCode]] = [
    ({}, {"red": "nonsense"}, ErrorCode.TOKEN_INVALID),
    ({}, {"red": "token-blue"}, ErrorCode.TOKEN_DUPLICATE),
    ({}, {"red": ""}, ErrorCode.TOKEN_MISSING),
    ({"red": "Stage"}, {}, ErrorCode.CHANNEL_IS_STAGE),
    ({"red": "lobby"}, {}, ErrorCode.CHANNEL_NOT_VOICE),
    ({"red": "Casters"}, {}, ErrorCode.CHANNEL_DUPLICATE),
    ({"red": "Blue"}, {}, ErrorCode.CHANNEL_DUPLICATE),
    ({"red": "Locked"}, {}, ErrorCode.PERMISSION_MISSING),
    ({"casters": "Mute"}, {}, ErrorCode.PERMISSION_MISSING),
    ({"red": "Small"}, {}, ErrorCode.CHANNEL_FULL),
]


@pytest.mark.parametrize(("places", "tokens", "code"), BAD)
async def test_each_mistake_has_its_code_within_five_seconds_and_leaves_nothing(
    show: Show, places: dict[str, str], tokens: dict[str, str], code: ErrorCode
):
    show.world.join(show.guild, show.cast.account("chloe"), show.cast.channel("Small"))
    async with asyncio.timeout(5):
        with pytest.raises(RelayError) as refused:
            await show.relay.start(show.spec(**places), show.tokens(**tokens))
    assert refused.value.code is code
    show.assert_nothing_left()


async def test_an_unknown_guild_and_an_unknown_channel_have_their_codes(show: Show):
    with pytest.raises(RelayError) as refused:
        await show.relay.start(show.spec(guild=1234567890), show.tokens())
    assert refused.value.code is ErrorCode.GUILD_UNKNOWN
    nowhere = SessionSpec(
        guild=str(show.guild),
        sources=(SourceSpec(channel="42", bot="red"),),
        destinations=(DestinationSpec(channel=show.channel("Casters"), bot="casters"),),
    )
    with pytest.raises(RelayError) as refused:
        await show.relay.start(nowhere, show.tokens())
    assert refused.value.code is ErrorCode.CHANNEL_UNKNOWN
    assert refused.value.details == {"bot": "red", "channel": "42"}


async def test_a_channel_that_fills_up_between_look_and_join_is_full_too(show: Show, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.session.running.JOIN_SECONDS", 1.0)
    monkeypatch.setattr("engine.session.running.preflight.check_guild", _then(show, "chloe", "Small"))
    async with asyncio.timeout(5):
        with pytest.raises(RelayError) as refused:
            await show.relay.start(show.spec(red="Small"), show.tokens())
    assert refused.value.code is ErrorCode.CHANNEL_FULL


def _then(show: Show, person: str, channel: str) -> Callable[..., list[RelayError]]:
    """Let a person in right after a check that found nothing."""
    from engine.session.preflight import check_guild  # noqa: PLC0415 - before it is replaced

    def check(*what: object) -> list[RelayError]:
        found = check_guild(*what)
        show.world.join(show.guild, show.cast.account(person), show.cast.channel(channel))
        return found

    return check


async def test_a_kick_is_an_alert_and_one_click_brings_the_bot_back(show: Show):
    await show.start()
    red = show.cast.account("red")
    show.world.kick(show.guild, red)
    state = await show.until(lambda state: state.bots[0].link is LinkState.KICKED)
    assert (state.phase, state.bots[0].cause) == (Phase.DEGRADED, ErrorCode.KICKED)
    assert state.outages[-1].actions[-1] == "stay_out"
    assert show.bots_in_voice() == {"blue", "casters"}
    show.relay.rejoin("red")
    state = await show.until(lambda state: state.bots[0].link is LinkState.CONNECTED)
    assert (state.phase, state.outages[-1].recovered) == (Phase.RUNNING, True)
    assert show.bots_in_voice() == {"red", "blue", "casters"}
    with pytest.raises(SessionError):
        show.relay.rejoin("stranger")


async def test_a_moderators_mute_is_told_and_not_fought(show: Show):
    await show.start()
    casters = show.cast.account("casters")
    show.world.set_flags(show.guild, casters, mute=True)
    state = await show.until(lambda state: state.phase is Phase.DEGRADED)
    assert state.bots[2].cause is ErrorCode.SERVER_MUTED
    show.world.set_flags(show.guild, casters, mute=False)
    await show.until(lambda state: state.phase is Phase.RUNNING)


async def test_a_source_moved_by_an_admin_is_followed_with_its_people(show: Show):
    akari = show.cast.account("akari")
    show.world.join(show.guild, akari, show.cast.channel("Elsewhere"))
    await show.start()
    show.world.move(show.guild, show.cast.account("red"), show.cast.channel("Elsewhere"))
    state = await show.until(lambda state: bool(state.talkers) and state.bots[0].link is LinkState.CONNECTED)
    assert state.bots[0].channel == show.channel("Elsewhere")
    assert [(talker.user, talker.source) for talker in state.talkers] == [(str(akari), show.channel("Red"))]


async def test_a_destination_dragged_to_players_is_silent_and_says_why(show: Show):
    await show.start()
    show.world.move(show.guild, show.cast.account("casters"), show.cast.channel("Red"))
    state = await show.until(lambda state: state.bots[2].cause is ErrorCode.CHANNEL_DUPLICATE)
    assert state.phase is Phase.DEGRADED


async def test_a_revoked_token_stops_one_bot_and_no_other(show: Show):
    await show.start()
    show.simulator.faults.revoke_token(show.cast.account("blue"))
    state = await show.until(lambda state: state.bots[1].link is LinkState.STOPPED)
    assert state.bots[1].cause is ErrorCode.TOKEN_REVOKED
    assert [state.bots[0].link, state.bots[2].link] == [LinkState.CONNECTED] * 2
    # Nobody but Discord can take a bot out of voice whose token says nothing any more.
    show.world.leave(show.guild, show.cast.account("blue"))


async def test_players_can_know(show: Show):
    statuses = asyncio.Event()
    unlisten = show.world.listen(lambda _event: statuses.set())
    await show.start()
    async with asyncio.timeout(5):
        while show.cast.channels["Red"].status != RELAYED or show.cast.channels["Blue"].status != RELAYED:
            statuses.clear()
            await statuses.wait()
    unlisten()
    assert show.cast.channels["Casters"].status == ""
    await show.relay.stop()
    assert {channel.status for channel in show.cast.channels.values()} == {""}


async def test_players_can_know_also_where_the_bot_was_moved_to(show: Show):
    statuses = asyncio.Event()
    unlisten = show.world.listen(lambda _event: statuses.set())
    await show.start()
    show.world.move(show.guild, show.cast.account("red"), show.cast.channel("Elsewhere"))
    async with asyncio.timeout(5):
        while show.cast.channels["Elsewhere"].status != RELAYED:
            statuses.clear()
            await statuses.wait()
    unlisten()


async def test_faders_and_the_match_are_part_of_the_state(show: Show):
    await show.start()
    show.relay.faders.kill(active=True)
    show.relay.set_match(MatchPhase.READY)
    assert (show.relay.state().kill, show.relay.state().match) == (True, MatchPhase.READY)
    show.relay.set_match(MatchPhase.IDLE)
    with pytest.raises(SessionError) as refused:
        show.relay.faders.set_source_gain(show.channel("Casters"), 1.0)
    assert refused.value.code is ErrorCode.CHANNEL_UNKNOWN
    with pytest.raises(SessionError) as refused:
        show.relay.faders.set_route_gain(show.channel("Red"), show.channel("Blue"), 1.0)
    assert refused.value.code is ErrorCode.ROUTE_UNKNOWN
    for gain in (-0.1, 2.1, float("nan")):
        with pytest.raises(SessionError) as refused:
            show.relay.faders.set_source_gain(show.channel("Red"), gain)
        assert refused.value.code is ErrorCode.VALUE_OUT_OF_RANGE


async def test_a_solo_is_in_the_state_and_ends_with_the_visit(show: Show):
    akari, red = show.cast.account("akari"), show.cast.channel("Red")
    show.world.join(show.guild, akari, red)
    await show.relay.start(show.spec(monitor=True), show.tokens())
    show.relay.faders.solo_talker(str(akari), solo=True)
    show.relay.faders.solo_source(show.channel("Blue"), solo=True)
    state = show.relay.state()
    assert state.talkers[0].solo
    assert [source.solo for source in state.sources] == [False, True]
    show.world.leave(show.guild, akari)
    await show.until(lambda state: state.talkers == ())
    show.world.join(show.guild, akari, red)
    state = await show.until(lambda state: state.talkers != ())
    assert not state.talkers[0].solo


async def test_a_destination_becomes_a_monitor_on_air_and_that_is_part_of_the_session(show: Show):
    red, casters = show.channel("Red"), show.channel("Casters")
    await show.start()
    with pytest.raises(SessionError) as refused:
        show.relay.faders.solo_source(red, solo=True)
    assert refused.value.code is ErrorCode.NO_MONITOR
    show.relay.faders.set_destination_monitor(casters, monitor=True)
    show.relay.faders.solo_source(red, solo=True)
    assert show.relay.state().spec == show.spec(monitor=True)
    assert [source.solo for source in show.relay.state().sources] == [True, False]
    show.relay.faders.set_destination_monitor(casters, monitor=False)
    assert show.relay.state().spec == show.spec()
    assert [source.solo for source in show.relay.state().sources] == [False, False]


async def test_a_delayed_destination_says_until_when_it_is_silent(show: Show):
    casters = show.channel("Casters")
    begun = show.now()
    await show.relay.start(show.spec(delay_s=60.0), show.tokens())
    (state,) = show.relay.state().destinations
    assert begun + 60_000 <= state.silent_until_ms <= show.now() + 60_000
    show.relay.faders.set_destination_ducking(casters, 6.0)
    assert show.relay.state().destinations == (state,)
    begun = show.now()
    show.relay.faders.set_destination_delay(casters, 30.0)
    (state,) = show.relay.state().destinations
    assert begun + 30_000 <= state.silent_until_ms <= show.now() + 30_000
    show.relay.faders.set_destination_delay(casters, 0.0)
    assert show.relay.state().destinations[0].silent_until_ms is None


@pytest.mark.parametrize(("delay_s", "known"), [(30.0, True), (0.0, False)])
async def test_who_left_is_mixed_and_can_be_dumped_as_long_as_a_delay_line_may_hold_them(
    show: Show, delay_s: float, known: bool
):
    akari, red = show.cast.account("akari"), show.cast.channel("Red")
    show.world.join(show.guild, akari, red)
    await show.relay.start(show.spec(delay_s=delay_s), show.tokens())
    show.world.leave(show.guild, akari)
    await show.until(lambda state: state.talkers == ())
    with nullcontext() if known else pytest.raises(SessionError):
        show.relay.faders.dump_talker(str(akari))
    with pytest.raises(SessionError):
        show.relay.faders.mute_talker(str(akari), muted=True)
    assert show.relay.meters().talkers == ()


async def test_the_strips_a_session_starts_with_are_in_force(show: Show):
    akari = show.cast.account("akari")
    strip = StripSpec(gain=0.5, suppression=Suppression.STANDARD, levelling=False)
    show.world.join(show.guild, akari, show.cast.channel("Red"))
    await show.relay.start(show.spec(), show.tokens(), {str(akari): strip})
    assert show.relay.state().talkers[0].strip == strip
    await show.relay.stop()
    await show.start()
    assert show.relay.state().talkers[0].strip == strip
    await show.relay.stop()
    await show.relay.start(show.spec(), show.tokens(), {str(akari): StripSpec()})
    assert show.relay.state().talkers[0].strip == StripSpec()


async def test_a_full_memory_never_forgets_who_came_before_who_is_away(show: Show):
    akari, ben, red = show.cast.account("akari"), show.cast.account("ben"), show.cast.channel("Red")
    muted = StripSpec(muted=True)
    strips = {str(akari): muted, **{str(user): muted for user in range(1, MOST_STRIPS)}}
    await show.relay.start(show.spec(), show.tokens(), strips)
    for person in (akari, ben):
        show.world.join(show.guild, person, red)
    await show.until(lambda state: len(state.talkers) == 2)
    show.relay.faders.mute_talker(str(ben), muted=True)
    assert [talker.strip for talker in show.relay.state().talkers] == [muted, muted]


async def test_it_ticks_as_the_session_says(show: Show, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(show.relay, "_make_mixing", lambda tick_ms: asked.append(tick_ms) or Mixing(tick_ms))
    await show.relay.start(structs.replace(show.spec(), tick_ms=10), show.tokens())
    assert asked == [10]
    assert show.relay.state().spec.tick_ms == 10


async def test_the_kill_switch_is_logged(show: Show, caplog: pytest.LogCaptureFixture):
    await show.relay.start(show.spec(), show.tokens(), kill=True)
    show.relay.faders.kill(active=False)
    show.relay.faders.kill(active=True)
    told = [record.getMessage() for record in caplog.records if "kill switch" in record.getMessage()]
    assert [text.partition(":")[0] for text in told] == [
        "started with the kill switch on",
        "kill switch off",
        "kill switch on",
    ]


class Noting(Mixing):
    """Notes whether each settings silence everything, and something else at that moment."""

    def __init__(self, noted: list[tuple[bool, int]], note: Callable[[], int]) -> None:
        super().__init__()
        self._noted, self._note = noted, note

    def apply(self, settings: MixSettings) -> None:
        """Note, then mix by them."""
        self._noted.append((settings.kill, self._note()))
        super().apply(settings)


@pytest.fixture
def noted(show: Show, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int]]:
    """Whether everything was silenced by settings, and how many bots were in voice then."""
    found: list[tuple[bool, int]] = []
    monkeypatch.setattr(show.relay, "_make_mixing", lambda _tick_ms: Noting(found, lambda: len(show.bots_in_voice())))
    return found


async def test_a_kill_in_the_middle_of_a_start_holds_from_the_first_sample_on(
    show: Show, noted: list[tuple[bool, int]]
):
    starting = asyncio.ensure_future(show.relay.start(show.spec(delay_s=30.0), show.tokens()))
    await show.until(lambda state: state.phase is Phase.STARTING)
    show.relay.faders.kill(active=True)
    assert show.relay.state().kill
    assert [each.silent_until_ms for each in show.relay.state().destinations] == [None]  # no line fills yet
    await starting
    assert show.relay.state().kill
    assert {kill for kill, _ in noted} == {True}


async def test_a_start_with_kill_can_be_opened_before_it_is_on_air(show: Show, noted: list[tuple[bool, int]]):
    starting = asyncio.ensure_future(show.relay.start(show.spec(), show.tokens(), kill=True))
    await show.until(lambda state: state.phase is Phase.STARTING)
    show.relay.faders.kill(active=False)
    await starting
    assert not show.relay.state().kill
    assert {kill for kill, _ in noted} == {False}


@pytest.mark.parametrize("active", [True, False])
async def test_a_stop_silences_before_any_bot_leaves_and_stays_silent(
    show: Show, noted: list[tuple[bool, int]], active: bool
):
    await show.start()
    stopping = asyncio.ensure_future(show.relay.stop())
    await show.until(lambda state: state.phase is Phase.STOPPING)
    show.relay.faders.kill(active=active)
    assert show.relay.state().kill is active
    await stopping
    assert noted[-1] == (True, 3)
    assert [kill for kill, _ in noted].count(True) == 1


async def test_no_fader_but_kill_moves_before_a_session_is_on_air(show: Show):
    starting = asyncio.ensure_future(show.start())
    await show.until(lambda state: state.phase is Phase.STARTING)
    with pytest.raises(SessionError) as refused:
        show.relay.faders.set_loudness(-23.0)
    assert refused.value.code is ErrorCode.NOT_RUNNING
    await starting


async def test_no_fader_moves_without_a_session(show: Show):
    for move in (
        lambda: show.relay.faders.set_talker_gain("1", 1.0),
        lambda: show.relay.faders.mute_source("1", muted=True),
        lambda: show.relay.faders.kill(active=True),
        lambda: show.relay.rejoin("red"),
    ):
        with pytest.raises(SessionError) as refused:
            move()
        assert refused.value.code is ErrorCode.NOT_RUNNING
