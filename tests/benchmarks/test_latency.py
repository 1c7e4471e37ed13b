from collections import Counter

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.probe import Findings, values
from engine.audio.meter import Ring
from simulator.scene import parse


@pytest.mark.parametrize("count", [0, 1, 8_192, 8_200, 20_000])
def test_a_ring_is_read_oldest_first(count):
    ring = Ring()
    for value in range(count):
        ring.add(value)
    assert values(ring) == list(range(max(0, count - 8_192), count))


@pytest.mark.parametrize(("talkers", "busy"), [(2, False), (12, True)])
def test_half_of_the_people_talk_all_the_time_on_each_source(talkers, busy):
    scene = parse(latency.scene(talkers, busy=busy))
    assert (scene.guild.full, scene.guild.update_period) == ((True, 0.5) if busy else (False, 0.0))
    *people, caster = scene.people
    assert caster.listens
    assert Counter(person.channel for person in people) == dict.fromkeys(latency.SOURCES, talkers // 2)
    assert all(person.clip and person.talks == ((0.0, scene.period),) for person in people)


def test_only_what_came_after_the_warm_up_counts():
    assert latency.last([9_000_000, 1_000_000, 2_000_000], 2.0).tolist() == [1.0, 2.0]


def test_a_run_with_less_load_than_said_is_refused():
    seconds = latency.WARM_UP_SECONDS + latency.SECONDS
    meters, updates = int(seconds * 25), int(seconds / latency.UPDATE_SECONDS * 3)
    latency.check(Findings([], [], updates), meters, busy=True)
    latency.check(Findings([], [], 0), meters, busy=False)
    with pytest.raises(RuntimeError, match="guild updates"):
        latency.check(Findings([], [], updates // 3), meters, busy=True)
    with pytest.raises(RuntimeError, match="meters"):
        latency.check(Findings([], [], updates), meters // 2, busy=False)


def test_both_percentiles_have_a_name():
    found = latency.metrics("residence_ms_{}_tick20", np.arange(101.0))
    assert [(each.metric, each.value) for each in found] == [
        ("residence_ms_p50_tick20", 50.0),
        ("residence_ms_p99_tick20", 99.0),
    ]
