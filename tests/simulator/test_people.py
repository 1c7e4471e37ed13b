"""Simulated people on a clock that is turned by hand."""

import asyncio
import itertools
import ssl

import pytest

from simulator import clips
from simulator.calls import Calls
from simulator.network import LinkQuality, Network
from simulator.people import DRIFT_PPM, SILENCE_FRAMES, People, Script
from simulator.rooms import Participant, RoomSettings
from simulator.transport import SILENCE
from simulator.voice_gateway import VoiceServer
from simulator.world import World

MS = 1_000_000
FRAME = 20 * MS
ORIGIN = 1_000 * MS
ONE_SECOND = ((0.5, 1.5),)


class Listener(Participant):
    """Somebody in the room who only takes notes."""

    def __init__(self, user, link, clock):
        super().__init__(user, 1, link)
        self.clock, self.heard, self.told = clock, [], []

    wants_audio = True

    def audio(self, audio):
        self.heard.append((self.clock(), audio))

    def json(self, op, data):
        if op in {5, 13}:
            self.told.append((op, data, len(self.heard)))

    def binary(self, op, payload):
        pass


class Stage:
    """A guild, one voice server without sockets, and people."""

    def __init__(self, seed=1, *, dave=True, quality=None):
        self.now = ORIGIN
        self.world = World(seed)
        self.owner = self.world.add_account("owner")
        self.guild = self.world.add_guild("Cup", self.owner.id, 0)
        self.red = self.world.add_channel(self.guild.id, "Red").id
        self.blue = self.world.add_channel(self.guild.id, "Blue").id
        network = Network(seed)
        self.server = VoiceServer(
            self.world,
            ssl.create_default_context(),
            network,
            lambda: self.now,
            seed=seed,
            rooms=RoomSettings(dave=dave),
        )
        self.calls = Calls(self.world, [self.server])
        self.calls.start()
        self.people = People(self.world, [self.server], network, lambda: self.now, seed)
        if quality is not None:
            self.people.link_quality = quality
        self.listener = Listener(self.owner.id, network.link("to-listener"), lambda: self.now)
        self.world.join(self.guild.id, self.owner.id, self.red)

    async def add(self, name, script, channel=None):
        account = self.world.add_account(name)
        self.world.add_member(self.guild.id, account.id)
        voice = self.people.add(self.guild.id, account.id, script, channel or self.red)
        await self.settle()
        return voice

    async def settle(self):
        """Let what is queued on the loop be worked off."""
        for _ in range(60):
            await asyncio.sleep(0)

    async def listen(self):
        self.server.room(self.red).participants[self.owner.id] = self.listener

    async def play(self, seconds):
        end = self.now + int(seconds * 1_000) * MS
        while self.now < end:
            self.now += MS
            self.people.advance(self.now)
        await self.settle()

    def heard_from(self, voice):
        return [(when, audio) for when, audio in self.listener.heard if audio.ssrc == voice.person.ssrc]


@pytest.fixture
async def stages():
    made = []

    def make(**options):
        made.append(Stage(**options))
        return made[-1]

    yield make
    for stage in made:
        stage.people.close()
        await stage.calls.close()


@pytest.fixture
async def stage(stages):
    return stages(dave=False)


async def test_a_spurt_is_the_clip_then_five_silent_frames_then_nothing(stage):
    voice = await stage.add("akari", Script("ja_1", ONE_SECOND))
    await stage.listen()
    await stage.play(3)
    payloads = [audio.payload for _, audio in stage.heard_from(voice)]
    assert payloads == list(clips.packets("ja_1")[:50]) + [SILENCE] * SILENCE_FRAMES
    (said,) = stage.people.utterances
    assert (said.clip, said.frames, said.alone) == ("ja_1", 50, True)
    assert said.start >= ORIGIN + 500 * MS
    assert said.end - said.start == pytest.approx(50 * FRAME, rel=2e-4)


async def test_timestamps_go_on_through_pauses_and_sequences_count_packets(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 0.5), (2.0, 2.5))))
    await stage.listen()
    await stage.play(4)
    heard = stage.heard_from(voice)
    first, last = heard[0], heard[-1]
    assert (last[1].sequence - first[1].sequence) % 2**16 == len(heard) - 1
    between = (last[1].timestamp - first[1].timestamp) % 2**32
    assert between == round((last[0] - first[0]) / FRAME) * 960
    assert between > len(heard) * 960


async def test_everybody_has_a_phase_and_a_drift_and_beginnings_of_its_own(stage):
    voices = [await stage.add(f"p{number}", Script("ja_1", ((0.0, 20.0),))) for number in range(6)]
    await stage.listen()
    await stage.play(20)
    assert len({voice._phase for voice in voices}) == 6
    assert len({stage.heard_from(voice)[0][1].timestamp for voice in voices}) == 6
    assert len({stage.heard_from(voice)[0][1].sequence for voice in voices}) == 6
    drifts = [voice._step / FRAME - 1 for voice in voices]
    assert max(map(abs, drifts)) <= DRIFT_PPM / 1e6
    assert max(drifts) - min(drifts) > 20e-6


async def test_drift_adds_up_without_rounding(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 30.0),)))
    voice._step = FRAME * (1 + 100e-6)
    voice.advance(ORIGIN + 3_600_000 * MS, lambda _said: None)
    assert voice._number == pytest.approx(180_000 / (1 + 100e-6), abs=2)


