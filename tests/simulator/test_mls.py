import davey
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.mls import ExternalSender, MlsError, Reader, reference, split_commit, vec

GROUP = 5_000_000_000_000_000_001


@given(st.binary(max_size=20_000))
def test_a_vector_is_read_back(data):
    reader = Reader(vec(data) + b"rest")
    assert reader.vec() == data
    assert reader.take(4) == b"rest"
    assert reader.ended


@pytest.mark.parametrize(
    ("length", "front"), [(0, "00"), (63, "3f"), (64, "4040"), (16_383, "7fff"), (16_384, "80004000")]
)
def test_a_vector_s_length_takes_one_two_or_four_bytes(length, front):
    assert vec(bytes(length))[: len(front) // 2].hex() == front


def test_a_length_of_eight_bytes_does_not_exist():
    with pytest.raises(MlsError):
        Reader(b"\xc0" + bytes(20)).vec()


@given(st.binary(max_size=300))
def test_no_noise_is_a_commit(noise):
    with pytest.raises(MlsError):
        split_commit(noise)


@pytest.fixture
def made():
    """One member's commit that adds two others, and what was proposed to it."""
    sender = ExternalSender(GROUP)
    sessions = [davey.DaveSession(1, user, GROUP) for user in (101, 102, 103)]
    for session in sessions:
        session.set_external_sender(sender.package())
    proposals = [sender.add(0, session.get_serialized_key_package()) for session in sessions[1:]]
    answer = sessions[0].process_proposals(davey.ProposalsOperationType.append, vec(b"".join(proposals)))
    return answer, proposals


def test_davey_s_commit_is_told_from_its_welcome_and_names_what_was_proposed(made):
    answer, proposals = made
    commit, welcome = split_commit(answer.commit + answer.welcome)
    assert (commit.message, welcome) == (answer.commit, answer.welcome)
    assert (commit.epoch, commit.leaf) == (0, 0)
    assert set(commit.references) == {reference(proposal) for proposal in proposals}


def test_every_shorter_commit_is_refused(made):
    answer, _ = made
    for size in range(len(answer.commit)):
        with pytest.raises(MlsError):
            split_commit(answer.commit[:size])


def test_davey_refuses_a_proposal_of_a_sender_it_was_not_told_of():
    session, other = davey.DaveSession(1, 101, GROUP), davey.DaveSession(1, 102, GROUP)
    session.set_external_sender(ExternalSender(GROUP).package())
    proposal = ExternalSender(GROUP).add(0, other.get_serialized_key_package())
    with pytest.raises(ValueError, match=r"."):
        session.process_proposals(davey.ProposalsOperationType.append, vec(proposal))
