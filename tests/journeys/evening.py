"""A show for the journeys at the desk: the simulated Discord, an engine process of its own, and its clients.

Two small teams, casters, and a stream whose ears may hear another mix.
"""

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest

from common.errors import RelayError
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Meters, StartSession, SubscribeMeters
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec, StripSpec
from common.secret import Secret
from simulator import clips
from simulator.listening import Recording, match
from simulator.opus import samples
from simulator.transport import SILENCE
from tests.journeys.tones import LOUD, NS, WINDOW, amplitude, decoded, on_time, settles

SCENE = """
seed = 4
[guild]
name = "Cup"
[[channels]]
name = "Red"
[[channels]]
name = "Blue"
[[channels]]
name = "Casters"
[[channels]]
name = "Stream"
[[bots]]
name = "red"
token = "invented-token-red"
[[bots]]
name = "blue"
token = "invented-token-blue"
[[bots]]
name = "casters"
token = "invented-token-casters"
[[bots]]
name = "stream"
token = "invented-token-stream"
[[people]]
name = "akari"
channel = "Red"
clip = "en_1"
[[people]]
name = "ben"
channel = "Blue"
clip = "en_1"
[[people]]
name = "chie"
channel = "Blue"
clip = "ja_1"
[[people]]
name = "caster"
listens = true
channel = "Casters"
[[people]]
name = "director"
listens = true
channel = "Stream"
"""
TOKEN = Secret("a-control-token")
BOTS = {bot: Secret(f"invented-token-{bot}") for bot in ("red", "blue", "casters", "stream")}
BOT_OF = {"Red": "red", "Blue": "blue", "Casters": "casters", "Stream": "stream"}
EARS_IN = {"Casters": "caster", "Stream": "director"}
TEAM_OF = {"akari": "Red", "ben": "Blue", "chie": "Blue"}
PEOPLE = tuple(TEAM_OF)
TONES = AKARI_HZ, BEN_HZ, _ = 400, 1_000, 2_400
FOR_EVER = 1e6
UNTOUCHED = StripSpec(levelling=False)


