"""Simulated people: they sit in voice channels, are members of the encryption groups, and talk real speech.

Each has a phase and a clock of its own (± 100 ppm), random RTP beginnings, and sends nothing in silence. Time is an
argument of :meth:`People.advance`; :meth:`People.run` is the shell that drives it in real time.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from common.types import ChannelId, GuildId, Ssrc, UserId
from simulator import clips
from simulator.dave import Op
from simulator.davey_member import Answer, DaveyMember
from simulator.network import PERFECT, Link, Network
from simulator.rooms import Clock, Participant, Room, make_ssrc
from simulator.transport import SILENCE, Audio
from simulator.voice_gateway import VoiceServer
from simulator.world import VoiceServerAssigned, World, WorldEvent

FRAME_NS = 20_000_000
SILENCE_FRAMES = 5
LATE_SPEAKING_FRAMES = 3
DRIFT_PPM = 100

_NS = 1_000_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Script:
    """What a person says and when: spans in seconds that come again every ``period``.

    ``plain_share`` of the frames go unencrypted; ``empty_share`` of them are followed by a packet of padding only, as
    some of Discord's voice servers let through. With ``late_speaking`` audio comes before op 5 says whose it is.
    """

    clip: str = ""
    talks: tuple[tuple[float, float], ...] = ()
    period: float = 30.0
    plain_share: float = 0.0
    empty_share: float = 0.0
    late_speaking: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of talk: when it was sent (ns of the clock) and which frames of the clip, from the first."""

    user: UserId
    clip: str
    start: int
    end: int
    frames: int
    alone: bool


class Person(Participant):
    """One person in a call."""

    def __init__(self, user: UserId, down: Link, channel: ChannelId, chance: random.Random) -> None:
        super().__init__(user, make_ssrc(chance), down)
        self.dave = DaveyMember(user, channel)
        self.room: Room | None = None
        self.listens = False
        self.heard: dict[Ssrc, int] = {}
        """Packets with sound in them by SSRC, if it ``listens``."""
        self._loop = asyncio.get_running_loop()

    @property
    def wants_audio(self) -> bool:
        """Only who listens."""
        return self.listens

    def enter(self, room: Room) -> None:
        """Begin in a call."""
        self.room = room
        self._answer(self.dave.start(room.dave.version))

    def json(self, op: int, data: dict[str, object]) -> None:
        """Take a message; the answer goes out in the loop's next round, as over a socket."""
        if op in {Op.PREPARE_TRANSITION, Op.EXECUTE_TRANSITION, Op.PREPARE_EPOCH}:
            self._loop.call_soon(lambda: self._answer(self.dave.json(op, data)))

    def binary(self, op: int, payload: bytes) -> None:
        """Take a message of the group's."""
        self._loop.call_soon(lambda: self._answer(self.dave.binary(op, payload)))

    def audio(self, audio: Audio) -> None:
        """Note who is heard."""
        if audio.payload not in {SILENCE, b""}:
            self.heard[Ssrc(audio.ssrc)] = self.heard.get(Ssrc(audio.ssrc), 0) + 1

    def _answer(self, answers: list[Answer]) -> None:
        room = self.room
        if room is None or room.participants.get(self.user) is not self:
            return
        for op, data in answers:
            if isinstance(data, bytes):
                take = room.dave.key_package if op == Op.KEY_PACKAGE else room.dave.commit_welcome
                take(self.user, data)
            elif op == Op.TRANSITION_READY:
                room.dave.ready(self.user, int(str(data["transition_id"])))
            else:
                room.dave.invalid_commit(self.user)


