import datetime as dt

from benchmarks.metric import Metric
from devtools import bench

DAY = dt.date(2026, 11, 24)


def test_what_was_run_replaces_its_own_rows_and_no_others():
    first = bench.page("", {"tick": [Metric("tick_us", 900.0, "µs")], "loss": [Metric("stoi", 0.9, "of 1")]}, DAY)
    later = bench.page(
        first, {"tick": [Metric("tick_us", 800.0, "µs"), Metric("ratio", 1.5, "×")]}, dt.date(2027, 1, 1)
    )
    assert bench.rows_of(later) == {
        "loss": ["| loss | stoi | 0.9 | of 1 | 2026-11-24 |"],
        "tick": ["| tick | tick_us | 800 | µs | 2027-01-01 |", "| tick | ratio | 1.5 | × | 2027-01-01 |"],
    }


def test_every_benchmark_is_found_by_its_run():
    assert {"tick", "loss", "levels", "latency", "churn"} <= set(bench.names())
    assert "metric" not in bench.names()


def test_the_page_has_the_form_that_is_written():
    text = bench.PAGE.read_text("utf-8")
    assert bench.page(text, {}, DAY).splitlines()[-1] == text.splitlines()[-1]
    assert all(row.count("|") == 6 for rows in bench.rows_of(text).values() for row in rows)
