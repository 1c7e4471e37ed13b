from devtools.demo_screen import METER_WIDTH, Screen, bar, lines, summary

STATE = {
    "phase": "running",
    "talkers": [{"user": "1", "name": "RED Akari"}],
    "bots": [{"bot": "a", "name": "Team Red", "channel": "10"}, {"bot": "c", "name": "", "channel": "30"}],
}
METERS = {
    "sources": [{"source": "10", "peak_db": -6.0, "received": 5, "decrypted": 4, "decoded": 3, "mixed": 2}],
    "destinations": [{"destination": "30", "peak_db": -12.0, "sent": 9}],
    "talkers": [{"user": "1", "talking": True, "peak_db": -6.0}, {"user": "2", "talking": False, "peak_db": -99.0}],
    "engine": {"residence_p50_ms": 9.96, "residence_p99_ms": 18.04},
}


def test_a_bar_grows_with_the_level_and_never_leaves_its_frame():
    assert [bar(level).count("█") for level in (-1000.0, -60.0, -30.0, 0.0, 20.0)] == [0, 0, 10, 20, 20]
    assert {len(bar(level)) for level in (-1000.0, -31.4, 20.0)} == {METER_WIDTH}


def test_every_hop_and_person_is_shown_by_name():
    text = "\n".join(lines(STATE, METERS, 7.25))
    assert "Team Red" in text
    assert "received 5 → decrypted 4 → decoded 3 → mixed 2" in text
    assert "c            " in text  # a bot without a name goes by its key
    assert "● RED Akari" in text
    assert "○ 2 " in text
    assert "p50 10.0 ms, p99 18.0 ms" in text


def test_nothing_known_yet_can_be_drawn():
    assert lines({}, {}, 1.0)[0] == "session ?,  1.0 s left"


def test_no_terminal_gets_no_control_codes(capsys):
    screen = Screen()
    screen.draw(STATE, METERS, 2.0)
    screen.draw(STATE, METERS, 1.0)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count("session running") == 2


def test_the_summary_says_no_loudly_and_takes_who_was_not_heard():
    report = {
        "talkers": [
            {"name": "Akari", "heard": 0.987, "delay_ms": 61.4},
            {"name": "Ben", "heard": 0.0, "delay_ms": None},
        ],
        "heard_count": 1,
        "one_way": False,
        "undecryptable": 3,
        "undecryptable_in_transitions": 4,
        "residence_ms": {"p50": 9.9, "p99": 20.1},
    }
    text = summary(report)
    assert "heard 0.987, 61 ms after it was said" in text
    assert "1 of 2 talkers heard" in text
    assert "one way: NO" in text
