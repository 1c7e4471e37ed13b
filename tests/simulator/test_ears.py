"""Ears hear people end to end: real TLS, real UDP, real groups; only the clock is turned by hand."""

import asyncio

import pytest

from simulator import clips, ogg
from simulator.calls import Calls
from simulator.ears import MOST_PARKED, Ears
from simulator.listening import Recording, match
from simulator.network import LinkQuality, Network
from simulator.people import People, Script
from simulator.rooms import RoomSettings
from simulator.tls import make_certificates
from simulator.transport import MODES, SILENCE
from simulator.voice_gateway import VoiceServer, VoiceSettings
from simulator.world import World

MS = 1_000_000
ORIGIN = 1_000 * MS
TALKS = ((0.2, 1.4),)


class Hall:
    """Two channels, a voice server or two, people, and ears."""

    def __init__(self, folder, settings=None, rooms=None):
        self.now = ORIGIN
        self.world = World(3)
        owner = self.world.add_account("owner")
        self.guild = self.world.add_guild("Cup", owner.id, 0)
        self.red = self.world.add_channel(self.guild.id, "Red").id
        self.blue = self.world.add_channel(self.guild.id, "Blue").id
        self.certificates = make_certificates(folder)
        self.network = Network(3)
        self.servers = [
            VoiceServer(
                self.world,
                self.certificates.server,
                self.network,
                self.clock,
                name=f"voice-{number}",
                seed=3,
                settings=settings,
                rooms=rooms,
            )
            for number in (1, 2)
        ]
        self.calls = Calls(self.world, self.servers)
        self.people = People(self.world, self.servers, self.network, self.clock, 3)
        self.ears = []

    def clock(self):
        return self.now

    async def __aenter__(self):
        for server in self.servers:
            await server.start()
        self.calls.start()
        return self

    async def __aexit__(self, *_):
        for ears in self.ears:
            await ears.close()
        self.people.close()
        await self.calls.close()
        for server in self.servers:
            await server.close()

    def member(self, name):
        account = self.world.add_account(name)
        self.world.add_member(self.guild.id, account.id)
        return account.id

    def person(self, name, channel, script):
        return self.people.add(self.guild.id, self.member(name), script, channel)

    async def listener(self, channel):
        user = self.member(f"ears-{len(self.ears)}")
        ears = Ears(self.world, self.guild.id, user, channel, tls=self.certificates.client, clock=self.clock)
        self.ears.append(ears)
        ears.start()
        await self.until(ears.connected.is_set)
        return ears

    async def until(self, holds):
        """Let the loop work until it holds; a bounded wait for real sockets."""
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - many different things are waited for
                await asyncio.sleep(0)

    async def settled(self, channel):
        """Wait until everybody in the channel is a member of its group and can decrypt."""
        everybody = {state.user_id for state in self.guild.occupants(channel)}

        def holds():
            room = next((server.rooms[channel] for server in self.servers if channel in server.rooms), None)
            ears = [ears for ears in self.ears if ears.channel == channel]
            return (
                room is not None
                and room.dave.members == everybody == set(room.participants)
                and all(ears._dave.ready for ears in ears)
            )

        await self.until(holds)

    async def play(self, seconds, start=True):
        if start:
            self.people.begin(self.now)
        end = self.now + int(seconds * 1_000) * MS
        while self.now < end:
            self.now += MS
            self.people.advance(self.now)
            await asyncio.sleep(0)
        await asyncio.sleep(0)


def correlation(hall, ears, voice):
    (said,) = [said for said in hall.people.utterances if said.user == voice.user][-1:]
    tracks = [track.packets for track in ears.tracks.values() if track.user == voice.user]
    return match(said, Recording(tracks[-1])).correlation if tracks else 0.0


@pytest.mark.parametrize("mode", MODES)
async def test_ears_hear_everybody_in_their_channel_and_nobody_else(tmp_path, mode):
    async with Hall(tmp_path, VoiceSettings(modes=(mode,))) as hall:
        akari = hall.person("akari", hall.red, Script("ja_1", TALKS))
        ben = hall.person("ben", hall.red, Script("en_1", TALKS))
        chloe = hall.person("chloe", hall.blue, Script("en_2", TALKS))
        hall.person("david", hall.blue, Script())
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        await hall.play(2)
        assert correlation(hall, ears, akari) > 0.99
        assert correlation(hall, ears, ben) > 0.99
        assert correlation(hall, ears, chloe) == 0.0
        assert set(ears.counts) == {"heard"}
        heard = next(track for track in ears.tracks.values() if track.user == akari.user).packets
        assert [packet.opus for packet in heard] == list(clips.packets("ja_1")[:60]) + [SILENCE] * 5


