from hypothesis import given
from hypothesis import strategies as st

from engine.audio.slots import SMALLEST, Slots

crowds = st.lists(st.sets(st.integers(1, 40), max_size=20), max_size=20)


@given(crowds)
def test_everybody_has_a_place_of_their_own_and_keeps_it(crowds):
    slots, before = Slots(), {}
    for crowd in crowds:
        fresh = slots.adopt(sorted(crowd))
        taken = slots.taken
        assert taken.keys() == crowd
        assert len(set(taken.values())) == len(crowd)
        assert all(taken[user] == before[user] for user in crowd & before.keys())
        assert sorted(fresh) == sorted(taken[user] for user in crowd - before.keys())
        assert all(slot < slots.capacity for slot in taken.values())
        before = dict(taken)


def test_room_is_made_by_doubling():
    slots = Slots()
    slots.adopt(range(SMALLEST))
    assert slots.capacity == SMALLEST
    slots.adopt(range(SMALLEST + 1))
    assert slots.capacity == 2 * SMALLEST
