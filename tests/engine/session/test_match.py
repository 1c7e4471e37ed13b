"""The match goes through its phases in order, and leaves LIVE through BREAK only."""

from itertools import product

import pytest

from common.errors import ErrorCode, SessionError
from common.protocol.state import MatchPhase
from engine.session.match import allowed, locked, step

IDLE, READY, LIVE, BREAK = MatchPhase.IDLE, MatchPhase.READY, MatchPhase.LIVE, MatchPhase.BREAK
STEPS = {(IDLE, READY), (READY, LIVE), (READY, IDLE), (LIVE, BREAK), (BREAK, LIVE), (BREAK, READY), (BREAK, IDLE)}


@pytest.mark.parametrize(("phase", "wanted"), list(product(MatchPhase, MatchPhase)))
def test_every_step_is_decided(phase: MatchPhase, wanted: MatchPhase):
    if phase == wanted or (phase, wanted) in STEPS:
        assert step(phase, wanted) is wanted
    else:
        with pytest.raises(SessionError) as refused:
            step(phase, wanted)
        assert refused.value.code is ErrorCode.MATCH_STEP


def test_only_live_locks():
    assert [phase for phase in MatchPhase if locked(phase)] == [LIVE]
    assert allowed(LIVE) == {BREAK}
