import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.voice.dave import PENDING_TRANSITIONS, SETTLING_SECONDS, SILENCE, DaveGroup, Op

SPEECH = b"\x78" + b"speech" * 10


def hears(group, user=1):
    return group.ours.decrypt(user, group.members[user].encrypt(SPEECH))


@pytest.fixture
def group(make_group):
    made = make_group()
    made.join(1)
    made.join_ourselves()
    return made


def test_we_hear_and_are_heard(group):
    assert hears(group) == SPEECH
    assert group.members[1].decrypt(77, group.ours.encrypt(SPEECH)) == SPEECH
    assert group.ours.version == 1
    assert group.ours.ready


def test_the_first_member_commits_others(make_group):
    made = make_group()
    made.join_ourselves()
    made.join(1)
    made.join(2)
    assert Op.COMMIT_WELCOME in made.sent
    assert hears(made, 1) == hears(made, 2) == SPEECH


def test_silence_is_never_encrypted(group):
    assert group.ours.encrypt(SILENCE) == SILENCE
    assert group.ours.decrypt(1, SILENCE) == SILENCE


def test_begin_in_the_clear_and_be_upgraded(make_group):
    made = make_group(version=0)
    made.join_ourselves()
    assert made.ours.encrypt(SPEECH) == SPEECH
    made.call.upgrade()
    made.settle()
    made.join(1)
    assert made.ours.version == 1
    assert made.ours.encrypt(SPEECH) != SPEECH
    assert hears(made) == SPEECH


def test_speech_goes_on_in_the_clear_until_the_upgrade_is_executed(make_group):
    made = make_group(version=0)
    made.join_ourselves()
    made.ours.prepare_epoch(1, 1)
    assert made.ours.encrypt(SPEECH) == SPEECH


def test_downgrade_and_upgrade(group):
    group.call.downgrade()
    group.settle()
    assert group.ours.version == 0
    assert group.ours.encrypt(SPEECH) == SPEECH
    assert group.ours.decrypt(1, SPEECH) == SPEECH
    group.call.upgrade()
    group.settle()
    assert group.ours.version == 1
    assert hears(group) == SPEECH


def test_a_spoilt_commit_brings_us_back(group):
    group.call.spoil_next_commit(77)
    group.join(2)
    assert Op.INVALID_COMMIT in group.sent
    assert hears(group, 1) == hears(group, 2) == SPEECH


def test_a_spoilt_welcome_brings_us_back(make_group):
    made = make_group()
    made.join(1)
    made.call.spoil_next_commit(77)
    made.join_ourselves()
    assert Op.INVALID_COMMIT in made.sent
    assert hears(made) == SPEECH


@pytest.mark.parametrize("payload", [b"\0", b"\0\x05wrong", b"\1\x40"])
def test_refused_proposals_are_not_answered_and_the_group_goes_on(group, payload):
    assert group.ours.proposals(payload) == []
    group.join(2)
    assert hears(group, 1) == hears(group, 2) == SPEECH


def test_everybody_begins_anew(group):
    group.call.restart()
    group.settle()
    assert hears(group) == SPEECH


def test_not_ready_is_not_sent_in_the_clear(make_group):
    ours = make_group().ours
    ours.start(1)
    assert ours.encrypt(SPEECH) is None
    assert not ours.ready


class Panic(BaseException):
    """What a Rust library raises when it gives up: not an Exception."""


class Panicking:
    """A session that gives up on its first commit."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def process_commit(self, _commit):
        raise Panic


def test_a_panic_in_a_commit_brings_us_back_like_any_failure(group):
    group.ours._session = Panicking(group.ours._session)
    assert [message.op for message in group.ours.commit(3, b"")] == [Op.INVALID_COMMIT, Op.KEY_PACKAGE]


class Unlucky:
    """A session whose group is started over as soon as the lock lets the loop come between question and use."""

    def __init__(self, lock):
        self._lock, self._lost = lock, False

    @property
    def ready(self):
        if self._lock.acquire(blocking=False):
            self._lock.release()
            self._lost = True
        return True

    def encrypt_opus(self, opus):
        if self._lost:
            raise ValueError("NotReady")
        return opus[::-1]


def test_a_group_that_starts_over_meanwhile_is_no_error(group):
    group.ours._session = Unlucky(group.ours._lock)
    assert group.ours.encrypt(SPEECH) == SPEECH[::-1]


def test_transitions_nobody_executes_are_forgotten(group):
    for transition in range(1, 10 * PENDING_TRANSITIONS):
        group.ours.prepare_transition(transition, 0)
    assert len(group.ours._pending) == PENDING_TRANSITIONS
    group.ours.execute_transition(1)
    assert group.ours.version == 1
    group.ours.execute_transition(10 * PENDING_TRANSITIONS - 1)
    assert group.ours.version == 0


def test_a_replay_is_refused(make_group):
    now = [0.0]
    made = make_group(clock=lambda: now[0])
    made.join(1)
    made.join_ourselves()
    frame = made.members[1].encrypt(SPEECH)
    assert made.ours.decrypt(1, frame) == SPEECH
    assert made.ours.decrypt(1, frame) == "dave_in_transition"
    now[0] += SETTLING_SECONDS
    assert made.ours.decrypt(1, frame) == "dave_no_cryptor"
    assert made.ours.decrypt(9, frame) == "dave_no_decryptor"


def test_a_plain_frame_passes_around_a_transition(group):
    assert group.ours.decrypt(1, SPEECH) == SPEECH


def test_a_key_package_that_was_lost_is_offered_again(make_group):
    made = make_group()
    made.join(1)
    made.ours.start(1)
    made.call.join(77)
    made.answer(77, made.ours.offer_again())
    made.settle()
    assert hears(made) == SPEECH
    assert made.ours.offer_again() == []


STEPS = (
    lambda ours, _payload, number: ours.start(number % 2),
    lambda ours, payload, _number: ours.external_sender(payload),
    lambda ours, payload, _number: ours.proposals(payload),
    lambda ours, payload, number: ours.commit(number, payload),
    lambda ours, payload, number: ours.welcome(number, payload),
    lambda ours, _payload, number: ours.prepare_transition(number, number % 2),
    lambda ours, _payload, number: ours.execute_transition(number),
    lambda ours, _payload, _number: ours.prepare_epoch(1, 1),
    lambda ours, payload, number: ours.decrypt(number, payload),
)


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.binary(max_size=60), st.integers(0, 3)), max_size=12))
def test_any_messages_in_any_order(messages):
    ours = DaveGroup(77, 5, lambda: 0.0)
    for step, payload, number in messages:
        step(ours, payload, number)
    assert ours.version in (0, 1)
