import numpy as np
import pytest

from benchmarks.network import BURST_PACKETS, Loss, lateness_ns, lost

COUNT = 200_000


def chance(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("bursty", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_as_many_are_lost_as_the_name_says(share, bursty):
    assert lost(Loss(share, bursty), COUNT, chance()).mean() == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize(("bursty", "mean"), [(False, 1 / 0.9), (True, BURST_PACKETS)])
def test_losses_come_in_bursts_only_if_asked_to(bursty, mean):
    gone = lost(Loss(0.1, bursty), COUNT, chance())
    bursts = np.count_nonzero(gone[1:] & ~gone[:-1])
    assert gone.sum() / bursts == pytest.approx(mean, rel=0.05)


def test_a_network_without_loss_loses_nothing():
    assert not lost(Loss(0.0, bursty=False), COUNT, chance()).any()
    assert not lost(Loss(0.0, bursty=True), COUNT, chance()).any()


def test_jitter_is_spread_evenly():
    late = lateness_ns(20, COUNT, chance()) / 1e6
    assert 0 <= late.min() < late.max() <= 21
    assert np.percentile(late, [25, 75]) == pytest.approx([5.5, 15.5], abs=0.3)


def test_spikes_hit_one_packet_in_a_hundred():
    late = lateness_ns(20, COUNT, chance(), spikes=True) / 1e6
    assert np.percentile(late, [25, 75]) == pytest.approx([5.6, 15.6], abs=0.3)
    assert 0.003 < np.mean(late > 21) < 0.01


def test_without_jitter_only_the_computers_make_late():
    late = lateness_ns(0, COUNT, chance())
    assert 0 <= late.min() < late.max() <= 1_000_000


def test_the_same_seed_is_the_same_network():
    assert np.array_equal(lateness_ns(60, 100, chance(3)), lateness_ns(60, 100, chance(3)))
    assert not np.array_equal(lateness_ns(60, 100, chance(3)), lateness_ns(60, 100, chance(4)))


def test_names_are_those_of_the_metrics():
    assert [Loss(0.05, bursty=False).name, Loss(0.2, bursty=True).name] == ["random5", "burst20"]
