import pytest

from common.types import Ssrc
from simulator.network import LinkQuality, Network
from simulator.permissions import ORDINARY
from simulator.rooms import Participant, Room, RoomSettings
from simulator.transport import Audio
from simulator.world import World


class Noting(Participant):
    """Somebody who writes down what comes."""

    def __init__(self, user, ssrc, down):
        super().__init__(user, Ssrc(ssrc), down)
        self.messages = []
        self.heard = []

    wants_audio = True

    def json(self, op, data):
        self.messages.append((op, data))

    def binary(self, op, payload):
        self.messages.append((op, payload))

    def audio(self, audio):
        self.heard.append(audio.sequence)

    def got(self, op):
        return [data for number, data in self.messages if number == op]


class Call:
    """A call of three accounts, the last one a bot; nobody is in it yet."""

    def __init__(self):
        self.world, self.network = World(1), Network(1)
        accounts = [
            self.world.add_account("alice"),
            self.world.add_account("ben"),
            self.world.add_account("r", bot=True),
        ]
        self.guild = self.world.add_guild("Cup", accounts[0].id, ORDINARY).id
        self.channel = self.world.add_channel(self.guild, "Red").id
        settings = RoomSettings(dave=False)
        self.room = Room(self.world, self.guild, self.channel, settings=settings, clock=lambda: 0)
        self.alice, self.ben, self.bot = (
            Noting(account.id, number, self.network.link(account.name)) for number, account in enumerate(accounts, 1)
        )

    def enter(self, who, **flags):
        self.world.join(self.guild, who.user, self.channel, **flags)
        self.room.enter(who)


@pytest.fixture
async def call():
    return Call()


async def test_who_enters_learns_of_the_others_and_who_spoke_and_they_of_him(call):
    call.enter(call.alice)
    call.room.speaking(call.alice, 1)
    call.enter(call.ben)
    assert call.ben.got(11) == [{"user_ids": [str(call.alice.user)]}]
    assert call.ben.got(5) == [{"speaking": 1, "ssrc": 1, "user_id": str(call.alice.user)}]
    assert call.alice.got(11) == [{"user_ids": [str(call.ben.user)]}]
    call.room.leave(call.alice)
    assert call.ben.got(13) == [{"user_id": str(call.alice.user)}]


async def test_audio_reaches_everybody_else_and_bots_are_counted_apart(call):
    for who in (call.alice, call.ben, call.bot):
        call.enter(who)
    call.room.audio(call.alice, Audio(1, 7, 0, b"x"))
    call.room.audio(call.bot, Audio(3, 8, 0, b"x"))
    assert (call.alice.heard, call.ben.heard, call.bot.heard) == ([8], [7, 8], [7])
    assert (call.room.taken, call.room.taken_from_bots) == (2, 1)


@pytest.mark.parametrize(
    "mute",
    [
        lambda call: call.world.set_flags(call.guild, call.alice.user, mute=True),
        lambda call: call.world.join(call.guild, call.alice.user, call.channel, self_mute=True),
    ],
    ids=["by a moderator", "by themselves"],
)
async def test_the_muted_are_not_heard(call, mute):
    call.enter(call.alice)
    call.enter(call.ben)
    mute(call)
    call.room.audio(call.alice, Audio(1, 7, 0, b"x"))
    assert (call.ben.heard, call.room.taken) == ([], 0)


async def test_the_deafened_hear_nothing(call):
    call.enter(call.alice)
    call.enter(call.ben, self_deaf=True)
    call.room.audio(call.alice, Audio(1, 7, 0, b"x"))
    assert (call.ben.heard, call.room.taken) == ([], 1)


async def test_who_left_or_was_replaced_is_not_heard(call):
    call.enter(call.ben)
    call.enter(call.alice)
    again = Noting(call.alice.user, 9, call.network.link("again"))
    call.room.enter(again)
    call.room.audio(call.alice, Audio(1, 7, 0, b"x"))
    call.room.leave(call.alice)
    call.room.audio(again, Audio(9, 8, 0, b"x"))
    assert call.ben.heard == [8]


async def test_a_slow_link_delivers_when_its_time_has_come(call):
    call.enter(call.alice)
    call.enter(call.ben)
    call.ben.down.quality = LinkQuality(delay_ms=30.0)
    call.room.audio(call.alice, Audio(1, 7, 0, b"x"))
    call.network.advance(29_999_999)
    assert call.ben.heard == []
    call.network.advance(30_000_000)
    assert call.ben.heard == [7]
