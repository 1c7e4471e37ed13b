"""A small show on the simulator with the relay's own classes in the same loop, and the time in which nothing is heard.

Real sockets, real discord.py, davey and Opus. Two sources with two people each who never stop, a destination with
ears; each of the three has a second room, where its bot is taken when somebody moves it.
"""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from itertools import accumulate, pairwise
from random import Random

import pytest

from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import LinkState, Phase
from common.secret import Secret
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.session.relay import RelaySession
from simulator.opus import FRAME, SAMPLE_RATE
from simulator.scene import parse
from simulator.server import Simulator
from simulator.transport import SILENCE

LOOK_SECONDS = 0.02
SILENT_SECONDS = 0.2
"""What is shorter is no silence: packets come every 20 ms, and two cores carry everything."""

PLACES = {"red": "Red", "blue": "Blue", "casters": "Casters"}
SECOND_ROOMS = {"red": "Red 2", "blue": "Blue 2", "casters": "Casters 2"}
SOURCES = ("red", "blue")

_TALKERS = {"en_1": "Red", "ja_1": "Red", "en_2": "Blue", "ja_2": "Blue", "en_3": "Red 2", "ja_3": "Blue 2"}
_LISTENERS = {"caster": "Casters", "caster-2": "Casters 2"}


def scene(talkers=None):
    """Write the show down; talkers are named after their clips. The guest is in no channel, yet."""
    everybody = _TALKERS if talkers is None else talkers
    lines = ["seed = 11", '[guild]\nname = "Cup"']
    lines += [f'[[channels]]\nname = "{name}"' for name in (*PLACES.values(), *SECOND_ROOMS.values())]
    lines += [f'[[bots]]\nname = "{bot}"\ntoken = "invented-token-{bot}"' for bot in PLACES]
    lines += [f'[[people]]\nname = "{name}"\n{_talk(name)}channel = "{room}"' for name, room in everybody.items()]
    lines += [f'[[people]]\nname = "{name}"\nlistens = true\nchannel = "{room}"' for name, room in _LISTENERS.items()]
    lines += [f'[[people]]\nname = "guest"\n{_talk("en_4")}']
    return parse("\n".join(lines))


def _talk(clip):
    return f'clip = "{clip}"\ntalks = [[0.0, 30.0]]\n'


class Silence:
    """When nothing of a source reached any ears: it was not mixed, or nothing arrived there."""

    def __init__(self):
        self._began = self._ended = None
        self._lasts = False

    def see(self, now, alive):
        """Take in when the source was heard last."""
        lasted, self._lasts = self._lasts, now - alive > SILENT_SECONDS
        if self._lasts and self._began is None:
            self._began = alive
        if self._lasts or lasted:
            self._ended = now

    @property
    def lasted(self):
        """Seconds from the beginning of the first silence to the end of the last; 0.0 without any."""
        return 0.0 if self._began is None else self._ended - self._began


