import pytest

from engine.audio.meter import Percentiles, Ring

MS = 1_000_000


def test_nothing_measured_is_zero():
    assert Ring().percentiles() == Percentiles(0.0, 0.0, 0)


def test_median_and_99th_percentile_are_in_milliseconds():
    ring = Ring()
    for milliseconds in range(1, 102):
        ring.add(milliseconds * MS)
    assert ring.percentiles() == Percentiles(pytest.approx(51.0), pytest.approx(100.0), 101)


def test_only_the_last_8192_count():
    ring = Ring()
    for _ in range(5_000):
        ring.add(1_000 * MS)
    for _ in range(8_192):
        ring.add(2 * MS)
    assert ring.percentiles() == Percentiles(2.0, 2.0, 13_192)
    assert ring._values.size == 8_192


def test_percentiles_are_at_most_a_fiftieth_old():
    ring = Ring()
    ring.add_all([1_000_000] * 5_000)
    assert ring.percentiles().p99 == 1.0
    ring.add_all([9_000_000] * 90)
    assert (ring.percentiles().p99, ring.percentiles().count) == (1.0, 5_090)
    ring.add_all([9_000_000] * 20)
    assert ring.percentiles().p99 == 9.0
