import numpy as np
import pytest

from benchmarks import loss
from benchmarks.judge import QUARTER
from benchmarks.loss import Cell, Course, Score, Talk
from benchmarks.network import Loss
from benchmarks.playouts import TICK_NS, Heard

SECONDS = loss.WARM_UP_SECONDS + 2
CLEAN = Cell(Loss(0.0, bursty=False), 0)


def said(codecs=432):
    count = SECONDS * 50
    return Talk(np.zeros(count * 960, np.float32), [b"%d" % n for n in range(count)], codecs)


def test_there_is_a_cell_for_each_loss_and_jitter():
    names = {cell.name for cell in loss.cells()}
    assert len(names) == 21
    assert {"random0_jitter0", "random20_jitter60", "burst5_jitter20"} <= names


def test_packets_come_in_order_of_arrival_and_their_numbers_wrap():
    way = loss.course(said(), Cell(Loss(0.2, bursty=True), 60), seed=2)
    arrivals = [packet.arrival for packet in way.packets]
    assert arrivals == sorted(arrivals)
    assert len(arrivals) < len(said().packets)
    assert {int(packet.payload) for packet in way.packets} == {packet.timestamp // 960 for packet in way.packets}
    numbers = [packet.sequence for packet in sorted(way.packets, key=lambda packet: packet.timestamp)]
    assert numbers[0] >= 65_400
    assert min(numbers) < 250
    assert 0 <= way.begin < TICK_NS


def test_a_seed_loses_the_same_packets_whatever_the_jitter():
    ways = [loss.course(said(), Cell(Loss(0.1, bursty=False), jitter), seed=1) for jitter in (0, 60)]
    assert {packet.payload for packet in ways[0].packets} == {packet.payload for packet in ways[1].packets}


@pytest.mark.parametrize("waited_ms", [0, 7, 65])
def test_delay_is_from_arrival_to_tick(waited_ms):
    talk, transit = said(), 3_000_000
    first = TICK_NS + transit + waited_ms * 1_000_000
    times = first % TICK_NS + np.arange(SECONDS * 50 + 10, dtype=np.int64) * TICK_NS
    played_first = int(np.searchsorted(times, first))
    lag = (played_first * 960 + talk.codecs) // 3
    heard = Heard(np.zeros(len(times) * 960, np.float32), times)
    found = loss.delay_ms(talk, Course((), 0, transit), heard, [lag] * (2 * 16_000 // QUARTER))
    assert found == pytest.approx(waited_ms)


def test_every_cell_has_its_figures_and_the_least_lead_is_told():
    table = {
        CLEAN: {name: [Score(0.9, 4.0, 5.0)] * 2 for name in ("ours", "fixed60", "none")},
        Cell(Loss(0.1, bursty=False), 20): {
            "ours": [Score(0.8, 3.0, 9.0), Score(0.9, 3.0, 9.0)],
            "fixed60": [Score(0.7, 3.5, 60.0), Score(0.7, 3.5, 60.0)],
            "none": [Score(0.1, 1.0, 5.0)] * 2,
        },
    }
    figures = {metric.metric: metric.value for metric in loss.metrics(table)}
    assert figures["stoi_random10_jitter20_ours"] == pytest.approx(0.85)
    assert figures["delay_ms_random0_jitter0_ours"] == 5.0
    assert figures["stoi_lead_min"] == 0.0
    assert figures["stoi_lead_error_max"] == pytest.approx(0.05)
    if loss.PESQ:
        assert figures["pesq_random0_jitter0_none"] == 4.0
        assert figures["pesq_lead_min"] == pytest.approx(-0.5)
