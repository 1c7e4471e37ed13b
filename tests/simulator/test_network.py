import itertools

import pytest

from simulator import network as network_module
from simulator.network import LinkQuality, Network

MS = 1_000_000
FRAME = 20 * MS


def travel(quality, *, seed=1, name="a", count=2_000):
    """Send numbered packets every 20 ms; return (number, moment of arrival) in order of arrival."""
    network, arrived = Network(seed), []
    link = network.link(name, quality)
    for number in range(count):
        now = number * FRAME
        network.advance(now)
        link.send(now, lambda number=number: arrived.append(number))
    network.advance(count * FRAME + 10_000 * MS)
    return arrived, network


ROUGH = LinkQuality(
    loss=0.02, burst_enter=0.01, burst_leave=0.25, delay_ms=30, jitter_ms=25, reorder=0.02, duplicate=0.02
)


def test_a_perfect_link_hands_over_at_once_and_everything():
    arrived, network = travel(LinkQuality())
    assert arrived == list(range(2_000))
    assert network.lost == 0
    assert network.next_due is None


def test_the_same_seed_and_name_give_the_same_journey():
    assert travel(ROUGH)[0] == travel(ROUGH)[0]


@pytest.mark.parametrize("other", [{"seed": 2}, {"name": "b"}])
def test_another_seed_or_name_gives_another(other):
    assert travel(ROUGH)[0] != travel(ROUGH, **other)[0]


def test_random_loss_is_the_share_asked_for():
    arrived, network = travel(LinkQuality(loss=0.05), count=20_000)
    assert network.lost == 20_000 - len(arrived)
    assert 0.045 < network.lost / 20_000 < 0.055


def test_bursts_lose_packets_in_a_row():
    arrived, network = travel(LinkQuality(burst_enter=0.01, burst_leave=0.2, burst_loss=1.0, delay_ms=1), count=20_000)
    gaps = [after - before - 1 for before, after in itertools.pairwise(arrived) if after > before + 1]
    assert network.lost == sum(gaps)
    assert 3.5 < sum(gaps) / len(gaps) < 6.5  # a burst lasts 1 / burst_leave packets on average


def test_nothing_comes_before_its_delay():
    network, arrived = Network(1), []
    network.link("a", LinkQuality(delay_ms=30)).send(5 * MS, lambda: arrived.append("x"))
    assert network.next_due == 35 * MS
    network.advance(35 * MS - 1)
    assert arrived == []
    network.advance(35 * MS)
    assert arrived == ["x"]


def test_reordering_brings_some_late_and_loses_none():
    arrived, network = travel(LinkQuality(delay_ms=5, reorder=0.05))
    assert sorted(arrived) == list(range(2_000))
    late = sum(after < before for before, after in itertools.pairwise(arrived))
    assert 0.02 < late / 2_000 < 0.08
    assert network.lost == 0


def test_duplicates_come_twice():
    arrived, _ = travel(LinkQuality(delay_ms=5, duplicate=0.1))
    assert set(arrived) == set(range(2_000))
    assert 0.07 < (len(arrived) - 2_000) / 2_000 < 0.13


def test_a_cut_drops_everything_until_its_end():
    network, arrived = Network(1), []
    link = network.link("a")
    link.cut_until = 100 * MS
    for now in (0, 99 * MS, 100 * MS):
        link.send(now, lambda now=now: arrived.append(now))
    assert arrived == [100 * MS]
    assert network.lost == 2


def test_only_so_many_packets_are_under_way(monkeypatch):
    monkeypatch.setattr(network_module, "MOST_ON_THE_WAY", 3)
    network, arrived = Network(1), []
    link = network.link("a", LinkQuality(delay_ms=10))
    for number in range(5):
        link.send(0, lambda number=number: arrived.append(number))
    network.advance(10 * MS)
    assert arrived == [0, 1, 2]
    assert network.lost == 2