async def test_what_was_heard_can_be_written_and_played(tmp_path):
    async with Hall(tmp_path) as hall:
        hall.person("akari", hall.red, Script("ja_1", ((0.0, 0.4), (0.8, 1.2))))
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        await hall.play(2)
        ears.save(tmp_path / "heard.ogg")
        packets = ogg.read(tmp_path / "heard.ogg")
        clip = list(clips.packets("ja_1")[:20])
        assert packets[:20] == packets[40:60] == clip
        assert packets[20:40] == [SILENCE] * 20


async def test_frames_without_encryption_audio_before_its_owner_and_empty_packets(tmp_path):
    async with Hall(tmp_path) as hall:
        script = Script("en_1", TALKS, plain_share=0.1, empty_share=0.1, late_speaking=True)
        voice = hall.person("akari", hall.red, script)
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        await hall.play(2)
        assert ears.counts["empty"] > 0
        assert correlation(hall, ears, voice) > 0.99
        assert set(ears.counts) == {"heard", "empty"}


async def test_only_some_packets_are_kept_for_an_owner_who_is_never_named(tmp_path):
    async with Hall(tmp_path) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", ((0.0, 2.0),)))
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        hall.servers[0].rooms[hall.red].speaking = lambda *_: None
        await hall.play(2)
        (track,) = ears.tracks.values()
        assert (track.user, track.packets, len(track.parked)) == (None, [], MOST_PARKED)
        assert ears.counts == {"unknown_ssrc": voice.sent - MOST_PARKED}


async def test_a_lossy_link_is_heard_as_such(tmp_path):
    async with Hall(tmp_path) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", TALKS))
        for server in hall.servers:
            server.link_quality = LinkQuality(loss=0.3, delay_ms=20, jitter_ms=10)
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        await hall.play(2)
        assert ears.counts["heard"] == 65 - hall.network.lost
        assert hall.network.lost > 5
        assert correlation(hall, ears, voice) < 0.9


async def test_ears_follow_their_call_to_another_server_and_keep_one_heartbeat(tmp_path):
    async with Hall(tmp_path) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", TALKS))
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        ears.connected.clear()
        await hall.calls.move_call(hall.guild.id, hall.red)
        await hall.until(ears.connected.is_set)
        await hall.settled(hall.red)
        await hall.play(2)
        assert hall.red in hall.servers[1].rooms
        assert hall.red not in hall.servers[0].rooms
        assert correlation(hall, ears, voice) > 0.99


async def test_a_call_moves_in_the_middle_of_a_word_and_the_rest_is_heard(tmp_path):
    async with Hall(tmp_path) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", ((0.0, 2.0),)))
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        await hall.play(0.5)
        ears.connected.clear()
        await hall.calls.move_call(hall.guild.id, hall.red)
        await hall.until(ears.connected.is_set)
        await hall.settled(hall.red)
        await hall.play(2, start=False)
        assert [track.user for track in ears.tracks.values()] == [voice.user] * 2
        assert len(list(ears.tracks.values())[1].packets) > 60


async def test_ears_hear_through_a_downgrade_and_an_upgrade(tmp_path):
    async with Hall(tmp_path) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", TALKS))
        ears = await hall.listener(hall.red)
        await hall.settled(hall.red)
        dave = hall.servers[0].rooms[hall.red].dave
        dave.downgrade()
        await hall.until(lambda: ears._dave.version == dave.version == 0)
        await hall.play(2)
        assert correlation(hall, ears, voice) > 0.99
        dave.upgrade()
        await hall.settled(hall.red)
        await hall.until(lambda: ears._dave.version == voice.person.dave.version == 1)
        await hall.play(2)
        assert correlation(hall, ears, voice) > 0.99


@pytest.mark.parametrize("rooms", [RoomSettings(dave=False), RoomSettings(lone_plain=True)])
async def test_ears_hear_calls_that_begin_without_encryption(tmp_path, rooms):
    async with Hall(tmp_path, rooms=rooms) as hall:
        voice = hall.person("akari", hall.red, Script("en_1", TALKS))
        ears = await hall.listener(hall.red)
        if rooms.dave:
            await hall.settled(hall.red)
            await hall.until(lambda: ears._dave.version == voice.person.dave.version == 1)
        await hall.play(2)
        assert correlation(hall, ears, voice) > 0.99