class Voice:
    """One person's talking: which packet at what time."""

    def __init__(self, user: UserId, script: Script, up: Link, chance: random.Random) -> None:
        self.user = user
        self.script = script
        self.up = up
        self.person: Person | None = None
        self.sent = 0
        self.talking = False
        self._chance = chance
        self._phase = chance.randrange(FRAME_NS)
        self._step = FRAME_NS * (1 + chance.uniform(-DRIFT_PPM, DRIFT_PPM) / 1e6)
        self._sequence = chance.randrange(1 << 16)
        self._timestamp = chance.randrange(1 << 32)
        self._number = 0
        self._frame = 0
        self._silence = 0
        self._began = 0
        self._start = 0
        self._packets = clips.packets(script.clip) if script.clip else ()
        self._announced: Person | None = None

    def begin(self, start: int) -> None:
        """Let the schedule begin at ``start`` (ns)."""
        self._start, self._number = start, 0

    def due(self) -> int:
        """Return when the next frame is due."""
        return self._start + self._phase + int(self._number * self._step)

    def advance(self, now: int, finished: Callable[[Utterance], None]) -> None:
        """Send everything due."""
        while (due := self.due()) <= now:
            self._tick(due, finished)
            self._number += 1

    def _tick(self, due: int, finished: Callable[[Utterance], None]) -> None:
        self._timestamp = (self._timestamp + 960) & 0xFFFFFFFF
        wants = bool(self._packets) and self._in_a_span(due) and self._may_send()
        if wants and not self.talking:
            self.talking, self._frame, self._began = True, 0, due
        elif not wants and self.talking:
            self.talking, self._silence = False, SILENCE_FRAMES
            finished(Utterance(self.user, self.script.clip, self._began, due, self._frame, alone=False))
        if self.talking:
            self._announce()
            self._send(due, self._packets[self._frame % len(self._packets)])
            self._frame += 1
        elif self._silence:
            self._silence -= 1
            self._send(due, SILENCE)

    def _in_a_span(self, due: int) -> bool:
        moment = (due - self._start) / _NS % self.script.period
        return any(begin <= moment < end for begin, end in self.script.talks)

    def _may_send(self) -> bool:
        return self.person is not None and self.person.room is not None and self.person.dave.ready

    def _announce(self) -> None:
        """Say that it speaks: at a spurt's beginning, and in its middle when a new call gave it a new SSRC."""
        person, beginning = self.person, LATE_SPEAKING_FRAMES if self.script.late_speaking else 0
        if person is None or person.room is None or self._frame < beginning:
            return
        if self._frame == beginning or person is not self._announced:
            self._announced = person
            person.room.speaking(person, 1)

    def _send(self, now: int, opus: bytes) -> None:
        person = self.person
        if person is None or person.room is None:
            return
        plain = opus == SILENCE or self._chance.random() < self.script.plain_share
        payload = opus if plain else person.dave.encrypt(opus)
        if payload is None:
            return
        self._put(now, person, person.room, payload)
        if self._chance.random() < self.script.empty_share:
            self._put(now, person, person.room, b"")

    def _put(self, now: int, person: Person, room: Room, payload: bytes) -> None:
        audio = Audio(person.ssrc, self._sequence, self._timestamp, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.sent += 1
        self.up.send(now, lambda: room.audio(person, audio))


class People:
    """Everybody simulated. ``advance`` speaks for all of them."""

    def __init__(self, world: World, servers: list[VoiceServer], network: Network, clock: Clock, seed: int = 0) -> None:
        self.voices: dict[UserId, Voice] = {}
        self.utterances: list[Utterance] = []
        """The last thousand stretches of talk."""
        self._world = world
        self._servers = servers
        self._network = network
        self._clock = clock
        self._seed = seed
        self._guilds: dict[UserId, GuildId] = {}
        self.link_quality = PERFECT
        """What the way to the voice server does to the packets of people added from now on."""
        self._unlisten = world.listen(self._on_event)

    def close(self) -> None:
        """Stop following the world."""
        self._unlisten()

    def add(self, guild: GuildId, user: UserId, script: Script, channel: ChannelId | None = None) -> Voice:
        """Make a person, and put it into a channel."""
        chance = random.Random(f"person-{self._seed}-{user}")
        voice = Voice(user, script, self._network.link(f"from-{user}", self.link_quality), chance)
        voice.begin(self._clock())
        self.voices[user], self._guilds[user] = voice, guild
        if channel is not None:
            self._world.join(guild, user, channel)
        return voice

    def remove(self, user: UserId) -> None:
        """Take a person out of voice for good."""
        self._world.leave(self._guilds.pop(user), user)
        self.voices.pop(user, None)

    def begin(self, now: int) -> None:
        """Let everybody's schedule begin now."""
        for voice in self.voices.values():
            voice.begin(now)

    def advance(self, now: int) -> None:
        """Send what is due, deliver what has travelled."""
        for voice in list(self.voices.values()):
            voice.advance(now, self._finished)
        self._network.advance(now)

    async def run(self) -> None:
        """Do so in real time for ever."""
        while True:
            now = self._clock()
            self.advance(now)
            dues = [voice.due() for voice in self.voices.values()]
            if self._network.next_due is not None:
                dues.append(self._network.next_due)
            wait = min(dues, default=now + FRAME_NS) - self._clock()
            await self._sleep(max(0.0, min(wait, FRAME_NS) / _NS))

    async def _sleep(self, seconds: float) -> None:
        """Sleep exactly while somebody talks: the loop's own timers are up to a millisecond late, as jitter."""
        if any(voice.talking for voice in self.voices.values()):
            await asyncio.to_thread(time.sleep, seconds)
        else:
            await asyncio.sleep(seconds)

    def _finished(self, utterance: Utterance) -> None:
        others = any(voice.talking for voice in self.voices.values() if voice.user != utterance.user)
        overlapped = any(other.end > utterance.start for other in self.utterances[-20:])
        alone = not others and not overlapped
        self.utterances.append(
            Utterance(utterance.user, utterance.clip, utterance.start, utterance.end, utterance.frames, alone)
        )
        del self.utterances[:-1000]

    def _on_event(self, event: WorldEvent) -> None:
        if isinstance(event, VoiceServerAssigned) and event.user_id in self.voices and event.endpoint:
            self._enter(self.voices[event.user_id], event)

    def _enter(self, voice: Voice, event: VoiceServerAssigned) -> None:
        server = next((server for server in self._servers if server.endpoint == event.endpoint), None)
        state = self._world.voice_state(event.guild_id, event.user_id)
        if server is None or state is None:
            return
        made: list[Person] = []

        def make(down: Link) -> Person:
            made.append(Person(voice.user, down, state.channel_id, random.Random(f"{self._seed}-{event.token}")))
            return made[0]

        def dropped() -> None:
            if made and voice.person is made[0]:
                voice.person = None

        room = server.attach(voice.user, event.token, make, dropped)
        if room is not None:
            voice.person = made[0]
            made[0].enter(room)
