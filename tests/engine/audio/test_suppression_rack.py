import threading

import numpy as np
import pytest

from common.types import Suppression
from engine.audio.suppression import Suppressors
from engine.audio.suppression_rack import STRONG_AT_ONCE, SuppressionRack

OFF, STANDARD, STRONG = Suppression
GAINS = {STANDARD: 0.5, STRONG: 0.25}


class Gain:
    """An effect that can be told by what it does to a voice of ones."""

    delay_samples = 0

    def __init__(self, kind):
        self.kind = kind
        self.closed_in = None

    def process(self, voice):
        voice *= np.float32(GAINS[self.kind])

    def close(self):
        self.closed_in = threading.current_thread()


class Maker:
    """Makes effects, keeps them, and makes them wait while it is held up."""

    def __init__(self):
        self.made = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self, kind):
        self.begun.set()
        self.go_on.wait(10)
        self.made.append(Gain(kind))
        return self.made[-1]

    def strong(self):
        return [effect for effect in self.made if effect.kind is STRONG]


@pytest.fixture
def maker():
    return Maker()


@pytest.fixture
def rack(maker):
    rack = SuppressionRack(maker)
    yield rack
    maker.go_on.set()
    rack.close()


def speak(lane, *users):
    """Let talkers begin a stretch, and return what each sounds like in its second frame."""
    for user in users:
        lane.silence(user)
    for _ in range(2):
        voices = [np.ones(960, np.float32) for _ in users]
        for user, voice in zip(users, voices, strict=True):
            lane.process(user, voice)
    return [float(voice[-1]) for voice in voices]


def lane_of(rack, wanted):
    lane = Suppressors(rack)
    lane.adopt(wanted)
    rack.settle()
    return lane


def test_all_lanes_together_have_so_many_strong_ones(rack, maker):
    wanted = dict.fromkeys(range(1, STRONG_AT_ONCE), STRONG)
    live, delayed = lane_of(rack, wanted), lane_of(rack, wanted)
    assert speak(live, *wanted) == [0.25] * (STRONG_AT_ONCE - 1)
    assert speak(delayed, *wanted) == [0.25] + [0.5] * (STRONG_AT_ONCE - 2)
    assert len(maker.strong()) == STRONG_AT_ONCE
    assert rack.counts == {"strong_full": STRONG_AT_ONCE - 2}


def test_a_lane_that_goes_gives_back_what_its_talkers_hold(rack, maker):
    wanted = dict.fromkeys(range(1, STRONG_AT_ONCE + 1), STRONG)
    gone, stays = lane_of(rack, wanted), lane_of(rack, wanted)
    assert speak(gone, *wanted) == [0.25] * STRONG_AT_ONCE
    gone.close()
    assert speak(stays, *wanted) == [0.25] * STRONG_AT_ONCE
    assert len(maker.strong()) == STRONG_AT_ONCE


def test_a_lane_in_the_place_of_another_finds_what_that_one_had(rack, maker):
    wanted = dict.fromkeys(range(1, STRONG_AT_ONCE + 1), STRONG)
    lane = lane_of(rack, wanted)
    speak(lane, *wanted)
    made = len(maker.made)
    lane.close()
    lane = lane_of(rack, wanted)
    assert speak(lane, *wanted) == [0.25] * STRONG_AT_ONCE
    assert len(maker.made) == made
    assert all(effect.closed_in is None for effect in maker.made)


def test_what_nobody_needs_after_a_lane_is_gone_is_freed_in_the_other_thread(rack, maker):
    lane, other = lane_of(rack, {1: STRONG, 2: STANDARD}), lane_of(rack, {})
    speak(lane, 1, 2)
    lane.close()
    other.adopt({})
    rack.settle()
    assert {effect.closed_in for effect in maker.made} == {rack._builder._thread}


def test_nothing_a_lane_does_waits_for_what_is_being_built(rack, maker):
    maker.go_on.clear()
    lane, other = Suppressors(rack), Suppressors(rack)
    lane.adopt({1: STRONG, 2: STANDARD})
    assert maker.begun.wait(10)
    # The builder stands still until the end of this test, so whatever waited for it would stand still as well.
    assert speak(lane, 1, 2) == [1.0, 1.0]
    lane.close()
    other.adopt({3: STRONG})
    assert speak(other, 3) == [1.0]
    other.close()
    assert maker.made == []


def test_closing_frees_everything_even_what_is_made_late(maker):
    rack = SuppressionRack(maker)
    lane = lane_of(rack, {1: STRONG})
    speak(lane, 1)
    maker.begun.clear()
    maker.go_on.clear()
    lane.adopt({1: STRONG, 2: STRONG})
    assert maker.begun.wait(10)
    ending = threading.Thread(target=rack.close)
    ending.start()
    assert rack._builder._closing.wait(10)
    maker.go_on.set()
    ending.join(10)
    assert len(maker.made) == 2
    assert all(effect.closed_in for effect in maker.made)


def test_a_kind_that_fails_is_counted_by_the_stretch_for_each_lane(rack, maker, caplog):
    def refuse(_):
        raise RuntimeError("refused")

    first = lane_of(rack, {1: STRONG})
    second = lane_of(rack, {1: STRONG})
    for effect in maker.strong():
        effect.process = refuse
    for lane in (first, second):
        speak(lane, 1)
        rack.settle()
        assert speak(lane, 1) == [0.5]
    assert rack.failed == {STRONG: "RuntimeError: refused"}
    assert rack.counts["suppression_failed_strong"] == 4
    assert len(caplog.records) == 1
