from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.audio.arrivals import CLEAN_NS, GRACE_NS, LONGEST_TARGET_NS, WINDOW, Arrivals
from engine.audio.frame import FRAME_NS, FRAME_SAMPLES

MS = 1_000_000
LATER = 2**62


def hear(arrivals, jitters, first=0, begin=5_000_000_000):
    """Take in packets that left every 20 ms and took ``jitters`` (ns) longer than the quickest."""
    for number, jitter in enumerate(jitters, first):
        arrivals.add(number * FRAME_SAMPLES, begin + number * FRAME_NS + jitter)


def test_a_clean_network_asks_for_no_delay():
    arrivals, chance = Arrivals(), Random(1)
    hear(arrivals, [chance.randrange(CLEAN_NS // 2) for _ in range(100)])
    assert arrivals.target_ns(LATER) == 0


def test_the_target_covers_the_jitter_seen_and_falls_again_when_it_ends():
    arrivals, chance = Arrivals(), Random(1)
    hear(arrivals, [chance.randrange(40 * MS) for _ in range(200)])
    high = arrivals.target_ns(LATER)
    assert 36 * MS < high <= 43 * MS
    hear(arrivals, [0] * 2000, first=200)
    assert arrivals.target_ns(LATER) == 0


def test_who_ran_dry_waits_at_once_and_for_10_s():
    arrivals = Arrivals()
    hear(arrivals, [0] * 100)
    late = 5_000_000_000 + 100 * FRAME_NS + 15 * MS
    arrivals.add(100 * FRAME_SAMPLES, late)
    arrivals.ran_dry(late)
    assert 15 * MS <= arrivals.target_ns(late) <= 16 * MS
    hear(arrivals, [0] * 3000, first=101)
    assert arrivals.target_ns(late + 9_999 * MS) > 0
    assert arrivals.target_ns(late + 10_000 * MS) == 0


def test_a_stretch_with_a_clock_of_its_own_is_not_jitter():
    arrivals = Arrivals()
    hear(arrivals, [0] * 50)
    # Timestamps stood still for 3 s of silence.
    arrivals.begin(50 * FRAME_SAMPLES, 5_000_000_000 + 50 * FRAME_NS + 3_000 * MS)
    hear(arrivals, [0] * 50, first=50, begin=8_000_000_000)
    assert arrivals.target_ns(LATER) == 0
    assert arrivals.surplus_ns(99 * FRAME_SAMPLES, 8_000_000_000 + 100 * FRAME_NS) > 0


def test_a_clock_that_runs_faster_is_followed():
    arrivals = Arrivals()
    for number in range(3_000):
        arrivals.add(number * FRAME_SAMPLES, number * (FRAME_NS + 2_000))  # 100 ppm
    behind = 2_999 * 2_000 - arrivals._base
    assert 0 <= behind <= (WINDOW + 100) * 2_000
    assert arrivals.target_ns(LATER) == 0


def test_less_late_than_a_tick_s_grace_costs_no_constant_wait():
    punctual, late, later = Arrivals(), Arrivals(), Arrivals()
    hear(punctual, [0] * 100)
    hear(late, [0, GRACE_NS * 9 // 10] * 50)
    hear(later, [0, GRACE_NS + MS] * 50)
    assert punctual.phase(0).spread_ns == late.phase(0).spread_ns < later.phase(0).spread_ns < 2 * MS


def test_the_grace_is_for_accidents_not_for_a_network_with_jitter_or_loss():
    jittery, losing = Arrivals(), Arrivals()
    hear(jittery, [0, 20 * MS] * 50)
    hear(losing, [0, MS] * 50)
    losing.extra_ns = FRAME_NS
    assert jittery.phase(0).spread_ns > 20 * MS
    assert losing.phase(0).spread_ns > MS


def test_a_packet_may_come_until_it_is_later_than_others_were():
    arrivals = Arrivals()
    hear(arrivals, [0, 4 * MS] * 50)
    due = 5_000_000_000 + 100 * FRAME_NS
    assert arrivals.may_come(100 * FRAME_SAMPLES, due + 4 * MS)
    assert not arrivals.may_come(100 * FRAME_SAMPLES, due + 5 * MS)


def test_who_has_not_talked_for_10_s_has_no_phase():
    arrivals = Arrivals()
    assert arrivals.phase(0) is None
    hear(arrivals, [0] * 10)
    last = 5_000_000_000 + 9 * FRAME_NS
    assert arrivals.phase(last + 10_000_000_000) is not None
    assert arrivals.phase(last + 10_000_000_001) is None


@given(st.lists(st.integers(0, 10_000_000_000), min_size=1, max_size=300))
def test_whatever_the_network_does_memory_and_target_stay_bounded(jitters):
    arrivals = Arrivals()
    hear(arrivals, jitters)
    arrivals.ran_dry(LATER)
    assert len(arrivals._transits) <= WINDOW
    assert 0 <= arrivals.target_ns(LATER) <= LONGEST_TARGET_NS