async def test_the_same_seed_gives_the_same_show_and_another_another(stages):
    async def show(seed):
        stage = stages(seed=seed, dave=False, quality=LinkQuality(loss=0.1, delay_ms=20, jitter_ms=30))
        await stage.add("akari", Script("ja_1", ONE_SECOND))
        await stage.add("ben", Script("en_1", ((0.2, 0.9),)))
        await stage.listen()
        await stage.play(3)
        return stage.listener.heard

    assert await show(1) == await show(1)
    assert await show(1) != await show(2)


@pytest.mark.parametrize(("late", "packets_before"), [(False, 0), (True, 3)])
async def test_speaking_is_told_before_the_first_packet_or_late(stage, late, packets_before):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 0.5),), late_speaking=late))
    await stage.listen()
    await stage.play(1)
    told = {"speaking": 1, "ssrc": voice.person.ssrc, "user_id": str(voice.user)}
    assert stage.listener.told == [(5, told, packets_before)]


async def test_a_muted_person_is_not_forwarded_and_comes_back(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 20.0),)))
    await stage.listen()
    stage.world.set_flags(stage.guild.id, voice.user, mute=True)
    await stage.play(1)
    assert stage.heard_from(voice) == []
    stage.world.set_flags(stage.guild.id, voice.user, mute=False)
    await stage.play(1)
    assert len(stage.heard_from(voice)) == pytest.approx(50, abs=1)


async def test_who_moves_is_heard_there_and_who_leaves_nowhere(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 20.0),)))
    await stage.listen()
    await stage.play(0.5)
    first = voice.person.ssrc
    stage.world.move(stage.guild.id, voice.user, stage.blue)
    await stage.settle()
    assert voice.user in stage.server.rooms[stage.blue].participants
    assert voice.user not in stage.server.rooms[stage.red].participants
    assert voice.person.ssrc != first
    heard = len(stage.listener.heard)
    await stage.play(0.5)
    assert len(stage.listener.heard) == heard
    assert stage.server.rooms[stage.blue].taken > 20
    stage.people.remove(voice.user)
    await stage.settle()
    assert stage.blue not in stage.server.rooms
    await stage.play(0.2)
    assert stage.people.voices == {}


async def test_people_are_members_of_a_group_that_another_can_decrypt(stages):
    stage = stages()
    voice = await stage.add("akari", Script("ja_1", ONE_SECOND))
    other = await stage.add("ben", Script())
    await stage.listen()
    assert stage.server.rooms[stage.red].dave.members == {voice.user, other.user}
    await stage.play(3)
    frames = [audio.payload for _, audio in stage.heard_from(voice)]
    assert len(frames) == 55
    speech = [other.person.dave.decrypt(voice.user, frame) for frame in frames[:50]]
    assert speech == list(clips.packets("ja_1")[:50])
    assert frames[0] != speech[0]
    assert frames[50:] == [SILENCE] * 5


async def test_a_share_of_the_frames_goes_plain(stages):
    stage = stages()
    voice = await stage.add("akari", Script("ja_1", ((0.0, 20.0),), plain_share=0.05))
    await stage.add("ben", Script())
    await stage.listen()
    await stage.play(20)
    plain = sum(not audio.payload.endswith(b"\xfa\xfa") for _, audio in stage.heard_from(voice))
    assert 20 <= plain <= 85


async def test_ten_people_keep_their_group_through_coming_and_going(stages):
    stage = stages()
    voices = [await stage.add(f"p{number}", Script("ja_1", ((0.0, 20.0),))) for number in range(10)]
    await stage.listen()
    for voice in voices[:4]:
        stage.world.leave(stage.guild.id, voice.user)
        await stage.settle()
    assert stage.server.rooms[stage.red].dave.members == {voice.user for voice in voices[4:]}
    for voice in voices[:4]:
        stage.world.join(stage.guild.id, voice.user, stage.red)
        await stage.settle()
    await stage.play(0.5)
    assert stage.server.rooms[stage.red].dave.members == {voice.user for voice in voices}
    assert all(len(stage.heard_from(voice)) > 20 for voice in voices)


async def test_who_moves_in_the_middle_of_a_word_says_again_whose_the_new_ssrc_is(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 20.0),)))
    await stage.listen()
    await stage.play(0.5)
    stage.server.room(stage.blue).participants[stage.owner.id] = stage.listener
    stage.listener.told.clear()
    stage.world.move(stage.guild.id, voice.user, stage.blue)
    await stage.settle()
    await stage.play(0.1)
    assert (5, voice.person.ssrc) in [(op, data.get("ssrc")) for op, data, _ in stage.listener.told]


async def test_packets_of_padding_only_take_a_number_and_no_time(stage):
    voice = await stage.add("akari", Script("ja_1", ((0.0, 4.0),), empty_share=0.2))
    await stage.listen()
    await stage.play(3)
    audio = [audio for _, audio in stage.heard_from(voice)]
    empty = [place for place, packet in enumerate(audio) if not packet.payload]
    assert 10 < len(empty) < 60
    numbers = [packet.sequence for packet in audio]
    assert [(after - before) % 2**16 for before, after in itertools.pairwise(numbers)] == [1] * (len(audio) - 1)
    assert all(audio[place].timestamp == audio[place - 1].timestamp for place in empty)