class OnAir:
    """The simulator, the session, and what the ears heard so far."""

    def __init__(self, discord, session, clock):
        self.discord = discord
        self.session = session
        self.cast = discord.cast
        self.faults = discord.faults
        self._clock = clock
        self._looked = asyncio.Condition()
        self._mixed = {}
        self._last_mixed = {}
        self._last_heard = time.monotonic()
        self._taken = Counter()
        self._alive = dict.fromkeys(SOURCES, time.monotonic())
        self._ssrcs = {}
        self.mark()

    # names

    def user(self, bot):
        return self.cast.bots[bot].id

    def home(self, bot):
        return self.cast.channel(PLACES[bot])

    def second_room(self, bot):
        return self.cast.channel(SECOND_ROOMS[bot])

    def place(self, bot):
        """Where the simulated Discord says the bot is."""
        state = self.discord.world.voice_state(self.cast.guild.id, self.user(bot))
        return None if state is None else state.channel_id

    def state(self, bot):
        return next(state for state in self.session.state().bots if state.bot == bot)

    def room(self, channel):
        return next(server.rooms[channel] for server in self.discord.real_voice_servers if channel in server.rooms)

    # listening

    async def listen(self):
        """Look at the counters for ever."""
        while True:
            self._look(time.monotonic())
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, now):
        meters = self.session.meters()
        if meters is None:
            return
        for source in meters.sources:
            if source.mixed != self._mixed.get(source.source):
                self._mixed[source.source], self._last_mixed[source.source] = source.mixed, now
        if self._hear(now):
            self._last_heard = now
        for bot in SOURCES:
            self._alive[bot] = min(self._last_mixed.get(str(self.home(bot)), 0.0), self._last_heard)
            self._silences[bot].see(now, self._alive[bot])

    def _hear(self, now):
        sound = False
        for key, packets in self._tracks():
            new = packets[self._taken[key] :]
            self._taken[key] += len(new)
            if any(packet.opus != SILENCE for packet in new):
                sound, self._ssrcs[key] = True, now
        return sound

    def _tracks(self):
        """Give what each ears heard of the destination's bot, by ears and SSRC; a guest may talk there, too."""
        for name, ears in self.discord.show.ears.items():
            for ssrc, track in ears.tracks.items():
                if track.user == self.user("casters"):
                    yield (name, ssrc), track.packets

    def mark(self):
        """Forget the silences so far; return the moment in the session's clock."""
        self._silences = {bot: Silence() for bot in SOURCES}
        return self._clock()

    def silent(self, source):
        return self._silences[source].lasted

    @property
    def gap(self):
        """The longest silence of any source since the mark, in seconds."""
        return max(self.silent(source) for source in SOURCES)

    async def until(self, true, seconds=10.0):
        """Wait until ``true()``; TimeoutError when it does not come to that."""
        async with asyncio.timeout(seconds), self._looked:
            await self._looked.wait_for(true)

    async def until_heard(self, sources=SOURCES, steady=0.5, seconds=10.0):
        """Wait until the sources have been heard for a while."""
        since = time.monotonic()

        def heard():
            nonlocal since
            now = time.monotonic()
            if any(now - self._alive[source] > SILENT_SECONDS / 2 for source in sources):
                since = now
            return now - since >= steady

        await self.until(heard, seconds)

    async def outage(self, bot, since):
        """Wait until an outage of the bot that began after ``since`` is over, and return it."""
        await self.until(lambda: any(found.duration_ms is not None for found in self.outages(bot, since)))
        return self.outages(bot, since)[-1]

    def outages(self, bot, since):
        return [found for found in self.session.state().outages if found.bot == bot and found.started_ms >= since]

    # what must hold afterwards

    def check_nothing_doubled(self):
        """Each bot is once in one call, the one of its place, and the ears hear one sender."""
        for bot in PLACES:
            calls = [
                channel
                for server in self.discord.real_voice_servers
                for channel, room in server.rooms.items()
                if self.user(bot) in room.participants
            ]
            assert calls == [self.place(bot)], bot
            assert self.state(bot).link is LinkState.CONNECTED
            assert self.state(bot).channel == str(self.place(bot))
        now = time.monotonic()
        assert len([moment for moment in self._ssrcs.values() if now - moment < SILENT_SECONDS]) == 1

    def check_time_went_on(self):
        """The destination's RTP time went with real time, over all of its connections.

        The earliest of each half second counts, since packets may come late. A connection that is hung up ends with
        five silence frames at once, which is 0.1 s.
        """
        packets = sorted((packet for _, track in self._tracks() for packet in track), key=lambda packet: packet.arrival)
        steps = [(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in pairwise(packets)]
        assert all(FRAME <= step < 1 << 31 for step in steps)
        ahead = [
            rtp / SAMPLE_RATE - packet.arrival / 1e9
            for rtp, packet in zip(accumulate(steps, initial=0), packets, strict=True)
        ]
        earliest = [max(ahead[start : start + 25]) for start in range(0, len(ahead) - 24, 25)]
        assert len(earliest) > 1
        assert all(-0.1 < after - before < 0.3 for before, after in pairwise(earliest))


@asynccontextmanager
async def _on_air(*, talkers=None, heard=SOURCES, **settings):
    async with Simulator(scene(talkers), **settings) as discord, asyncio.TaskGroup() as group:

        def clock():
            return time.time_ns() // 1_000_000

        session = RelaySession(
            endpoint=Endpoint(discord.api_base, discord.gateway_url, discord.ca_file),
            budget=IdentifyBudget(None, time.time),
            clock=clock,
            random=Random(11),
            on_change=lambda: None,
        )
        cast = discord.cast
        places = {bot: str(cast.channel(place)) for bot, place in PLACES.items()}
        spec = SessionSpec(
            guild=str(cast.guild.id),
            sources=tuple(SourceSpec(channel=places[bot], bot=bot) for bot in SOURCES),
            destinations=(DestinationSpec(channel=places["casters"], bot="casters"),),
        )
        await session.start(spec, {bot: Secret(f"invented-token-{bot}") for bot in PLACES})
        on_air = OnAir(discord, session, clock)
        listening = group.create_task(on_air.listen())
        try:
            await on_air.until_heard(heard, steady=1.0)
            yield on_air
        finally:
            listening.cancel()
            if session.state().phase is not Phase.IDLE:
                await session.stop()


@pytest.fixture
def on_air():
    """Return the show as an async context manager: ``talkers`` by clip and room; the rest goes to the simulator."""
    return _on_air
