"""People come, go and move for 200 000 ticks: what memory does, and whether anything is kept of who is absent.

The whole relay on the simulated Discord in one process, with real sockets, discord.py, davey and Opus. Only time is
turned by hand, so that 67 minutes of show pass as fast as the machine can mix them.
"""

# ruff: noqa: SLF001 - what is kept inside is what this looks at

import asyncio
import gc
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random

import psutil

from benchmarks.metric import Metric
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec, TickMs
from common.secret import Secret
from common.types import BotKey, ChannelId, Nanoseconds, UserId
from engine.audio.clock import MixClock, Ticker
from engine.audio.frame import FRAME_NS
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.session.mixing import Mixing
from engine.session.relay import RelaySession
from engine.session.running import Running
from simulator import clips
from simulator.gateway import GatewaySettings
from simulator.people import Script, Voice
from simulator.scene import parse
from simulator.server import Simulator
from simulator.voice_gateway import Session as VoiceSession

TICKS = 200_000
TICKS_PER_CHANGE = 200
POOL = 300
FEWEST, MOST = 5, 9
"""People in voice at a time; each talks a third of the time."""

QUARTERS = 4
REPLAYED = 200
"""What the simulated gateway keeps for a resume is full within the first quarter, so as not to look like a leak."""

SCENE = """
seed = 17
[guild]
name = "Cup"
[[channels]]
name = "Red"
[[channels]]
name = "Blue"
[[channels]]
name = "Lounge"
[[channels]]
name = "Casters"
[[bots]]
name = "red"
token = "invented-token-red"
[[bots]]
name = "blue"
token = "invented-token-blue"
[[bots]]
name = "casters"
token = "invented-token-casters"
[[people]]
name = "caster"
channel = "Casters"
"""
PLACES = {"red": "Red", "blue": "Blue", "casters": "Casters"}
SOURCES = ("red", "blue")


class HandTime:
    """Nanoseconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = time.perf_counter_ns()

    def __call__(self) -> int:
        """Read it."""
        return self.now


class HandClock(MixClock):
    """A mix clock without a thread; ``beat`` ticks once, at ``due``."""

    def __init__(self, ticker: Ticker, begin: int) -> None:
        super().__init__(ticker)
        self.due = begin

    def start(self) -> None:
        """Begin nothing: whoever holds the clock beats it."""

    def stop(self) -> None:
        """End nothing."""

    def beat(self) -> None:
        """Make a frame; an exception of the audio path is the caller's to see."""
        self._ticker.tick(Nanoseconds(self.due))
        self.due += FRAME_NS + self._ticker.steer(Nanoseconds(self.due))


