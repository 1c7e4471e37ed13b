"""A client's side of DAVE around ``davey``, for simulated people and listening ears: messages in, answers out."""

import struct
from collections.abc import Callable

import davey

from common.types import ChannelId, UserId
from simulator.dave import VERSION, Op

GRACE_SECONDS = 10
"""How long plain frames pass after a transition."""

Answer = tuple[int, dict[str, object] | bytes]
"""An opcode with a JSON object or a binary payload to send."""


class DaveyMember:
    """One client's membership in a call's group."""

    def __init__(self, user: UserId, channel: ChannelId) -> None:
        self.version = 0
        self._user = user
        self._channel = channel
        self._session: davey.DaveSession | None = None
        self._external: bytes | None = None
        self._pending: dict[int, int] = {}

    @property
    def ready(self) -> bool:
        """Whether frames can be sent as the call demands."""
        return self.version == 0 or (self._session is not None and self._session.ready)

    def start(self, version: int) -> list[Answer]:
        """Begin with the session description's version."""
        self.version = version
        return self._renew(version) if version else []

    def json(self, op: int, data: dict[str, object]) -> list[Answer]:
        """Take in ops 21, 22 and 24."""
        version = int(str(data.get("protocol_version", VERSION)))
        if op == Op.PREPARE_EPOCH and data.get("epoch") == 1:
            return self._renew(version)
        transition = int(str(data.get("transition_id", 0)))
        if op == Op.PREPARE_TRANSITION:
            self._pending[transition] = version
            return [(Op.TRANSITION_READY, {"transition_id": transition})]
        if op == Op.EXECUTE_TRANSITION and transition in self._pending:
            self.version = self._pending.pop(transition)
            self._grace()
        return []

    def binary(self, op: int, payload: bytes) -> list[Answer]:
        """Take in ops 25, 27, 29 and 30."""
        if op == Op.EXTERNAL_SENDER:
            self._external = payload
            if self._session is not None and self._session.epoch is None:
                self._session.set_external_sender(payload)
            return []
        if op == Op.PROPOSALS:
            return self._proposals(payload)
        session = self._session
        if session is None:
            return []
        transition = struct.unpack_from(">H", payload)[0]
        process = session.process_commit if op == Op.ANNOUNCE_COMMIT else session.process_welcome
        return self._enter(transition, process, payload[2:])

    def encrypt(self, opus: bytes) -> bytes | None:
        """Encrypt a frame; ``None`` while the group is not ready."""
        if self.version == 0:
            return opus
        if self._session is None or not self._session.ready:
            return None
        return self._session.encrypt_opus(opus)

    def decrypt(self, user: UserId, frame: bytes) -> bytes:
        """Decrypt a frame; ValueError says why not."""
        if self._session is None:
            return frame
        if self.version == 0 and not frame.endswith(b"\xfa\xfa"):
            return frame
        return self._session.decrypt(user, davey.MediaType.audio, frame)

    def _renew(self, version: int) -> list[Answer]:
        if self._session is None:
            self._session = davey.DaveSession(version, self._user, self._channel)
        else:
            self._session.reinit(version, self._user, self._channel)
        if self._external is not None:
            self._session.set_external_sender(self._external)
        self._grace()
        return [(Op.KEY_PACKAGE, self._session.get_serialized_key_package())]

    def _proposals(self, payload: bytes) -> list[Answer]:
        if self._session is None:
            return []
        kinds = davey.ProposalsOperationType
        try:
            made = self._session.process_proposals(kinds.revoke if payload[0] else kinds.append, payload[1:])
        except ValueError:
            # Of an epoch that is over: another member's commit was faster.
            return []
        return [] if made is None else [(Op.COMMIT_WELCOME, made.commit + (made.welcome or b""))]

    def _enter(self, transition: int, process: Callable[[bytes], None], payload: bytes) -> list[Answer]:
        try:
            process(payload)
        except ValueError:
            return [(Op.INVALID_COMMIT, {"transition_id": transition}), *self._renew(VERSION)]
        self._pending[transition] = VERSION
        self._grace()
        return [(Op.TRANSITION_READY, {"transition_id": transition})]

    def _grace(self) -> None:
        if self._session is not None:
            # davey's time counts from where passing is switched off.
            self._session.set_passthrough_mode(True)
            self._session.set_passthrough_mode(False, GRACE_SECONDS)
