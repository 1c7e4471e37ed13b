import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types import Suppression
from engine.audio.effect import make
from engine.audio.suppression import Suppressors
from engine.audio.suppression_rack import STRONG_AT_ONCE, SuppressionRack

OFF, STANDARD, STRONG = Suppression
GAINS = {STANDARD: 0.5, STRONG: 0.25}


class Gain:
    """An effect that can be told by what it does to a voice of ones."""

    delay_samples = 0
    alive = 0

    def __init__(self, kind):
        self._gain = np.float32(GAINS[kind])
        self._thread = None
        Gain.alive += 1

    def process(self, voice):
        voice *= self._gain

    def close(self):
        Gain.alive -= 1


class Lane(Suppressors):
    """A lane with a rack of its own, unless it shares one."""

    def __init__(self, make=Gain, rack=None):
        self.rack = rack or SuppressionRack(make)
        super().__init__(self.rack)

    def end(self):
        """Close the lane and the rack."""
        self.close()
        self.rack.close()


@pytest.fixture
def lane():
    lane = Lane()
    yield lane
    lane.end()


def heard(lane, user, samples=960):
    """Return the last sample of a frame of ones."""
    voice = np.ones(samples, np.float32)
    lane.process(user, voice)
    return float(voice[-1])


def talk(lane, *users, frames=3):
    """Let talkers begin a stretch and return what each sounds like in the end."""
    for user in users:
        lane.silence(user)
    for _ in range(frames - 1):
        for user in users:
            heard(lane, user)
    return [heard(lane, user) for user in users]


def adopt(lane, wanted):
    lane.adopt(wanted)
    lane.rack.settle()


def test_each_talker_gets_what_is_asked_for(lane):
    adopt(lane, {1: OFF, 2: STANDARD, 3: STRONG})
    assert talk(lane, 1, 2, 3, 4) == [1.0, 0.5, 0.25, 1.0]


def test_frames_may_have_10_ms(lane):
    adopt(lane, {1: STANDARD})
    lane.silence(1)
    assert [heard(lane, 1, 480) for _ in range(2)] == [0.5, 0.5]


def test_what_is_not_built_yet_leaves_the_voice_untouched_and_comes_while_it_talks():
    go_on = threading.Event()

    def slow(kind):
        go_on.wait(10)
        return Gain(kind)

    lane = Lane(slow)
    lane.adopt({1: STRONG})
    assert talk(lane, 1) == [1.0]
    go_on.set()
    lane.rack.settle()
    heard(lane, 1)
    assert heard(lane, 1) == 0.25
    lane.end()


def test_a_person_changes_it_while_somebody_talks_without_a_step(lane):
    adopt(lane, {1: OFF})
    said = []
    for kind in (OFF, STANDARD, STRONG, OFF, STRONG):
        adopt(lane, {1: kind})
        for _ in range(3):
            voice = np.ones(960, np.float32)
            lane.process(1, voice)
            said.append(voice)
    whole = np.concatenate(said)
    assert np.abs(np.diff(whole)).max() < 1 / 900
    assert [whole[2880 * place - 1] for place in range(1, 6)] == [1.0, 0.5, 0.25, 1.0, 0.25]


def test_only_so_many_get_the_strong_one_and_the_others_standard(lane):
    users = list(range(1, STRONG_AT_ONCE + 3))
    adopt(lane, dict.fromkeys(users, STRONG))
    assert talk(lane, *users) == [0.25] * STRONG_AT_ONCE + [0.5, 0.5]
    assert lane.rack.counts == {"strong_full": 2}


def test_who_waits_for_the_strong_one_gets_it_with_the_next_stretch_and_not_before(lane):
    users = list(range(1, STRONG_AT_ONCE + 2))
    last = users[-1]
    adopt(lane, dict.fromkeys(users, STRONG))
    talk(lane, *users)
    lane.silence(users[0])
    assert [heard(lane, last) for _ in range(3)] == [0.5] * 3
    assert talk(lane, last) == [0.25]
    assert talk(lane, users[0]) == [0.5]


def test_the_rack_is_idle_until_somebody_asks_and_again_when_the_last_one_stopped(lane):
    adopt(lane, {1: OFF, 2: OFF})
    assert lane.idle
    adopt(lane, {1: STANDARD})
    assert not lane.idle
    adopt(lane, {1: OFF})
    assert talk(lane, 1) == [1.0]
    assert lane.idle


