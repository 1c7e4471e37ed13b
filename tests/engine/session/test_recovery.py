"""The reconnect table, row by row."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode
from engine.session.recovery import (
    FIRST_DELAY,
    LONGEST_DELAY,
    Action,
    Cause,
    Decision,
    Facts,
    Trouble,
    decide,
    delay,
)


def close(code: int):
    return Cause(Trouble.CLOSE, code)


RESUMABLE = [Cause(Trouble.ABORT), Cause(Trouble.HEARTBEAT), close(1006), close(1001), close(4015)]
ANEW = [close(code) for code in (4006, 4009, 1000, 4001, 4999)] + [
    Cause(Trouble.GATEWAY_SESSION),
    Cause(Trouble.REJOIN),
    Cause(Trouble.NO_ANSWER),
    Cause(Trouble.UDP),
]
UNEXPLAINED = [close(4014), close(4022), Cause(Trouble.SERVER_GONE)]
FINAL = {
    4004: ErrorCode.VOICE_REFUSED,
    4011: ErrorCode.VOICE_REFUSED,
    4012: ErrorCode.VOICE_REFUSED,
    4016: ErrorCode.VOICE_REFUSED,
    4017: ErrorCode.ENCRYPTION_REQUIRED,
    4021: ErrorCode.RATE_LIMITED,
}


@pytest.mark.parametrize("cause", RESUMABLE, ids=str)
def test_a_broken_line_is_resumed_once_and_then_made_anew(cause: Cause):
    assert decide(cause, Facts()).action is Action.RESUME
    assert decide(cause, Facts(resume_tried=True)).action is Action.FULL


@pytest.mark.parametrize("cause", ANEW, ids=str)
def test_an_invalid_session_is_made_anew(cause: Cause):
    assert decide(cause, Facts()) == Decision(Action.FULL)


@pytest.mark.parametrize("cause", UNEXPLAINED, ids=str)
def test_an_unexplained_end_waits_for_the_explanation(cause: Cause):
    assert decide(cause, Facts()).action is Action.WAIT_THEN_FULL
    assert decide(cause, Facts(waited=True)).action is Action.FULL
    assert decide(cause, Facts(waited=True, server_waiting=True)).action is Action.HANDSHAKE_NEW_SERVER
    assert decide(cause, Facts(waited=True, moved=True)).action is Action.FOLLOW
    assert decide(cause, Facts(waited=True, removed=True)).action is Action.STAY_OUT


def test_a_server_move_is_a_handshake_with_the_new_server():
    assert decide(Cause(Trouble.SERVER_UPDATE), Facts(server_waiting=True)).action is Action.HANDSHAKE_NEW_SERVER


def test_a_move_to_another_channel_is_followed_also_when_the_server_came_first():
    assert decide(Cause(Trouble.MOVED), Facts(moved=True)).action is Action.FOLLOW
    assert decide(close(4014), Facts(moved=True, server_waiting=True)).action is Action.FOLLOW


def test_a_kick_is_respected_whatever_the_socket_says():
    for cause in [*RESUMABLE, *UNEXPLAINED, close(4006), Cause(Trouble.REMOVED), Cause(Trouble.NO_ANSWER)]:
        assert decide(cause, Facts(removed=True)) == Decision(Action.STAY_OUT, ErrorCode.KICKED)


def test_what_a_dead_gateway_said_last_is_no_kick():
    assert decide(close(4006), Facts(removed=True, gateway_alive=False)).action is Action.FULL


@pytest.mark.parametrize(("code", "reason"), FINAL.items())
def test_final_codes_stop_the_bot_with_a_reason(code: int, reason: ErrorCode):
    assert decide(close(code), Facts()) == Decision(Action.STOP, reason)


def test_a_refused_token_is_not_final_when_discord_has_overtaken_it():
    assert decide(close(4004), Facts(server_waiting=True)) == Decision(Action.HANDSHAKE_NEW_SERVER)
    assert decide(close(4004), Facts(moved=True)) == Decision(Action.FOLLOW)
    assert decide(close(4004), Facts(removed=True, server_waiting=True)).action is Action.STAY_OUT
    assert decide(close(4017), Facts(server_waiting=True)).action is Action.STOP


def test_the_cause_is_recorded_with_its_close_code():
    assert str(close(4006)) == "close_4006"
    assert str(Cause(Trouble.HEARTBEAT)) == "heartbeat"


@given(
    st.builds(Cause, st.sampled_from(Trouble), st.one_of(st.none(), st.integers(1000, 4999))),
    st.builds(
        Facts,
        **{
            name: st.booleans()
            for name in ("gateway_alive", "removed", "moved", "server_waiting", "resume_tried", "waited")
        },
    ),
)
def test_a_bot_only_stops_or_stays_out_with_a_code(cause: Cause, facts: Facts):
    decision = decide(cause, facts)
    assert (decision.code is not None) == (decision.action in {Action.STOP, Action.STAY_OUT})


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_backoff_doubles_within_its_jitter_and_cap(attempt: int, seed: int):
    seconds = delay(attempt, Random(seed))
    steady = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt, 30))
    assert 0.8 * steady <= seconds <= 1.2 * steady


def test_bots_do_not_come_back_in_step():
    assert len({delay(3, Random(seed)) for seed in range(10)}) == 10