class Churn:
    """A relay on a simulated Discord, and the people who come and go there."""

    def __init__(self, discord: Simulator, session: RelaySession, moment: HandTime, seed: int) -> None:
        self.discord = discord
        self.session = session
        self.changes = 0
        self.clock: HandClock | None = None
        self._time = moment
        self._chance = Random(seed)
        cast, world = discord.cast, discord.world
        self.channels = {name: cast.channel(name) for name in ("Red", "Blue", "Lounge")}
        accounts = [world.add_account(f"player-{number}") for number in range(POOL)]
        for account in accounts:
            world.add_member(cast.guild.id, account.id, nickname=f"Nick {account.name}")
        self._absent = [account.id for account in accounts]
        self.present: dict[UserId, ChannelId] = {}

    def make_mixing(self, tick_ms: TickMs) -> Mixing:
        """Return a mixing that goes by our time."""

        def make_clock(ticker: Ticker, _tick_ms: int) -> HandClock:
            self.clock = HandClock(ticker, self._time.now)
            return self.clock

        return Mixing(tick_ms, now=self._time, make_clock=make_clock)

    async def start(self) -> None:
        """Let bots and first people in."""
        cast = self.discord.cast
        spec = SessionSpec(
            guild=str(cast.guild.id),
            sources=tuple(SourceSpec(channel=str(cast.channel(PLACES[bot])), bot=bot) for bot in SOURCES),
            destinations=(DestinationSpec(channel=str(cast.channel("Casters")), bot="casters"),),
        )
        await self.session.start(spec, {BotKey(bot): Secret(f"invented-token-{bot}") for bot in PLACES})
        caster = self._caster.person
        if caster is not None:
            caster.listens = True
        while len(self.present) < FEWEST:
            self._come()

    async def play(self, ticks: int) -> None:
        """Let so many ticks pass, with somebody coming, going or moving every now and then."""
        for number in range(ticks):
            if number % TICKS_PER_CHANGE == 0:
                self.change()
            await self.tick()

    async def tick(self) -> None:
        """Let 20 ms pass: people speak, their datagrams arrive, one frame is mixed."""
        if self.clock is None:
            raise RuntimeError("not started")
        self._time.now = max(self._time.now, self.clock.due)
        self.discord.people.advance(self._time.now)
        await asyncio.sleep(0)
        self._let_arrive()
        self.clock.beat()
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let whatever is under way for those who came and went be carried out."""
        for _ in range(100):
            await self.tick()
            await asyncio.sleep(0.01)

    def change(self) -> None:
        """Have somebody come, go or move; some of those who are there get a gain of their own."""
        self.changes += 1
        count = len(self.present)
        fitting = [self._go, self._move] * (count > FEWEST) + [self._come, self._move] * (count < MOST)
        self._chance.choice(fitting)()
        talkers = self.session.state().talkers
        if talkers:
            self.session.faders.set_talker_gain(self._chance.choice(talkers).user, self._chance.choice((0.5, 1.0, 1.5)))

    def _come(self) -> None:
        user = self._absent.pop(self._chance.randrange(len(self._absent)))
        channel = self._chance.choice(list(self.channels.values()))
        begin = self._chance.uniform(0.0, 8.0)
        script = Script(
            clip=self._chance.choice(clips.names()),
            talks=((begin, begin + 4.0),),
            period=12.0,
            plain_share=0.05,
            empty_share=0.05,
            late_speaking=self._chance.random() < 0.2,  # noqa: PLR2004 - a share
        )
        self.discord.people.add(self.discord.cast.guild.id, user, script, channel)
        self.present[user] = channel

    def _go(self) -> None:
        user = self._chance.choice(list(self.present))
        self.discord.people.remove(user)
        del self.present[user]
        self._absent.append(user)

    def _move(self) -> None:
        user = self._chance.choice(list(self.present))
        self.present[user] = self._chance.choice([to for to in self.channels.values() if to != self.present[user]])
        self.discord.world.move(self.discord.cast.guild.id, user, self.present[user])

    def empty(self) -> None:
        """Send everybody away."""
        while self.present:
            self._go()

    def _let_arrive(self) -> None:
        """Give the receive thread time until it has what was sent, at most a few ms: UDP may lose something."""
        for _ in range(50):
            if self.received >= self.forwarded:
                return
            time.sleep(5e-5)

    # what was seen

    @property
    def forwarded(self) -> int:
        """Datagrams with audio that the simulator sent to the bots."""
        return sum(
            end._forwarded
            for server in self.discord.real_voice_servers
            for end in server._inside.values()
            if isinstance(end, VoiceSession)
        )

    @property
    def received(self) -> int:
        """Datagrams with audio that the engine took in."""
        return sum(seat.line.counts().get("received", 0) for seat in self.running.seats.values())

    @property
    def heard(self) -> int:
        """Packets with sound that came to the person in the destination."""
        caster = self._caster.person
        return 0 if caster is None else sum(caster.heard.values())

    @property
    def running(self) -> Running:
        """The inside of the running session."""
        running = self.session._running
        if running is None:
            raise RuntimeError("not started")
        return running

    @property
    def _caster(self) -> Voice:
        return self.discord.people.voices[self.discord.cast.people["caster"].id]

    # what is kept

    def kept(self) -> Iterator[tuple[str, set[UserId]]]:
        """Give every map that holds people, by name, with the people it holds."""
        yield from self._kept_by_session()
        for bot in SOURCES:
            yield from self._kept_by_bot(bot)
        yield from self._kept_by_simulator()

    def kept_of_absent(self) -> dict[str, set[UserId]]:
        """Return what is kept of people who are not in voice; empty when all is well."""
        absent = set(self._absent)
        return {name: users & absent for name, users in self.kept() if users & absent}

    def talkers_differ(self) -> set[UserId]:
        """Return who is a talker without being in a source channel, or the other way round."""
        sources = {self.channels[PLACES[bot]] for bot in SOURCES}
        wanted = {user for user, channel in self.present.items() if channel in sources}
        return wanted ^ {UserId(int(talker.user)) for talker in self.session.state().talkers}

    def _kept_by_session(self) -> Iterator[tuple[str, set[UserId]]]:
        running = self.running
        yield "roster", {talker.user for talker in running.roster.talkers()}
        mixing = running._mixing
        if mixing is None:
            return
        pipeline = mixing._pipeline
        live = pipeline._live
        yield "jitter buffers", set(live.jitter.talkers)
        yield "decoders", set(live._decoders.talkers)
        yield "slots", set(live.places)
        yield "talkers that are read", set(pipeline._users)
        yield "meters", set(mixing.read_meters().talkers)

    def _kept_by_bot(self, bot: str) -> Iterator[tuple[str, set[UserId]]]:
        seat = self.running.seat(bot)
        guild = seat.bot.client.get_guild(self.discord.cast.guild.id)
        connection = seat.line._connection
        if guild is None or connection is None:
            return
        yield f"{bot}: discord.py members", {UserId(member.id) for member in guild.members}
        yield f"{bot}: discord.py voice states", {UserId(user) for user in guild._voice_states}
        yield f"{bot}: SSRCs", set(connection._ssrcs._users.values())
        dave = connection.dave._session
        yield f"{bot}: DAVE group", {UserId(int(user)) for user in (dave.get_user_ids() if dave else [])}

    def _kept_by_simulator(self) -> Iterator[tuple[str, set[UserId]]]:
        discord = self.discord
        yield "world: voice states", set(discord.cast.guild.voice_states)
        yield "people", {*discord.people.voices, *discord.people._guilds}
        yield "calls", {user for _, user in discord.calls._where}
        for server in discord.real_voice_servers:
            yield "voice server", {*server._admitted, *server._inside, *server._local_end}
            for room in server.rooms.values():
                yield "room", set(room.participants)
                yield "call's group", {*room.dave.members, *room.dave._present, *room.dave._packages}
                waiting = [transition.waiting for transition in room.dave._transitions.values()]
                yield "call's transitions", {user for users in waiting for user in users}


@asynccontextmanager
async def churn(seed: int = 1) -> AsyncIterator[Churn]:
    """Begin a show in which people come and go; ``play`` lets time pass."""
    moment = HandTime()
    async with Simulator(parse(SCENE), gateway=GatewaySettings(replay_limit=REPLAYED), media_clock=moment) as discord:
        session = RelaySession(
            endpoint=Endpoint(discord.api_base, discord.gateway_url, discord.ca_file),
            budget=IdentifyBudget(None, time.time),
            clock=lambda: time.time_ns() // 1_000_000,
            random=Random(seed),
            on_change=lambda: None,
            make_mixing=lambda tick_ms: show.make_mixing(tick_ms),  # noqa: PLW0108 - the show is made after the session
        )
        show = Churn(discord, session, moment, seed)
        await show.start()
        try:
            yield show
        finally:
            await session.stop()


def resident_mb() -> float:
    """Return the process's resident memory in MB, after the garbage was collected."""
    gc.collect()
    return float(psutil.Process().memory_info().rss / 1e6)