def test_a_talker_who_goes_makes_room(lane):
    users = list(range(1, STRONG_AT_ONCE + 2))
    adopt(lane, dict.fromkeys(users, STRONG))
    talk(lane, *users)
    adopt(lane, dict.fromkeys(users[1:], STRONG))
    assert talk(lane, users[-1]) == [0.25]


def test_who_is_switched_off_while_talking_makes_room(lane):
    users = list(range(1, STRONG_AT_ONCE + 2))
    adopt(lane, dict.fromkeys(users, STRONG))
    talk(lane, *users)
    adopt(lane, {**dict.fromkeys(users, STRONG), users[0]: OFF})
    assert heard(lane, users[0]) == 1.0
    assert talk(lane, users[-1]) == [0.25]


def test_without_the_strong_library_there_is_standard_and_without_any_the_voice():
    def fail(kind):
        if kind in missing:
            raise ImportError("missing")
        return Gain(kind)

    for missing, left, stretches in (({STRONG}, [0.5, 0.5], [2]), ({STANDARD, STRONG}, [1.0, 1.0], [4, 2])):
        lane = Lane(fail)
        adopt(lane, {1: STANDARD, 2: STRONG})
        talk(lane, 1, 2)
        lane.rack.settle()
        assert talk(lane, 1, 2) == left
        assert set(lane.rack.failed) == missing
        assert lane.rack.counts == dict(
            zip((f"suppression_failed_{kind}" for kind in sorted(missing)), stretches, strict=True)
        )
        lane.end()


def test_an_effect_that_fails_on_air_is_taken_out(caplog):
    class Broken(Gain):
        def process(self, _):
            raise RuntimeError("refused")

    lane = Lane(Broken)
    adopt(lane, {1: STANDARD, 2: OFF})
    assert talk(lane, 1, 2) == [1.0, 1.0]
    assert lane.rack.failed == {STANDARD: "RuntimeError: refused"}
    assert lane.rack.counts == {"suppression_failed_standard": 1}
    assert len(caplog.records) == 1
    lane.end()


def test_everything_is_freed():
    before = Gain.alive
    lane = Lane()
    adopt(lane, {1: STANDARD, 2: STRONG, 3: STRONG})
    talk(lane, 1, 2, 3)
    assert Gain.alive > before
    adopt(lane, {1: OFF})
    adopt(lane, {})
    assert Gain.alive == before
    adopt(lane, {1: STANDARD, 2: STRONG, 3: STRONG})
    talk(lane, 1, 2, 3)
    lane.end()
    assert Gain.alive == before


events = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 1), st.integers(1, 5), st.sampled_from([*Suppression, None])),
        st.tuples(st.just("silence"), st.integers(0, 1), st.integers(1, 5), st.none()),
        st.tuples(st.just("frame"), st.integers(0, 1), st.integers(1, 5), st.none()),
        st.tuples(st.just("end"), st.integers(0, 1), st.none(), st.none()),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(events)
def test_whatever_happens_no_two_talkers_share_an_effect_and_the_limit_holds_for_all_lanes(happening):
    rack, before = SuppressionRack(Gain), Gain.alive
    lanes, wishes = [Lane(rack=rack), Lane(rack=rack)], [{}, {}]
    for what, place, user, kind in happening:
        lane = lanes[place]
        if what == "ask":
            wishes[place][user] = kind
            adopt(lane, {known: held for known, held in wishes[place].items() if held is not None})
        elif what == "silence":
            lane.silence(user)
        elif what == "frame":
            assert 0.25 <= heard(lane, user) <= 1.0
        else:
            lane.close()
            lanes[place], wishes[place] = Lane(rack=rack), {}
        talkers = [talker for lane in lanes for talker in lane._talkers.values()]
        playing = [talker.insert.effect for talker in talkers if talker.insert.effect is not None]
        assert len({id(effect) for effect in playing}) == len(playing)
        assert sum(effect._gain == GAINS[STRONG] for effect in playing) <= STRONG_AT_ONCE
    assert rack.failed == {}
    rack.close()
    assert Gain.alive == before


def test_the_real_effects_work_in_it():
    lane = Lane(make)
    adopt(lane, {1: STANDARD, 2: STRONG})
    assert lane.rack.failed == {}
    noise = (0.05 * np.random.default_rng(1).standard_normal(48_000)).astype(np.float32)
    for user, left in ((1, 0.6), (2, 0.1)):
        voice = noise.copy()
        lane.silence(user)
        for start in range(0, len(voice), 960):
            lane.process(user, voice[start : start + 960])
        assert 0 < voice[36_000:].std() < left * noise.std()
    lane.end()