class Show:
    """The simulated Discord and an engine's first client."""

    def __init__(self, discord, address, client):
        self.discord = discord
        self.cast = discord.cast
        self.people = discord.people
        self.client = client
        self._address = address
        self._began = self.now()

    # who and where

    def user(self, name):
        return str(self.cast.people[name].id)

    def channel(self, name):
        return str(self.cast.channel(name))

    def talker(self, name):
        return next(talker for talker in self.client.state.talkers if talker.user == self.user(name))

    # the desk

    def spec(self, *destinations, **settings):
        """Make a session of both teams and of destinations by name, with what is special about each."""
        places = tuple(destinations) or (("Casters", {}),)
        return SessionSpec(
            guild=str(self.cast.guild.id),
            sources=tuple(SourceSpec(channel=self.channel(name), bot=BOT_OF[name]) for name in ("Red", "Blue")),
            destinations=tuple(
                DestinationSpec(channel=self.channel(name), bot=BOT_OF[name], **special) for name, special in places
            ),
            **settings,
        )

    async def start(self, *destinations, strip=UNTOUCHED, **settings):
        """Start a session in which everybody has that strip."""
        spec = self.spec(*destinations, **settings)
        strips = {self.user(name): strip for name in PEOPLE}
        await self.client.call(StartSession(spec=spec, strips=strips))
        await self.settled()
        return spec

    async def settled(self):
        """Wait until everybody is a member of their call's encryption group."""
        servers = self.discord.real_voice_servers
        ears = self.discord.show.ears.values()

        def holds():
            rooms = [room for server in servers for room in server.rooms.values()]
            return all(room.dave.members == set(room.participants) for room in rooms) and all(
                each._dave.ready for each in ears if len(self.cast.guild.occupants(each.channel)) > 1
            )

        await self.until(holds)

    async def join(self):
        return await ControlClient.connect(self._address, TOKEN, client="another")

    async def do(self, *commands):
        for command in commands:
            await self.client.call(command)

    async def refused(self, command):
        """Return the code that a command is refused with."""
        with pytest.raises(RelayError) as refused:
            await self.client.call(command)
        return refused.value.code

    async def meters(self, holds, seconds=10.0):
        """Return all meters up to the first that hold."""
        found = []
        await self.client.call(SubscribeMeters(active=True))
        async with asyncio.timeout(seconds):
            with self.client.events() as events:
                async for event in events:
                    if isinstance(event, Meters):
                        found.append(event)
                        if holds(event):
                            break
        await self.client.call(SubscribeMeters(active=False))
        return found

    async def until(self, holds, seconds=10.0):
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - many different things are waited for
                await asyncio.sleep(0.005)

    def tidy(self):
        """Have everybody where they were, silent, with nothing but their clip to say."""
        for name in PEOPLE:
            self.hush(name)
            self.give_voice(name, clips.packets(self._voice(name).script.clip))
            if self.cast.people[name].id not in self.cast.guild.voice_states:
                self._join(name)

    # people

    def now(self):
        return time.perf_counter_ns()

    def give_voice(self, name, packets):
        self._voice(name)._packets = packets

    def talk(self, name, seconds=FOR_EVER):
        """Let somebody begin to talk, from the beginning of what they have to say."""
        voice = self._voice(name)
        voice.script = replace(voice.script, talks=((0.0, seconds),), period=FOR_EVER)
        voice.begin(self.now())

    def hush(self, name):
        voice = self._voice(name)
        voice.script = replace(voice.script, talks=())

    async def say(self, seconds, *names):
        """Let people say something at the same time; return their utterances when they have."""
        began = self.now()
        for name in names:
            self.talk(name, seconds)

        def said():
            return [each for each in self.people.utterances if each.start >= began]

        await self.until(lambda: len(said()) == len(names))
        by_user = {each.user: each for each in said()}
        return [by_user[self.cast.people[name].id] for name in names]

    async def leaves(self, name):
        """Let somebody leave, and the desk notice."""
        self.discord.world.leave(self.cast.guild.id, self.cast.people[name].id)
        await self.until(lambda: not self._is_seen(name))

    async def returns(self, name):
        """Let somebody who left come back, and the desk notice."""
        self._join(name)
        await self.until(lambda: self._is_seen(name))

    def _is_seen(self, name):
        return self.user(name) in {talker.user for talker in self.client.state.talkers}

    def _join(self, name):
        self.discord.world.join(self.cast.guild.id, self.cast.people[name].id, self.cast.channel(TEAM_OF[name]))

    def _voice(self, name):
        return self.people.voices[self.cast.people[name].id]

    # ears

    def packets(self, place, since=0):
        """Return what the bot of a place was heard saying in this show, silence frames left out."""
        since = max(since, self._began)
        bot = self.cast.bots[BOT_OF[place]].id
        tracks = [
            track.packets
            for track in self.discord.show.ears[EARS_IN[place]].tracks.values()
            if track.user == bot and track.packets
        ]
        latest = max(tracks, key=lambda packets: packets[-1].arrival, default=[])
        return [packet for packet in latest if packet.arrival >= since and packet.opus != SILENCE]

    async def first(self, place, since):
        """Wait for the first packet that comes after a moment, and return it."""
        await self.until(lambda: self.packets(place, since))
        return self.packets(place, since)[0]

    async def sound(self, place):
        """Return the sound of a place as the desk stands now."""
        since = self.now()

        def enough():
            return sum(samples(packet.opus) for packet in self.packets(place, since)) >= 2 * WINDOW

        await self.until(enough)
        return decoded(self.packets(place, since))[WINDOW : 2 * WINDOW]

    async def levels(self, place, *hertz):
        """Return how loud tones are at a place, left and right, shape (tones, 2)."""
        sound = await self.sound(place)
        return np.array([amplitude(sound, hz) for hz in hertz])

    async def mix(self, place, akari, ben):
        """See that Akari's and Ben's tones are so loud at a place, given as shares of how loud they are said."""

        async def shares():
            return (await self.levels(place, AKARI_HZ, BEN_HZ)).max(axis=1) / LOUD

        await settles(shares, (akari, ben), rel=0.1, abs=0.01)

    async def quiet(self, place, seconds=0.3):
        """Wait until nothing has been heard at a place for a while."""
        await self.until(lambda: not self.packets(place, self.now() - int(seconds * NS)))

    def energy(self, place, start, end):
        """Return the energy that came between two moments."""
        all_packets = self.packets(place)
        heard = [packet for packet in all_packets if start <= packet.arrival < end]
        return float(np.sum(np.square(decoded(heard)))) if heard else 0.0

    def match(self, utterance, place, delay_s=0.0):
        shifted = replace(utterance, start=utterance.start + int(delay_s * NS))
        return match(shifted, Recording(on_time(self.packets(place))))


@asynccontextmanager
async def engine(place):
    """Start an engine process; yield where it listens."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "engine", stdin=pipe, stdout=pipe)
    try:
        given = Bootstrap(
            address="tcp:0",
            token=TOKEN,
            bots=BOTS,
            api_base=place.api_base,
            gateway_url=place.gateway_url,
            ca_file=str(place.ca_file),
        )
        process.stdin.write(bootstrap.write_line(given))
        listening = bootstrap.read_listening(await asyncio.wait_for(process.stdout.readline(), 20))
        yield Address.parse(listening.address)
        async with asyncio.timeout(10):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
