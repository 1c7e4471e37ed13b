"""The people in one call as the media plane sees them, and who hears whom."""

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from common.types import ChannelId, GuildId, Ssrc, UserId
from simulator.dave import VERSION, DaveCall
from simulator.network import Link
from simulator.transport import Audio
from simulator.world import World

Clock = Callable[[], int]
"""Monotonic nanoseconds."""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """How calls behave. ``lone_plain``: the first member begins without DAVE and is upgraded when a second comes."""

    dave: bool = True
    lone_plain: bool = False


class Participant(ABC):
    """Somebody in a call: a socket client or a person in this process. ``down`` is the link from the server to it."""

    def __init__(self, user: UserId, ssrc: Ssrc, down: Link) -> None:
        self.user = user
        self.ssrc = ssrc
        self.down = down
        self.spoken: int | None = None
        """The last speaking flags it sent, ``None`` before the first."""

    @property
    def links(self) -> tuple[Link, ...]:
        """Every link of its own."""
        return (self.down,)

    @property
    def wants_audio(self) -> bool:
        """Whether audio can be brought to it."""
        return False

    @abstractmethod
    def json(self, op: int, data: dict[str, object]) -> None:
        """Take a JSON message of the server's."""

    @abstractmethod
    def binary(self, op: int, payload: bytes) -> None:
        """Take a binary message of the server's."""

    @abstractmethod
    def audio(self, audio: Audio) -> None:
        """Take a packet somebody else sent."""


class Room:
    """One call."""

    def __init__(
        self, world: World, guild: GuildId, channel: ChannelId, *, settings: RoomSettings, clock: Clock
    ) -> None:
        self.guild = guild
        self.channel = channel
        self.participants: dict[UserId, Participant] = {}
        self.taken = 0
        """Packets taken from speakers since the call began."""
        self.taken_from_bots = 0
        self._world = world
        self._settings = settings
        self._clock = clock
        found = world.channel(channel)
        self._has_dave = settings.dave and found is not None and found.has_dave
        self.dave = DaveCall(
            channel,
            version=VERSION if self._has_dave and not settings.lone_plain else 0,
            send_json=lambda user, op, data: self._to(user, lambda who: who.json(op, data)),
            send_binary=lambda user, op, payload: self._to(user, lambda who: who.binary(op, payload)),
            later=_later,
        )

    @property
    def requires_dave(self) -> bool:
        """Whether clients without DAVE are refused (4017)."""
        return self._has_dave

    def enter(self, participant: Participant) -> None:
        """Let somebody in who has its session description."""
        others = [str(user) for user in self.participants]
        if others:
            participant.json(11, {"user_ids": others})
        for other in self.participants.values():
            if other.spoken is not None:
                participant.json(5, {"speaking": other.spoken, "ssrc": other.ssrc, "user_id": str(other.user)})
            other.json(11, {"user_ids": [str(participant.user)]})
        self.participants[participant.user] = participant
        self.dave.join(participant.user)
        if self._has_dave and self.dave.version == 0 and self._settings.lone_plain and len(self.participants) > 1:
            self.dave.upgrade()

    def leave(self, participant: Participant) -> None:
        """Take somebody out."""
        if self.participants.get(participant.user) is not participant:
            return
        del self.participants[participant.user]
        self.dave.leave(participant.user)
        for other in self.participants.values():
            other.json(13, {"user_id": str(participant.user)})

    def speaking(self, participant: Participant, flags: int) -> None:
        """Tell the others that somebody's audio begins or ends."""
        participant.spoken = flags
        for other in self.participants.values():
            if other is not participant:
                other.json(5, {"speaking": flags, "ssrc": participant.ssrc, "user_id": str(participant.user)})

    def audio(self, speaker: Participant, audio: Audio) -> None:
        """Forward a packet to everybody else who can hear it."""
        if self.participants.get(speaker.user) is not speaker or not self._may_speak(speaker.user):
            return
        self.taken += 1
        self.taken_from_bots += self._world.accounts[speaker.user].bot
        now = self._clock()
        for other in self.participants.values():
            if other is not speaker and other.wants_audio and self._may_hear(other.user):
                other.down.send(now, lambda other=other: other.audio(audio))  # type: ignore[misc]  # binds the loop's value

    def _may_speak(self, user: UserId) -> bool:
        state = self._world.voice_state(self.guild, user)
        return state is not None and not (state.mute or state.self_mute or state.suppress)

    def _may_hear(self, user: UserId) -> bool:
        state = self._world.voice_state(self.guild, user)
        return state is not None and not (state.deaf or state.self_deaf)

    def _to(self, user: UserId, tell: Callable[[Participant], None]) -> None:
        participant = self.participants.get(user)
        if participant is not None:
            tell(participant)


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def make_ssrc(chance: random.Random) -> Ssrc:
    """Draw an SSRC."""
    return Ssrc(chance.randrange(1, 2**32))


def real_clock() -> int:
    """Read the computer's monotonic clock."""
    return time.perf_counter_ns()
