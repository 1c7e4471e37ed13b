import pytest

from devtools.demo_report import HEARD, make_report


def heard(values=(0.95, 0.97), one_way=True):
    return {
        "talkers": [{"name": f"t{index}", "heard": value} for index, value in enumerate(values)],
        "one_way": one_way,
        "bot_packets_in_sources": 0,
        "listeners": [],
    }


def report(simulator=None, meters=None, engine_status=0):
    return make_report(simulator or heard(), {}, meters or {}, seconds=15.0, engine_status=engine_status)


@pytest.mark.parametrize(
    ("simulator", "status", "ok"),
    [
        (heard(), 0, True),
        (heard((HEARD,)), 0, True),
        (heard((0.99, HEARD - 0.001)), 0, False),
        (heard(()), 0, False),
        (heard(one_way=False), 0, False),
        (heard(), 1, False),
    ],
)
def test_it_is_fine_only_if_everybody_was_heard_one_way_and_the_engine_ended_well(simulator, status, ok):
    assert report(simulator, engine_status=status)["ok"] is ok


def test_drops_of_all_sources_add_up_and_transitions_are_counted_apart():
    drops = [{"transport_refused": 2, "dave_in_transition": 5, "late": 7}, {"transport_refused": 1, "unknown_ssrc": 4}]
    made = report(meters={"sources": [{"drops": each} for each in drops]})
    assert made["undecryptable"] == 7
    assert made["undecryptable_in_transitions"] == 5
    assert made["drops"]["late"] == 7


def test_a_run_without_meters_has_no_figures_rather_than_good_ones():
    assert report()["residence_ms"] == {"p50": None, "p99": None}
