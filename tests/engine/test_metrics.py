from engine.metrics import Counters


def test_reasons_are_counted_apart():
    counters = Counters()
    counters.add("late")
    counters.add("late", 3)
    counters.add("lost")
    assert counters.snapshot() == {"late": 4, "lost": 1}
    assert counters.get("late") == 4
    assert counters.get("never") == 0


def test_a_snapshot_is_a_copy():
    counters = Counters()
    counters.add("late")
    before = counters.snapshot()
    before["late"] = 99
    counters.add("late")
    assert counters.get("late") == 2
    assert before == {"late": 99}
