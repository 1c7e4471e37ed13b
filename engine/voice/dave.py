"""DAVE, Discord's end-to-end encryption: one member's side of the group, around ``davey``.

Opcodes 21 to 31 come in through :class:`DaveGroup` and answers go out as lists of messages; no I/O here. A group may
start at version 0 (nothing encrypted) and be upgraded, downgraded and upgraded again. Whatever goes wrong with a
commit or a welcome ends in op 31 and a new key package: the server adds us anew, the others go on.
Facts: daveprotocol.com (opcodes, passthrough), RFC 9420 (MLS).

davey's thread safety is not established, so one lock stands around its session: the loop changes keys while the
receive thread decrypts and the mix thread encrypts.
"""

import logging
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import davey

from common.types import ChannelId, UserId

VERSION = davey.DAVE_PROTOCOL_VERSION
"""The newest DAVE version we speak."""

SILENCE = b"\xf8\xff\xfe"
"""Never encrypted by DAVE."""

PASSTHROUGH_SECONDS = 10
"""Grace after a transition in which plain frames still come: what was on its way, and clients that are late."""

SETTLING_SECONDS = 2
"""Time after a key change in which frames under the old or the coming key are nobody's fault."""

PENDING_TRANSITIONS = 64
"""Transitions announced and not yet executed that are remembered; the oldest gives way."""

_MAGIC = b"\xfa\xfa"
_REASONS = {
    "NoDecryptorForUser": "dave_no_decryptor",
    "NoValidCryptorFound": "dave_no_cryptor",
    "UnencryptedWhenPassthroughDisabled": "dave_unencrypted",
}

log = logging.getLogger(__name__)


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


class Json(NamedTuple):
    """A JSON message to send."""

    op: int
    data: dict[str, object]


class Binary(NamedTuple):
    """A binary message to send."""

    op: int
    payload: bytes


Outgoing = Json | Binary


