"""The roster: who is there, under which name, and what is remembered of whom."""

from hypothesis import given
from hypothesis import strategies as st

from common.protocol.spec import StripSpec
from common.types import ChannelId, UserId
from engine.gateway.views import VoiceMember
from engine.session.roster import Departed, Roster, StripMemory, Talker

RED, BLUE = ChannelId(1), ChannelId(2)
OWN = UserId(99)


def member(user: int, name: str = "", channel: ChannelId = RED, *, bot: bool = False):
    return VoiceMember(user=UserId(user), name=name or f"player {user}", channel=channel, bot=bot)


def test_people_appear_when_they_are_there_and_are_forgotten_when_they_leave():
    roster = Roster([OWN])
    assert roster.update(RED, [member(5, "five"), member(3, "three")])
    assert roster.talkers() == (Talker(UserId(3), "three", RED), Talker(UserId(5), "five", RED))
    assert roster.update(RED, [member(5, "five")])
    assert UserId(3) not in roster
    assert not roster.update(RED, [member(5, "five")])


def test_a_new_nickname_is_a_change():
    roster = Roster([OWN])
    roster.update(RED, [member(5, "old")])
    assert roster.update(RED, [member(5, "new")])
    assert [talker.name for talker in roster.talkers()] == ["new"]


def test_own_bots_are_no_talkers_and_foreign_ones_are_marked():
    roster = Roster([OWN])
    roster.update(RED, [member(OWN, bot=True), member(7, "music", bot=True)])
    assert roster.talkers() == (Talker(UserId(7), "music", RED, bot=True),)


def test_who_moves_to_another_source_is_there_only():
    roster = Roster([OWN])
    roster.update(RED, [member(5), member(6)])
    roster.update(BLUE, [member(5, channel=BLUE)])
    assert [(talker.user, talker.source) for talker in roster.talkers()] == [(6, RED), (5, BLUE)]


def test_a_source_out_of_sight_has_nobody():
    roster = Roster([OWN])
    roster.update(RED, [member(5)])
    assert roster.update(RED, ())
    assert roster.talkers() == ()


@given(st.lists(st.tuples(st.sampled_from([RED, BLUE]), st.lists(st.integers(1, 8), unique=True))))
def test_nobody_is_in_two_places_and_nobody_absent_is_kept(sightings: list[tuple[ChannelId, list[int]]]):
    roster = Roster([OWN])
    place: dict[int, ChannelId] = {}
    for channel, users in sightings:
        roster.update(channel, [member(user, channel=channel) for user in users])
        place = {user: where for user, where in place.items() if where != channel} | dict.fromkeys(users, channel)
    assert {talker.user: talker.source for talker in roster.talkers()} == place
    assert len(roster.talkers()) == len(place)


def test_strips_are_remembered_by_user_and_defaults_cost_nothing():
    memory = StripMemory()
    assert memory.get(UserId(1)) == StripSpec()
    memory.put(UserId(1), StripSpec(gain=0.5, muted=True))
    assert memory.get(UserId(1)) == StripSpec(gain=0.5, muted=True)
    memory.put(UserId(1), StripSpec())
    assert len(memory) == 0


def test_the_longest_untouched_strip_goes_first():
    memory = StripMemory(capacity=2)
    for user in (1, 2, 1, 3):
        memory.put(UserId(user), StripSpec(gain=user / 10))
    assert memory.get(UserId(2)) == StripSpec()
    assert memory.get(UserId(1)).gain == 0.1
    assert len(memory) == 2


def test_who_is_there_is_forgotten_last():
    memory = StripMemory(capacity=2)
    for user in (1, 2):
        memory.put(UserId(user), StripSpec(muted=True))
    memory.touch([UserId(1), UserId(9)])
    memory.put(UserId(3), StripSpec(gain=0.5))
    assert (memory.get(UserId(1)).muted, memory.get(UserId(2)).muted, len(memory)) == (True, False, 2)


def talker(user, source=RED):
    return Talker(UserId(user), f"player {user}", source)


def test_who_left_is_known_for_a_while_and_who_is_back_is_no_longer_gone():
    departed = Departed()
    departed.note([talker(1), talker(2)], [], 1000)
    departed.note([talker(3)], [talker(2, BLUE)], 2000)
    assert departed.since(1000) == (talker(1), talker(3))
    assert departed.since(1001) == (talker(3),)
    assert departed.since(1000) == (talker(3),)  # nothing is kept that was no longer asked for
    departed.note([], [talker(3)], 3000)
    assert departed.since(0) == ()
