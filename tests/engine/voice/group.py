"""A real group without sockets: the simulator's delivery service, its members, and our own side."""

import time
from collections import deque

from engine.voice.dave import Binary, DaveGroup, Op
from simulator.dave import DaveCall
from simulator.davey_member import DaveyMember

CHANNEL, US = 5, 77


class Group:
    def __init__(self, version=1, clock=time.monotonic):
        self.queue = deque()
        self.ours = DaveGroup(US, CHANNEL, clock)
        self.members = {}
        self.sent = []
        self.call = DaveCall(
            CHANNEL,
            version=version,
            send_json=lambda user, op, data: self.queue.append((user, op, data)),
            send_binary=lambda user, op, data: self.queue.append((user, op, data)),
            later=lambda _seconds, _call: None,
        )

    def join(self, user):
        self.members[user] = DaveyMember(user, CHANNEL)
        answers = self.members[user].start(self.call.version)
        self.call.join(user)
        self.answer(user, answers)
        self.settle()

    def join_ourselves(self):
        answers = self.ours.start(self.call.version)
        self.call.join(US)
        self.answer(US, answers)
        self.settle()

    def settle(self):
        while self.queue:
            user, op, data = self.queue.popleft()
            if user == US:
                self.answer(US, self.tell_us(op, data))
            elif user in self.members:
                member = self.members[user]
                self.answer(user, member.binary(op, data) if isinstance(data, bytes) else member.json(op, data))

    def tell_us(self, op, data):
        ours = self.ours
        if op == Op.EXTERNAL_SENDER:
            return ours.external_sender(data)
        if op == Op.PROPOSALS:
            return ours.proposals(data)
        if op in (Op.ANNOUNCE_COMMIT, Op.WELCOME):
            enter = ours.commit if op == Op.ANNOUNCE_COMMIT else ours.welcome
            return enter(int.from_bytes(data[:2], "big"), data[2:])
        if op == Op.PREPARE_TRANSITION:
            return ours.prepare_transition(data["transition_id"], data["protocol_version"])
        if op == Op.EXECUTE_TRANSITION:
            ours.execute_transition(data["transition_id"])
            return []
        return ours.prepare_epoch(data["epoch"], data["protocol_version"])

    def answer(self, user, answers):
        for message in answers:
            op = message[0]
            data = message.payload if isinstance(message, Binary) else message[1]
            if user == US:
                self.sent.append(op)
            if op == Op.KEY_PACKAGE:
                self.call.key_package(user, data)
            elif op == Op.COMMIT_WELCOME:
                self.call.commit_welcome(user, data)
            elif op == Op.TRANSITION_READY:
                self.call.ready(user, data["transition_id"])
            elif op == Op.INVALID_COMMIT:
                self.call.invalid_commit(user)
