import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types import Suppression
from engine.audio.suppression import STRONG_AT_ONCE, Suppressors

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


@pytest.fixture
def rack():
    rack = Suppressors(Gain)
    yield rack
    rack.close()


def heard(rack, user, samples=960):
    """Return the last sample of a frame of ones."""
    voice = np.ones(samples, np.float32)
    rack.process(user, voice)
    return float(voice[-1])


def talk(rack, *users, frames=3):
    """Let talkers begin a stretch and return what each sounds like in the end."""
    for user in users:
        rack.silence(user)
    for _ in range(frames - 1):
        for user in users:
            heard(rack, user)
    return [heard(rack, user) for user in users]


def adopt(rack, wanted):
    rack.adopt(wanted)
    rack.settle()


def test_each_talker_gets_what_is_asked_for(rack):
    adopt(rack, {1: OFF, 2: STANDARD, 3: STRONG})
    assert talk(rack, 1, 2, 3, 4) == [1.0, 0.5, 0.25, 1.0]


def test_frames_may_have_10_ms(rack):
    adopt(rack, {1: STANDARD})
    rack.silence(1)
    assert [heard(rack, 1, 480) for _ in range(2)] == [0.5, 0.5]


def test_what_is_not_built_yet_leaves_the_voice_untouched_and_comes_while_it_talks():
    go_on = threading.Event()

    def slow(kind):
        go_on.wait(10)
        return Gain(kind)

    rack = Suppressors(slow)
    rack.adopt({1: STRONG})
    assert talk(rack, 1) == [1.0]
    go_on.set()
    rack.settle()
    heard(rack, 1)
    assert heard(rack, 1) == 0.25
    rack.close()


def test_a_person_changes_it_while_somebody_talks_without_a_step(rack):
    adopt(rack, {1: OFF})
    said = []
    for kind in (OFF, STANDARD, STRONG, OFF, STRONG):
        adopt(rack, {1: kind})
        for _ in range(3):
            voice = np.ones(960, np.float32)
            rack.process(1, voice)
            said.append(voice)
    whole = np.concatenate(said)
    assert np.abs(np.diff(whole)).max() < 1 / 900
    assert [whole[2880 * place - 1] for place in range(1, 6)] == [1.0, 0.5, 0.25, 1.0, 0.25]


def test_only_so_many_get_the_strong_one_and_the_others_standard(rack):
    users = list(range(1, STRONG_AT_ONCE + 3))
    adopt(rack, dict.fromkeys(users, STRONG))
    assert talk(rack, *users) == [0.25] * STRONG_AT_ONCE + [0.5, 0.5]
    assert rack.counts == {"strong_refused": 2}


def test_who_waits_for_the_strong_one_gets_it_with_the_next_stretch_and_not_before(rack):
    users = list(range(1, STRONG_AT_ONCE + 2))
    last = users[-1]
    adopt(rack, dict.fromkeys(users, STRONG))
    talk(rack, *users)
    rack.silence(users[0])
    assert [heard(rack, last) for _ in range(3)] == [0.5] * 3
    assert talk(rack, last) == [0.25]
    assert talk(rack, users[0]) == [0.5]


def test_the_rack_is_idle_until_somebody_asks_and_again_when_the_last_one_stopped(rack):
    adopt(rack, {1: OFF, 2: OFF})
    assert rack.idle
    adopt(rack, {1: STANDARD})
    assert not rack.idle
    adopt(rack, {1: OFF})
    assert talk(rack, 1) == [1.0]
    assert rack.idle


def test_a_talker_who_goes_makes_room(rack):
    users = list(range(1, STRONG_AT_ONCE + 2))
    adopt(rack, dict.fromkeys(users, STRONG))
    talk(rack, *users)
    adopt(rack, dict.fromkeys(users[1:], STRONG))
    assert talk(rack, users[-1]) == [0.25]


def test_who_is_switched_off_while_talking_makes_room(rack):
    users = list(range(1, STRONG_AT_ONCE + 2))
    adopt(rack, dict.fromkeys(users, STRONG))
    talk(rack, *users)
    adopt(rack, {**dict.fromkeys(users, STRONG), users[0]: OFF})
    assert heard(rack, users[0]) == 1.0
    assert talk(rack, users[-1]) == [0.25]


def test_without_the_strong_library_there_is_standard_and_without_any_the_voice():
    def fail(kind):
        if kind in missing:
            raise ImportError("missing")
        return Gain(kind)

    for missing, left in (({STRONG}, [0.5, 0.5]), ({STANDARD, STRONG}, [1.0, 1.0])):
        rack = Suppressors(fail)
        adopt(rack, {1: STANDARD, 2: STRONG})
        talk(rack, 1, 2)
        rack.settle()
        assert talk(rack, 1, 2) == left
        assert set(rack.failed) == missing
        assert rack.counts == {"effect_not_built": len(missing)}
        rack.close()


def test_an_effect_that_fails_on_air_is_taken_out(caplog):
    class Broken(Gain):
        def process(self, _):
            raise RuntimeError("refused")

    rack = Suppressors(Broken)
    adopt(rack, {1: STANDARD, 2: OFF})
    assert talk(rack, 1, 2) == [1.0, 1.0]
    assert rack.failed == {STANDARD: "RuntimeError: refused"}
    assert rack.counts == {"effect_failed": 1}
    assert len(caplog.records) == 1
    rack.close()


def test_everything_is_freed():
    before = Gain.alive
    rack = Suppressors(Gain)
    adopt(rack, {1: STANDARD, 2: STRONG, 3: STRONG})
    talk(rack, 1, 2, 3)
    assert Gain.alive > before
    adopt(rack, {1: OFF})
    adopt(rack, {})
    assert Gain.alive == before
    adopt(rack, {1: STANDARD, 2: STRONG, 3: STRONG})
    talk(rack, 1, 2, 3)
    rack.close()
    assert Gain.alive == before


events = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 7), st.sampled_from([*Suppression, None])),
        st.tuples(st.just("silence"), st.integers(1, 7), st.none()),
        st.tuples(st.just("frame"), st.integers(1, 7), st.none()),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(events)
def test_whatever_happens_no_two_talkers_share_an_effect_and_the_limit_holds(happening):
    rack, wanted = Suppressors(Gain), {}
    for what, user, kind in happening:
        if what == "ask":
            wanted = {known: held for known, held in {**wanted, user: kind}.items() if held is not None}
            adopt(rack, wanted)
        elif what == "silence":
            rack.silence(user)
        else:
            assert 0.25 <= heard(rack, user) <= 1.0
        playing = [talker.insert.effect for talker in rack._talkers.values() if talker.insert.effect is not None]
        assert len({id(effect) for effect in playing}) == len(playing)
        assert sum(effect._gain == GAINS[STRONG] for effect in playing) <= STRONG_AT_ONCE
    assert rack.failed == {}
    rack.close()


def test_the_real_effects_work_in_it():
    rack = Suppressors()
    adopt(rack, {1: STANDARD, 2: STRONG})
    assert rack.failed == {}
    noise = (0.05 * np.random.default_rng(1).standard_normal(48_000)).astype(np.float32)
    for user, left in ((1, 0.6), (2, 0.1)):
        voice = noise.copy()
        rack.silence(user)
        for start in range(0, len(voice), 960):
            rack.process(user, voice[start : start + 960])
        assert 0 < voice[36_000:].std() < left * noise.std()
    rack.close()
