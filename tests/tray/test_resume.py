"""What a new engine is told to be as the lost one was."""

import pytest

from common.protocol.messages import SetMatch, StartSession
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import MatchPhase, Phase, SessionState, TalkerState
from engine.session import match
from tray.resume import Memory, commands, remembered

SPEC = SessionSpec(
    guild="1", sources=(SourceSpec(channel="2", bot="A", gain=0.5),), destinations=(DestinationSpec("3", "B"),)
)


def talker(user, gain=1.0, *, muted=False):
    return TalkerState(user=user, name=user, source="2", gain=gain, muted=muted)


def after(*states):
    memory = Memory()
    for state in states:
        memory = remembered(memory, state)
    return memory


def running(*talkers, **fields):
    return SessionState(phase=Phase.RUNNING, spec=SPEC, talkers=talkers, **fields)


def test_nothing_ran_nothing_is_restored():
    assert commands(after(SessionState())) == ()


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.RUNNING, Phase.DEGRADED])
def test_a_session_is_started_again_as_it_was(phase):
    state = SessionState(phase=phase, spec=SPEC, talkers=(talker("7", 0.3), talker("8", muted=True)), kill=True)
    assert commands(after(state)) == (StartSession(spec=SPEC, gains={"7": 0.3}, muted=("8",), kill=True, restore=True),)


@pytest.mark.parametrize("phase", [Phase.STOPPING, Phase.IDLE])
def test_a_session_that_was_stopped_is_not(phase):
    assert commands(after(running(kill=True), SessionState(phase=phase, spec=SPEC))) == ()


def test_who_left_keeps_gain_and_mute():
    memory = after(running(talker("7", 0.3, muted=True)), running())
    assert commands(memory) == (StartSession(spec=SPEC, gains={"7": 0.3}, muted=("7",), restore=True),)


def test_what_was_taken_back_is_forgotten():
    memory = after(running(talker("7", 0.3, muted=True)), running(talker("7")))
    assert commands(memory) == (StartSession(spec=SPEC, restore=True),)


@pytest.mark.parametrize("wanted", MatchPhase)
def test_the_match_gets_to_its_phase_by_steps_that_are_allowed(wanted):
    phase = MatchPhase.IDLE
    for command in commands(after(SessionState(match=wanted))):
        assert isinstance(command, SetMatch)
        phase = match.step(phase, command.phase)
    assert phase is wanted
