"""CPU of one received packet: RTP, transport decryption, SSRC, end-to-end decryption, up to the door of the mixer.

The end-to-end group is a real one of two members, made without sockets by the simulator's delivery service.
"""

import time
from collections import deque

import numpy as np

from benchmarks.metric import Metric
from common.types import ChannelId, Ssrc, UserId
from engine.audio.frame import OpusPacket
from engine.metrics import Counters
from engine.voice import aead, rtp
from engine.voice.aead import TransportCipher
from engine.voice.dave import Binary, DaveGroup, Op, Outgoing
from engine.voice.inbound import Inbound
from engine.voice.ssrc import SsrcTable
from simulator.dave import DaveCall
from simulator.davey_member import Answer, DaveyMember

PACKETS = 20_000
BATCH = 100
SPEAKER, LISTENER, CHANNEL = UserId(11), UserId(12), ChannelId(13)

Message = tuple[UserId, int, dict[str, object] | bytes]


def make_group() -> tuple[DaveyMember, DaveGroup]:
    """Return a speaker and us, in one group."""
    queue: deque[Message] = deque()

    def send(user: UserId, op: int, data: dict[str, object] | bytes) -> None:
        queue.append((user, op, data))

    call = DaveCall(CHANNEL, version=1, send_json=send, send_binary=send, later=lambda _seconds, _call: None)
    speaker, ours = DaveyMember(SPEAKER, CHANNEL), DaveGroup(LISTENER, CHANNEL, time.monotonic)
    for user, answers in ((SPEAKER, speaker.start(1)), (LISTENER, as_answers(ours.start(1)))):
        call.join(user)
        answer(call, user, answers)
        while queue:
            to, op, data = queue.popleft()
            answer(call, to, tell(speaker, op, data) if to == SPEAKER else as_answers(tell_us(ours, op, data)))
    return speaker, ours


def tell(member: DaveyMember, op: int, data: dict[str, object] | bytes) -> list[Answer]:
    """Give a message to the speaker."""
    return member.binary(op, data) if isinstance(data, bytes) else member.json(op, data)


def tell_us(group: DaveGroup, op: int, data: dict[str, object] | bytes) -> list[Outgoing]:
    """Give a message to our side."""
    if isinstance(data, bytes):
        if op == Op.EXTERNAL_SENDER:
            return group.external_sender(data)
        enter = group.commit if op == Op.ANNOUNCE_COMMIT else group.welcome
        return group.proposals(data) if op == Op.PROPOSALS else enter(int.from_bytes(data[:2], "big"), data[2:])
    if op == Op.EXECUTE_TRANSITION:
        group.execute_transition(int(str(data["transition_id"])))
    return []


def as_answers(messages: list[Outgoing]) -> list[Answer]:
    """Return our messages in the simulator's form."""
    return [(message.op, message.payload if isinstance(message, Binary) else message.data) for message in messages]


def answer(call: DaveCall, user: UserId, answers: list[Answer]) -> None:
    """Give answers to the delivery service."""
    for op, data in answers:
        if isinstance(data, bytes):
            (call.key_package if op == Op.KEY_PACKAGE else call.commit_welcome)(user, data)
        else:
            call.ready(user, int(str(data["transition_id"])))


def measure(mode: str) -> float:
    """Return the median cost in batches of a hundred, in µs."""
    speaker, group = make_group()
    sealer, key = TransportCipher(mode, bytes(32)), bytes(32)
    kept: list[OpusPacket] = []
    ssrcs = SsrcTable(Counters())
    ssrcs.assign(Ssrc(1), SPEAKER)
    inbound = Inbound(group, ssrcs, Counters(), kept.append)
    inbound.cipher = TransportCipher(mode, key)
    costs = []
    for start in range(0, PACKETS, BATCH):
        frames = [speaker.encrypt(b"\x78" + bytes(120)) or b"" for _ in range(BATCH)]
        data = [
            sealer.encrypt(rtp.write((start + n) & 0xFFFF, (start + n) * 960, Ssrc(1)), frame)
            for n, frame in enumerate(frames)
        ]
        begin = time.thread_time_ns()
        for datagram in data:
            inbound.datagram(datagram, 0)
        costs.append((time.thread_time_ns() - begin) / 1000 / BATCH)
    if len(kept) != PACKETS:
        message = f"{PACKETS - len(kept)} packets were refused"
        raise RuntimeError(message)
    return float(np.median(costs))


def run() -> list[Metric]:
    """Return microseconds per packet for both modes."""
    return [Metric(f"receive_us_{mode.split('_')[1]}", measure(mode), "µs") for mode in aead.MODES]
