import random
from collections import deque

import pytest

from simulator.dave import DaveCall, Op
from simulator.davey_member import DaveyMember

CHANNEL = 5_000_000_000_000_000_001


class Call:
    """A call whose messages go round without sockets."""

    def __init__(self, version=1):
        self.queue = deque()
        self.members = {}
        self.late = []
        self.dave = DaveCall(
            CHANNEL,
            version=version,
            send_json=lambda user, op, data: self.queue.append((user, op, data)),
            send_binary=lambda user, op, data: self.queue.append((user, op, data)),
            later=lambda _seconds, call: self.late.append(call),
        )

    def join(self, user, settle=True):
        member = self.members[user] = DaveyMember(user, CHANNEL)
        answers = member.start(self.dave.version)
        self.dave.join(user)
        self.answer(user, answers)
        if settle:
            self.settle()

    def leave(self, user):
        del self.members[user]
        self.dave.leave(user)
        self.settle()

    def answer(self, user, answers):
        for op, data in answers:
            if op == Op.KEY_PACKAGE:
                self.dave.key_package(user, data)
            elif op == Op.COMMIT_WELCOME:
                self.dave.commit_welcome(user, data)
            elif op == Op.TRANSITION_READY:
                self.dave.ready(user, data["transition_id"])
            elif op == Op.INVALID_COMMIT:
                self.dave.invalid_commit(user)

    def settle(self):
        while self.queue:
            user, op, data = self.queue.popleft()
            member = self.members.get(user)
            if member is not None:
                self.answer(user, member.binary(op, data) if isinstance(data, bytes) else member.json(op, data))

    def all_hear_all(self):
        for speaker, member in self.members.items():
            frame = member.encrypt(b"\x78speech of " + str(speaker).encode() * 5)
            assert frame is not None
            for listener, other in self.members.items():
                if listener != speaker:
                    assert other.decrypt(speaker, frame) == b"\x78speech of " + str(speaker).encode() * 5


@pytest.fixture
def call():
    return Call()


@pytest.mark.parametrize("count", [2, 5, 10])
def test_everybody_hears_everybody(call, count):
    for user in range(101, 101 + count):
        call.join(user)
    call.all_hear_all()
    assert call.dave.members == set(call.members)


def test_joining_all_at_once(call):
    for user in range(101, 106):
        call.join(user, settle=False)
    call.settle()
    call.all_hear_all()


def test_leaving_and_coming_back(call):
    for user in (101, 102, 103):
        call.join(user)
    call.leave(102)
    call.all_hear_all()
    assert call.dave.members == {101, 103}
    call.join(102)
    call.all_hear_all()
    call.leave(101)
    call.join(104)
    call.all_hear_all()
    assert call.dave.members == {102, 103, 104}


def test_the_founder_leaves_before_anybody_is_added(call):
    call.join(101)
    call.join(102, settle=False)
    call.leave(101)
    call.join(103)
    call.all_hear_all()


def test_everybody_leaves_and_the_call_starts_anew(call):
    for user in (101, 102):
        call.join(user)
    call.leave(101)
    call.leave(102)
    for user in (103, 104):
        call.join(user)
    call.all_hear_all()


def test_an_invalid_commit_is_recovered_from(call):
    for user in (101, 102, 103):
        call.join(user)
    call.dave.spoil_next_commit(102)
    call.join(104)
    call.all_hear_all()
    assert call.dave.members == {101, 102, 103, 104}


def test_a_spoilt_welcome_is_recovered_from(call):
    for user in (101, 102):
        call.join(user)
    call.dave.spoil_next_commit(103)
    call.join(103)
    call.all_hear_all()


def test_downgrade_and_upgrade(call):
    for user in (101, 102, 103):
        call.join(user)
    call.dave.downgrade()
    call.settle()
    assert call.dave.version == 0
    assert call.members[101].encrypt(b"plain") == b"plain"
    call.all_hear_all()
    call.dave.upgrade()
    call.settle()
    assert all(member.version == 1 for member in call.members.values())
    assert call.members[101].encrypt(b"\x78plain speech") != b"\x78plain speech"
    call.all_hear_all()


def test_a_call_that_starts_without_encryption(call):
    call = Call(version=0)
    call.join(101)
    assert call.members[101].encrypt(b"plain") == b"plain"
    call.dave.upgrade()
    call.settle()
    call.join(102)
    call.all_hear_all()


def test_a_member_who_never_answers_does_not_stop_a_transition(call):
    for user in (101, 102):
        call.join(user)
    call.members[103] = DaveyMember(103, CHANNEL)
    answers = call.members[103].start(1)
    call.dave.join(103)
    del call.members[103]
    call.answer(103, answers)
    call.settle()
    for late in call.late:
        late()
    call.settle()
    call.all_hear_all()


def test_a_downgrade_is_not_undone_by_an_older_transition(call):
    for user in (101, 102):
        call.join(user)
    call.join(103, settle=False)
    call.dave.downgrade()
    call.settle()
    assert call.dave.version == 0
    assert all(member.version == 0 for member in call.members.values())
    call.all_hear_all()


def test_who_joins_while_a_downgrade_is_under_way_is_told_of_it(call):
    for user in (101, 102):
        call.join(user)
    call.dave.downgrade()
    call.join(103)
    assert call.members[103].version == 0
    call.all_hear_all()


class Crossing(Call):
    """A call whose messages to and from each member keep their order, but cross everybody else's at random."""

    def __init__(self, chance):
        super().__init__()
        self.chance, self.down, self.up = chance, {}, {}
        self.dave._send_json = self.dave._send_binary = self.send

    def send(self, user, op, data):
        if user in self.down:
            self.down[user].append((op, data))

    def join(self, user):
        self.down[user], self.up[user] = deque(), deque()
        super().join(user, settle=False)

    def answer(self, user, answers):
        self.up[user].extend(answers)

    def leave(self, user):
        del self.members[user], self.down[user], self.up[user]
        self.dave.leave(user)

    def step(self):
        """Bring one message to its end, whichever; False if there is none."""
        queues = [(user, queue) for side in (self.down, self.up) for user, queue in side.items() if queue]
        if not queues:
            return False
        user, queue = self.chance.choice(queues)
        op, data = queue.popleft()
        if queue is self.up[user]:
            super().answer(user, [(op, data)])
        else:
            take = self.members[user].binary if isinstance(data, bytes) else self.members[user].json
            self.answer(user, take(op, data))
        return True

    def settle(self):
        for _ in range(5_000):
            if not self.step():
                return
        raise AssertionError("the call never comes to rest")

    def disturb(self):
        """Do one of the things that happen to calls."""
        user, version = self.chance.choice([101, 102, 103, 104]), self.dave.version
        if user not in self.members:
            self.join(user)
        elif self.chance.random() < 0.3:
            self.leave(user)
        elif self.chance.random() < 0.3:
            self.leave(user)
            self.join(user)
        elif self.chance.random() < 0.5:
            self.dave.spoil_next_commit(user)
        else:
            (self.dave.downgrade if version else self.dave.upgrade)()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_in_whatever_order_all_hear_all_in_the_end(seed):
    chance = random.Random(seed)
    call = Crossing(chance)
    for _ in range(14):
        call.disturb()
        for _ in range(chance.choice([0, 1, 3, 10, 100])):
            call.step()
    call.dave._spoil.clear()
    call.settle()
    if len(call.members) > 1:
        call.all_hear_all()
    if call.dave.version:
        assert call.dave.members == set(call.members)
