"""The identify budget: counted per token and day, kept on disk, never in the way of a start."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from engine.gateway.budget import LIMIT, WINDOW_SECONDS, IdentifyBudget

TOKEN = Secret("a-token-nobody-has")
OTHER = Secret("another")


class HandClock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def spend(budget: IdentifyBudget, times: int, token: Secret = TOKEN):
    for _ in range(times):
        budget.spend(token)


def test_the_count_outlives_the_process_and_the_file_holds_no_token(tmp_path: Path):
    path = tmp_path / "state" / "identifies.json"
    clock = HandClock()
    spend(IdentifyBudget(path, clock), 3)
    assert IdentifyBudget(path, clock).used(TOKEN) == 3
    assert TOKEN.reveal() not in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["identifies.json"]


def test_the_limit_stops_one_token_and_no_other(tmp_path: Path):
    budget = IdentifyBudget(tmp_path / "identifies.json", HandClock())
    spend(budget, LIMIT)
    with pytest.raises(DiscordError) as stopped:
        budget.spend(TOKEN)
    assert stopped.value.code is ErrorCode.IDENTIFY_BUDGET
    budget.spend(OTHER)
    assert (budget.used(TOKEN), budget.used(OTHER)) == (LIMIT, 1)


def test_a_day_later_it_is_counted_anew(tmp_path: Path):
    clock = HandClock()
    budget = IdentifyBudget(tmp_path / "identifies.json", clock)
    spend(budget, LIMIT)
    clock.now += WINDOW_SECONDS - 1
    with pytest.raises(DiscordError):
        budget.spend(TOKEN)
    clock.now += 1
    budget.spend(TOKEN)
    assert budget.used(TOKEN) == 1


def test_a_clock_set_back_does_not_lock_a_bot_out():
    clock = HandClock()
    budget = IdentifyBudget(None, clock)
    spend(budget, LIMIT)
    clock.now -= 10 * WINDOW_SECONDS
    budget.spend(TOKEN)
    assert budget.used(TOKEN) == 1


def test_windows_that_are_over_leave_the_file(tmp_path: Path):
    path, clock = tmp_path / "identifies.json", HandClock()
    budget = IdentifyBudget(path, clock)
    spend(budget, 1)
    clock.now += WINDOW_SECONDS
    spend(budget, 1, OTHER)
    assert len(json.loads(path.read_text())) == 1


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": {"started": "x", "count": 1}}', b"\xff"])
def test_a_broken_file_is_reported_and_counted_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: bytes):
    path = tmp_path / "identifies.json"
    path.write_bytes(broken)
    with caplog.at_level(logging.WARNING):
        budget = IdentifyBudget(path, HandClock())
    assert "counting anew" in caplog.text
    budget.spend(TOKEN)
    assert budget.used(TOKEN) == 1


def test_a_place_that_cannot_be_written_does_not_stop_a_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_text("in the way")
    budget = IdentifyBudget(tmp_path / "file" / "identifies.json", HandClock())
    budget.spend(TOKEN)
    assert budget.used(TOKEN) == 1
    assert "not saved" in caplog.text


@given(st.lists(st.floats(0, 2 * WINDOW_SECONDS), max_size=12))
def test_no_window_ever_holds_more_than_the_limit(pauses: list[float]):
    clock = HandClock()
    budget = IdentifyBudget(None, clock)
    for pause in pauses:
        clock.now += pause
        before = budget.used(TOKEN)
        refused = 0
        for _ in range(LIMIT // 2 + 1):
            try:
                budget.spend(TOKEN)
            except DiscordError:
                refused += 1
        assert budget.used(TOKEN) == min(LIMIT, before + LIMIT // 2 + 1)
        assert refused == max(0, before + LIMIT // 2 + 1 - LIMIT)
