"""The roster: who is there, under which name, and what is remembered of whom."""

import pytest
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


def see(roster: Roster, source: ChannelId, *users: int):
    return roster.update(source, [member(user, channel=source) for user in users])


def where(roster: Roster):
    return {talker.user: talker.source for talker in roster.talkers()}


@pytest.mark.parametrize("blue_is_ahead", [True, False])
def test_two_who_move_one_after_the_other_are_both_there_in_the_end(blue_is_ahead: bool):
    roster = Roster([OWN])
    see(roster, RED, 1, 2)
    steps = [(RED, [2]), (RED, []), (BLUE, [1]), (BLUE, [1, 2])]
    for source, users in steps[2:] + steps[:2] if blue_is_ahead else steps:
        see(roster, source, *users)
    assert where(roster) == {1: BLUE, 2: BLUE}


def test_who_is_on_two_lists_is_where_they_appeared_last_and_else_where_the_other_has_them():
    roster = Roster([OWN])
    see(roster, RED, 1)
    assert see(roster, BLUE, 1)
    assert not see(roster, RED, 1)
    assert where(roster) == {1: BLUE}
    assert see(roster, BLUE)
    assert where(roster) == {1: RED}
    assert not see(roster, BLUE)
    assert see(roster, RED)
    assert roster.talkers() == ()


users = st.integers(1, 4)
places = st.sampled_from([RED, BLUE, None])


@given(
    st.dictionaries(users, places), st.lists(st.tuples(users, places), max_size=12), st.lists(st.sampled_from([0, 1]))
)
def test_in_whatever_order_two_bots_hear_of_moves_everybody_ends_in_the_right_place(
    start: dict[int, ChannelId | None], moves: list[tuple[int, ChannelId | None]], order: list[int]
):
    roster, sources = Roster([OWN]), (RED, BLUE)
    caches, heard = [dict(start), dict(start)], [0, 0]

    def look(bot: int):
        listed = [user for user, place in caches[bot].items() if place == sources[bot]]
        before = roster.talkers()
        assert see(roster, sources[bot], *listed) == (roster.talkers() != before)
        assert len(where(roster)) == len(roster.talkers())

    look(0)
    look(1)
    for bot in [*order, *[0] * len(moves), *[1] * len(moves)]:
        if heard[bot] < len(moves):
            user, place = moves[heard[bot]]
            caches[bot][user] = place
            heard[bot] += 1
            look(bot)
        claimed = {
            user for cache, source in zip(caches, sources, strict=True) for user in cache if cache[user] == source
        }
        assert set(where(roster)) == claimed
    truth = start | dict(moves)
    assert where(roster) == {user: place for user, place in truth.items() if place}


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


def test_who_comes_to_a_source_they_were_not_last_on_brings_nothing_along():
    departed = Departed()
    assert departed.note([], [talker(1), talker(2)], 1000) == {1, 2}
    assert departed.note([talker(1), talker(2)], [talker(1, BLUE), talker(2)], 2000) == {1}
    assert departed.note([talker(1, BLUE), talker(2)], [], 3000) == set()
    assert departed.note([], [talker(1), talker(2)], 4000) == {1}


def test_of_who_was_on_a_blocked_source_nothing_is_kept():
    departed = Departed()
    departed.note([talker(4)], [], 500)
    before, after = [talker(1), talker(2), talker(3, BLUE)], [talker(2)]
    assert departed.note(before, after, 1000, {RED}) == {1, 2}
    assert departed.since(0) == (talker(4), talker(3, BLUE))


def test_a_bot_of_our_own_that_came_later_is_no_talker():
    roster = Roster([])
    assert roster.update(RED, [VoiceMember(5, "spare", RED, bot=True)])
    roster.add_own_bot(5)
    assert roster.update(RED, [VoiceMember(5, "spare", RED, bot=True)])
    assert roster.talkers() == ()
