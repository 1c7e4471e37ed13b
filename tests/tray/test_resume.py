"""What a new engine is told to be as the lost one was."""

import pytest

from common.protocol.messages import SetMatch, StartSession
from common.protocol.spec import MOST_STRIPS, DestinationSpec, SessionSpec, SourceSpec, StripSpec
from common.protocol.state import MatchPhase, Phase, SessionState, TalkerState
from common.types import Suppression
from engine.session import match
from tray.resume import Memory, commands, remembered, start, with_another_engine

SPEC = SessionSpec(
    guild="1", sources=(SourceSpec(channel="2", bot="A", gain=0.5),), destinations=(DestinationSpec("3", "B"),)
)


QUIET = StripSpec(gain=0.3, muted=True, suppression=Suppression.STRONG, levelling=False)


def talker(user, strip=StripSpec(), *, solo=False):  # noqa: B008 - frozen
    return TalkerState(user=user, name=user, source="2", strip=strip, solo=solo)


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
    state = SessionState(phase=phase, spec=SPEC, talkers=(talker("7", QUIET), talker("8", solo=True)), kill=True)
    assert commands(after(state)) == (StartSession(spec=SPEC, strips={"7": QUIET}, kill=True, restore=True),)


@pytest.mark.parametrize("phase", [Phase.STOPPING, Phase.IDLE])
def test_a_session_that_was_stopped_is_not(phase):
    assert commands(after(running(kill=True), SessionState(phase=phase, spec=SPEC))) == ()


def test_who_left_keeps_their_strip():
    memory = after(running(talker("7", QUIET)), running())
    assert commands(memory) == (StartSession(spec=SPEC, strips={"7": QUIET}, restore=True),)


def test_strips_outlast_their_session():
    memory = after(running(talker("7", QUIET)), SessionState())
    assert commands(memory) == ()
    assert start(memory, SPEC) == StartSession(spec=SPEC, strips={"7": QUIET})


def test_the_longest_untouched_strip_goes_first_when_there_are_as_many_as_can_be_sent():
    memory = Memory(strips={str(user): QUIET for user in range(MOST_STRIPS)})
    louder = StripSpec(gain=2.0)
    memory = remembered(memory, running(talker("0", louder), talker("new", louder)))
    assert len(memory.strips) == MOST_STRIPS
    assert "1" not in memory.strips
    assert (memory.strips["0"], memory.strips["new"]) == (louder, louder)


def test_what_was_taken_back_is_forgotten():
    memory = after(running(talker("7", QUIET)), running(talker("7")))
    assert commands(memory) == (StartSession(spec=SPEC, restore=True),)


REMEMBERED = {"7": QUIET, "8": StripSpec(gain=0.5)}


def test_a_session_started_without_what_is_remembered_takes_nothing_from_it():
    memory = remembered(Memory(strips=REMEMBERED), running(talker("7"), talker("8")))
    assert memory.strips == REMEMBERED
    memory = remembered(memory, running(talker("7"), talker("8"), talker("9", QUIET)))
    assert memory.strips == {**REMEMBERED, "9": QUIET}
    memory = remembered(memory, running())
    memory = remembered(memory, running(talker("7"), talker("8")))
    assert memory.strips == {**REMEMBERED, "9": QUIET}


def test_what_somebody_changes_in_such_a_session_is_remembered_and_so_is_taking_it_back():
    memory = remembered(Memory(strips=REMEMBERED), running(talker("7"), talker("8")))
    memory = remembered(memory, running(talker("7", StripSpec(gain=2.0)), talker("8")))
    assert memory.strips == {**REMEMBERED, "7": StripSpec(gain=2.0)}
    assert remembered(memory, running(talker("7"), talker("8"))).strips == {"8": REMEMBERED["8"]}


def test_such_a_session_is_restored_as_it_was():
    memory = remembered(Memory(strips=REMEMBERED), running(talker("7")))
    assert commands(memory) == (StartSession(spec=SPEC, strips={**REMEMBERED, "7": StripSpec()}, restore=True),)
    again = with_another_engine(memory)
    assert remembered(again, running(talker("7"))).strips == REMEMBERED


def test_another_engine_that_knows_nothing_takes_nothing():
    memory = with_another_engine(after(running(talker("7", QUIET))))
    assert remembered(memory, running(talker("7"))).strips == {"7": QUIET}


def test_who_is_there_is_forgotten_last():
    muted = StripSpec(muted=True)
    memory = Memory(strips={"here": muted, **{str(user): QUIET for user in range(MOST_STRIPS - 1)}})
    for states in (
        (running(talker("here", muted)), running(talker("here", muted), talker("new", QUIET))),
        (running(talker("here"), talker("new")), running(talker("here"), talker("new", QUIET))),
    ):
        found = memory
        for state in states:
            found = remembered(found, state)
        assert (found.strips["here"], found.strips["new"]) == (muted, QUIET)
        assert "0" not in found.strips
        assert len(found.strips) == MOST_STRIPS


@pytest.mark.parametrize("wanted", MatchPhase)
def test_the_match_gets_to_its_phase_by_steps_that_are_allowed(wanted):
    phase = MatchPhase.IDLE
    for command in commands(after(SessionState(match=wanted))):
        assert isinstance(command, SetMatch)
        phase = match.step(phase, command.phase)
    assert phase is wanted