async def measure(ticks: int, seed: int = 1) -> list[Metric]:
    """Play ``ticks`` in four quarters and return the figures."""
    async with churn(seed) as show:
        resident: list[float] = []
        began, kept, differ = time.perf_counter(), Counter[str](), 0
        for _ in range(QUARTERS):
            await show.play(ticks // QUARTERS)
            await show.settle()
            kept.update({name: len(users) for name, users in show.kept_of_absent().items()})
            differ += len(show.talkers_differ())
            resident.append(resident_mb())
        seconds = time.perf_counter() - began
        return [
            Metric("ticks", ticks, "ticks"),
            Metric("ticks_per_second", ticks / seconds, "ticks/s"),
            Metric("faster_than_real", ticks / 50 / seconds, "×"),
            Metric("changes", show.changes, "joins, leaves and moves"),
            Metric("packets_received", show.received, "packets"),
            Metric("packets_heard", show.heard, "packets"),
            *(Metric(f"resident_quarter_{number}", size, "MB") for number, size in enumerate(resident, 1)),
            Metric("resident_ratio", resident[-1] / resident[0], "×"),
            Metric("kept_of_absent", kept.total() + differ, "entries"),
        ]


def run() -> list[Metric]:
    """Measure the whole."""
    return asyncio.run(measure(TICKS))
