"""Which face is shown when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode
from common.protocol.state import LinkState, MatchPhase, Phase, SessionState
from common.sentences import templates
from tests.tray.face_data import bot, session, sessions
from tray.face import Face, look, match_is_live, on_air
from tray.restart_policy import EngineLink

READY = EngineLink.READY
TABLE = [
    (None, EngineLink.STARTING, False, Face.IDLE, "getting_ready"),
    (SessionState(), READY, False, Face.IDLE, "idle"),
    (session(Phase.STARTING), READY, False, Face.IDLE, "starting"),
    (session(Phase.STOPPING), READY, False, Face.IDLE, "stopping"),
    (session(), READY, False, Face.LIVE, "live"),
    (session(match=MatchPhase.LIVE), READY, False, Face.LIVE, "match_live"),
    (session(kill=True), READY, False, Face.DEGRADED, "kill"),
    (session(Phase.DEGRADED), READY, False, Face.DEGRADED, "degraded"),
    (session(bots=(bot(LinkState.KICKED),)), READY, False, Face.DEGRADED, "degraded"),
    (session(bots=(bot(cause=ErrorCode.SERVER_DEAFENED),)), READY, False, Face.DEGRADED, "degraded"),
    (session(), EngineLink.RESTARTING, False, Face.DEGRADED, "engine_away"),
    (session(), EngineLink.FAILED, False, Face.FAILED, "failed"),
    (None, EngineLink.FAILED, True, Face.FAILED, "failed"),
    (SessionState(), READY, True, Face.REHEARSING, "rehearsing"),
    (session(), READY, True, Face.REHEARSING, "rehearsing"),
    (session(kill=True), READY, True, Face.DEGRADED, "kill"),
]


@pytest.mark.parametrize(("state", "link", "rehearsing", "face", "line"), TABLE)
def test_the_table(state, link, rehearsing, face, line):
    assert look(state, link, rehearsing=rehearsing) == (face, line)


def test_every_face_is_reached():
    assert {row[3] for row in TABLE} == set(Face)


@given(sessions, st.sampled_from(EngineLink), st.booleans())
def test_live_is_never_shown_unless_casters_hear_the_show(state, link, rehearsing):
    shown = look(state, link, rehearsing=rehearsing)
    healthy = link is READY and state.phase is Phase.RUNNING and not state.kill and not rehearsing
    connected = all(each.link is LinkState.CONNECTED and each.cause is None for each in state.bots)
    assert (shown.face is Face.LIVE) == (healthy and connected)


@given(sessions, st.sampled_from(EngineLink), st.booleans())
def test_every_state_has_its_sentence(state, link, rehearsing):
    shown = look(state, link, rehearsing=rehearsing)
    assert templates("en")[f"tray.state.{shown.line}"]


def test_a_match_is_live_only_with_a_session():
    assert match_is_live(session(match=MatchPhase.LIVE))
    assert not match_is_live(session(Phase.IDLE, MatchPhase.LIVE))
    assert not match_is_live(None)
    assert not on_air(session(Phase.STARTING))