class DaveGroup:
    """Our membership in one voice channel's group.

    ``clock`` returns monotonic seconds. ``version`` is the version in force, 0 = frames go in the clear.
    """

    def __init__(self, user: UserId, channel: ChannelId, clock: Callable[[], float]) -> None:
        self._user = user
        self._channel = channel
        self._clock = clock
        self._lock = threading.Lock()
        self._session: davey.DaveSession | None = None
        self._pending: dict[int, int] = {}
        self._external_sender: bytes | None = None
        self._settled_at = 0.0
        self._target = 0
        self.version = 0
        self.refused = 0
        """Messages about the group that it could do nothing with, other epochs' proposals too."""

    @property
    def ready(self) -> bool:
        """Whether frames can be encrypted as the version in force demands."""
        return self.version == 0 or (self._session is not None and self._session.ready)

    @property
    def in_transition(self) -> bool:
        """Whether keys are changing now, so that frames that can't be decrypted are nobody's fault."""
        return self._session is None or not self._session.ready or self._clock() < self._settled_at

    # the group

    def start(self, version: int) -> list[Outgoing]:
        """Begin with the version of the session description."""
        self._pending.clear()
        self.version = version
        return self._renew(version)

    def offer_again(self) -> list[Outgoing]:
        """Offer another key package unless we are in a group: the first may have gone down with a websocket."""
        return (
            []
            if self._target == 0 or (self._session is not None and self._session.ready)
            else self._renew(self._target)
        )

    def prepare_epoch(self, epoch: int, version: int) -> list[Outgoing]:
        """Op 24. Epoch 1 means that a new group is made; an upgrade takes effect when its transition is executed."""
        return self._renew(version) if epoch == 1 else []

    def prepare_transition(self, transition: int, version: int) -> list[Outgoing]:
        """Op 21. Transition 0 takes effect at once and is not answered."""
        self._expect(transition, version)
        if transition == 0:
            self.execute_transition(0)
            return []
        if version == 0:
            self._allow_plain()
        return [Json(Op.TRANSITION_READY, {"transition_id": transition})]

    def execute_transition(self, transition: int) -> None:
        """Op 22. An unknown transition is one we joined after; it changes nothing for us."""
        version = self._pending.pop(transition, None)
        if version is None:
            return
        self.version = version
        self._allow_plain()

    def external_sender(self, payload: bytes) -> list[Outgoing]:
        """Op 25. Kept, since it may come before the session, and davey takes none while it is in a group."""
        self._external_sender = payload
        self._attempt(lambda session: session.set_external_sender(payload))
        return []

    def proposals(self, payload: bytes) -> list[Outgoing]:
        """Op 27; the answer is our commit, if the group needs one of us."""
        kind = davey.ProposalsOperationType.revoke if any(payload[:1]) else davey.ProposalsOperationType.append
        made: list[Outgoing] = []

        def process(session: davey.DaveSession) -> None:
            answer = session.process_proposals(kind, payload[1:])
            if isinstance(answer, davey.CommitWelcome):
                made.append(Binary(Op.COMMIT_WELCOME, answer.commit + (answer.welcome or b"")))

        # Refused proposals are not answered: op 31 is for commits and welcomes, and a server that repeats what is
        # in flight to whoever starts over would never come to an end. The commit that follows decides.
        self._attempt(process)
        return made

    def commit(self, transition: int, payload: bytes) -> list[Outgoing]:
        """Op 29."""
        return self._enter(transition, lambda session: session.process_commit(payload))

    def welcome(self, transition: int, payload: bytes) -> list[Outgoing]:
        """Op 30."""
        return self._enter(transition, lambda session: session.process_welcome(payload))

    def _enter(self, transition: int, process: Callable[[davey.DaveSession], None]) -> list[Outgoing]:
        answers = self._guarded(transition, process)
        if answers or self._session is None:
            return answers
        self._allow_plain()
        if transition == 0:
            self.version = self._target
            return []
        self._expect(transition, self._target)
        return [Json(Op.TRANSITION_READY, {"transition_id": transition})]

    def _expect(self, transition: int, version: int) -> None:
        """Remember what takes effect with ``transition``."""
        self._pending[transition] = version
        while len(self._pending) > PENDING_TRANSITIONS:
            del self._pending[next(iter(self._pending))]

    def _renew(self, version: int) -> list[Outgoing]:
        """Begin a new group and offer a key package; at version 0 there is none."""
        self._target = version
        with self._lock:
            if version == 0:
                self._leave()
                return []
            if self._session is None:
                self._session = davey.DaveSession(version, self._user, self._channel)
            else:
                self._session.reinit(version, self._user, self._channel)
            self._use_external_sender(self._session)
            package = self._session.get_serialized_key_package()
        self._allow_plain()
        return [Binary(Op.KEY_PACKAGE, package)]

    def _use_external_sender(self, session: davey.DaveSession) -> None:
        if self._external_sender is None:
            return
        try:
            session.set_external_sender(self._external_sender)
        except ValueError:
            self._external_sender = None

    def _leave(self) -> None:
        if self._session is not None:
            self._session.reset()
            _grace(self._session)

    def _allow_plain(self) -> None:
        self._settled_at = self._clock() + SETTLING_SECONDS
        with self._lock:
            if self._session is not None:
                _grace(self._session)

    def _guarded(self, transition: int, process: Callable[[davey.DaveSession], None]) -> list[Outgoing]:
        """Run ``process``; on failure answer as the protocol wants: op 31 and a new key package."""
        if self._attempt(process):
            return [Json(Op.INVALID_COMMIT, {"transition_id": transition}), *self._renew(self._target or VERSION)]
        return []

    def _attempt(self, process: Callable[[davey.DaveSession], None]) -> bool:
        """Run ``process`` on the session, if there is one; tell whether it failed."""
        if self._session is None:
            return False
        try:
            with self._lock:
                process(self._session)
        except BaseException as error:  # noqa: BLE001 - davey raises whatever its MLS library found, and a panic in its Rust is no Exception; all mean the same
            log.info("DAVE message refused: %s", error)
            self.refused += 1
            return True
        return False

    # frames

    def encrypt(self, opus: bytes) -> bytes | None:
        """Encrypt a frame of ours; ``None`` when the group isn't ready and sending in the clear isn't allowed."""
        if self.version == 0 or opus == SILENCE:
            return opus
        with self._lock:
            session = self._session
            # Asked under the lock: the loop may be starting the group over at this moment.
            return session.encrypt_opus(opus) if session is not None and session.ready else None

    def decrypt(self, user: UserId, frame: bytes) -> bytes | str:
        """Decrypt a frame of ``user``'s, or return the reason to count it by."""
        session = self._session
        if frame == SILENCE or session is None:
            return frame
        plain = not frame.endswith(_MAGIC)
        if plain and self.version == 0:
            return frame
        try:
            with self._lock:
                return session.decrypt(user, davey.MediaType.audio, frame)
        except Exception as error:  # noqa: BLE001 - davey's errors share no base class beneath ValueError
            if plain and self.in_transition:
                return frame
            return self._reason(error)

    def _reason(self, error: Exception) -> str:
        if self.in_transition:
            return "dave_in_transition"
        text = str(error)
        return next((reason for name, reason in _REASONS.items() if name in text), "dave_refused")


def _grace(session: davey.DaveSession) -> None:
    """Let plain frames pass for a while: davey's time counts from where passing is switched off."""
    session.set_passthrough_mode(True)
    session.set_passthrough_mode(False, PASSTHROUGH_SECONDS)
