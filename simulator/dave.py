"""One call's end-to-end encryption, seen from the server: delivery service and external sender of an MLS group.

Flow: a key package comes in → an add is proposed to those in the group → the first commit for the present epoch wins
→ members get the commit (29), the added the welcome (30), all with a transition id → all answer ready (23) → execute
(22). Who left is proposed for removal; who comes again is removed and added. Nobody left in the group: the first one
who waits founds it anew. Source: daveprotocol.com.
"""

import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from common.types import ChannelId, UserId
from simulator.mls import ExternalSender, MlsError, reference, split_commit, vec

VERSION = 1
"""The DAVE version of this server."""

READY_SECONDS = 2.0
"""A transition is executed after this time even if somebody has not answered."""

_log = logging.getLogger(__name__)


class Op(IntEnum):
    """Voice gateway opcodes of DAVE."""

    PREPARE_TRANSITION = 21
    EXECUTE_TRANSITION = 22
    TRANSITION_READY = 23
    PREPARE_EPOCH = 24
    EXTERNAL_SENDER = 25
    KEY_PACKAGE = 26
    PROPOSALS = 27
    COMMIT_WELCOME = 28
    ANNOUNCE_COMMIT = 29
    WELCOME = 30
    INVALID_COMMIT = 31


SendJson = Callable[[UserId, int, dict[str, object]], None]
SendBinary = Callable[[UserId, int, bytes], None]
Later = Callable[[float, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A proposal of this epoch that no commit has taken yet. ``leaf`` None: an add."""

    user: UserId
    message: bytes
    leaf: int | None = None


@dataclass(slots=True)
class _Transition:
    """A transition under way: what version holds after it, and who has not answered."""

    version: int
    waiting: set[UserId] = field(default_factory=set)


class DaveCall:
    """The group of one call. ``version`` is in force now; ``later`` runs a function after some seconds."""

    def __init__(
        self, channel: ChannelId, *, version: int, send_json: SendJson, send_binary: SendBinary, later: Later
    ) -> None:
        self.version = version
        self.epoch = 0
        self.leaves: list[UserId | None] = []
        self.executed = 0
        """Transitions executed."""
        self._send_json = send_json
        self._send_binary = send_binary
        self._later = later
        self._sender = ExternalSender(channel)
        self._packages: dict[UserId, bytes] = {}
        self._proposals: dict[bytes, _Proposal] = {}
        self._transitions: dict[int, _Transition] = {}
        self._next_transition = 1
        self._spoil: set[UserId] = set()
        self._present: list[UserId] = []

    @property
    def members(self) -> set[UserId]:
        """Who is in the group."""
        return {user for user in self.leaves if user is not None}

    # people

    def join(self, user: UserId) -> None:
        """Take in somebody who got the session description."""
        self._present.append(user)
        if self.version:
            self._send_binary(user, Op.EXTERNAL_SENDER, self._sender.package())
        for number, transition in self._transitions.items():
            if not transition.version:
                transition.waiting.add(user)
                self._prepare_downgrade(user, number)

    def leave(self, user: UserId) -> None:
        """Take out somebody whose voice session ended."""
        if user in self._present:
            self._present.remove(user)
        self._packages.pop(user, None)
        for transition in list(self._transitions):
            self._answered(transition, user)
        self._advance()

    # what clients send

    def key_package(self, user: UserId, package: bytes) -> None:
        """Op 26."""
        self._packages[user] = package
        self._advance()

    def commit_welcome(self, user: UserId, payload: bytes) -> None:
        """Op 28: the first commit that fits the present epoch wins; any other is ignored."""
        try:
            commit, welcome = split_commit(payload)
        except MlsError as error:
            _log.info("commit refused: %s", error)
            return
        fits = commit.epoch == self.epoch and user in self.members
        if fits and commit.references and set(commit.references) == self._proposals.keys():
            self._accept(commit.message, welcome)

    def ready(self, user: UserId, transition: int) -> None:
        """Op 23."""
        self._answered(transition, user)

    def invalid_commit(self, user: UserId) -> None:
        """Op 31: its new key package, which follows, brings it back."""
        self._packages.pop(user, None)

    # on call

    def downgrade(self) -> None:
        """Turn encryption off for everybody."""
        number = self._new_transition(0, self._present)
        for user in self._present:
            self._prepare_downgrade(user, number)

    def _prepare_downgrade(self, user: UserId, number: int) -> None:
        self._send_json(user, Op.PREPARE_TRANSITION, {"transition_id": number, "protocol_version": 0})

    def upgrade(self) -> None:
        """Turn encryption on: a new group from epoch 1."""
        self.version = VERSION
        self.restart()

    def restart(self) -> None:
        """Have everybody make a new group."""
        self._forget_group()
        for user in self._present:
            self._send_binary(user, Op.EXTERNAL_SENDER, self._sender.package())
            self._send_json(user, Op.PREPARE_EPOCH, {"epoch": 1, "protocol_version": VERSION})

    def spoil_next_commit(self, user: UserId) -> None:
        """Send this user a broken commit or welcome next time."""
        self._spoil.add(user)

    # the group

    def _advance(self) -> None:
        """Propose what brings the group to those who are there, one batch at a time."""
        if not self.version or (self._proposals and self._holders()):
            return
        self._proposals = {}
        if not self._holders() and not self._found():
            return
        gone = [user for user in self.members if user not in self._holders()]
        proposals = [_Proposal(user, self._remove(user), self.leaves.index(user)) for user in gone]
        new = [user for user in self._present if user in self._packages]
        proposals += [_Proposal(user, self._sender.add(self.epoch, self._packages[user])) for user in new]
        self._propose(proposals)

    def _holders(self) -> list[UserId]:
        """Who is in the group, still there, and does not ask to be added anew."""
        return [user for user in self.leaves if user in self._present and user not in self._packages]

    def _found(self) -> bool:
        """Begin a group with the first who waits; where one has just died, everybody is asked to begin anew first."""
        if self.leaves:
            self.restart()
            return False
        founder = next((user for user in self._present if user in self._packages), None)
        if founder is None:
            return False
        del self._packages[founder]
        self.leaves, self.epoch = [founder], 0
        return True

    def _remove(self, user: UserId) -> bytes:
        return self._sender.remove(self.epoch, self.leaves.index(user))

    def _forget_group(self) -> None:
        """Begin without a group; transitions into its epochs have no meaning any more."""
        self._transitions = {number: found for number, found in self._transitions.items() if not found.version}
        self.leaves, self.epoch = [], 0
        self._proposals.clear()
        self._packages.clear()

    def _propose(self, proposals: list[_Proposal]) -> None:
        if not proposals:
            return
        self._proposals = {reference(proposal.message): proposal for proposal in proposals}
        payload = b"\0" + vec(b"".join(proposal.message for proposal in proposals))
        for user in self._holders():
            self._send_binary(user, Op.PROPOSALS, payload)
        batch = self._proposals
        self._later(READY_SECONDS, lambda: self._restart_if_stuck(batch))

    def _restart_if_stuck(self, batch: dict[bytes, _Proposal]) -> None:
        """Begin anew when nobody committed these proposals."""
        if batch is self._proposals and batch:
            self.restart()

    def _accept(self, message: bytes, welcome: bytes) -> None:
        removed = [proposal for proposal in self._proposals.values() if proposal.leaf is not None]
        added = [proposal.user for proposal in self._proposals.values() if proposal.leaf is None]
        stay = self._holders()
        for proposal in removed:
            self.leaves[proposal.leaf or 0] = None
        for user in added:
            self._seat(user)
        while self.leaves and self.leaves[-1] is None:
            self.leaves.pop()
        self.epoch += 1
        self._proposals = {}
        present = [user for user in (*stay, *added) if user in self._present]
        front = struct.pack(">H", self._new_transition(self.version or VERSION, present))
        for user in stay:
            self._send_binary(user, Op.ANNOUNCE_COMMIT, front + self._maybe_spoilt(user, message))
        for user in added:
            self._send_binary(user, Op.WELCOME, front + self._maybe_spoilt(user, welcome))
        self._advance()

    def _seat(self, user: UserId) -> None:
        """Put an added member on the first blank leaf (section 7.7)."""
        self._packages.pop(user, None)
        if None in self.leaves:
            self.leaves[self.leaves.index(None)] = user
        else:
            self.leaves.append(user)

    def _maybe_spoilt(self, user: UserId, payload: bytes) -> bytes:
        if user not in self._spoil:
            return payload
        self._spoil.discard(user)
        return payload[:-20] + bytes(byte ^ 0x55 for byte in payload[-20:])

    # transitions

    def _new_transition(self, version: int, users: list[UserId]) -> int:
        number = self._next_transition
        self._next_transition = number % 0xFFFF + 1
        self._transitions[number] = _Transition(version, set(users))
        self._later(READY_SECONDS, lambda: self._execute(number))
        return number

    def _answered(self, number: int, user: UserId) -> None:
        transition = self._transitions.get(number)
        if transition is None:
            return
        transition.waiting.discard(user)
        if not transition.waiting:
            self._execute(number)

    def _execute(self, number: int) -> None:
        transition = self._transitions.pop(number, None)
        if transition is None:
            return
        self.version = transition.version
        self.executed += 1
        if not transition.version:
            self._forget_group()
        for user in self._present:
            self._send_json(user, Op.EXECUTE_TRANSITION, {"transition_id": number})
