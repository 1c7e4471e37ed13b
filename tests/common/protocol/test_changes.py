"""A state plus its difference to another is the other."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from common.protocol import changes, codec
from common.protocol.messages import Changed
from common.protocol.spec import SessionSpec, StripSpec
from common.protocol.state import (
    DestinationState,
    MatchPhase,
    OutageState,
    Phase,
    SessionState,
    SourceState,
    TalkerState,
)

STATES = st.builds(
    SessionState,
    phase=st.sampled_from(Phase),
    match=st.sampled_from(MatchPhase),
    kill=st.booleans(),
    spec=st.none() | st.builds(SessionSpec, guild=st.just("1"), sources=st.just(()), destinations=st.just(())),
    bots=st.just(()),
    talkers=st.lists(st.builds(TalkerState, strip=st.builds(StripSpec, gain=st.floats(0, 2))), max_size=2).map(tuple),
    sources=st.lists(st.builds(SourceState), max_size=2).map(tuple),
    destinations=st.lists(st.builds(DestinationState), max_size=2).map(tuple),
    outages=st.lists(st.builds(OutageState, actions=st.just(())), max_size=2).map(tuple),
)


def test_a_change_can_hold_every_field_of_the_state():
    assert {field.name for field in structs.fields(Changed)} == {
        "revision",
        *(field.name for field in structs.fields(SessionState)),
    }


@given(STATES, STATES)
def test_difference_and_application_are_inverse_over_the_wire(before, after):
    change = changes.difference(before, after, 7)
    if change is None:
        assert before == after
        return
    received = codec.decode_engine(codec.encode(change))
    assert isinstance(received, Changed)
    assert received.revision == 7
    assert changes.applied(before, received) == after


@given(STATES)
def test_no_difference_is_no_change(state):
    assert changes.difference(state, state, 1) is None


def test_a_field_that_becomes_nothing_is_a_change():
    spec = SessionSpec(guild="1", sources=(), destinations=())
    change = changes.difference(SessionState(spec=spec), SessionState(), 1)
    assert change is not None
    assert codec.encode(change) == b'{"type":"changed","revision":1,"spec":null}'
