"""A sound check: a chirp into one destination, and another bot that hears it there through the real way of receiving.

What the listener hears goes to nobody: of the destination's bot it is kept for this check, all else is thrown away. So
nothing of a destination can get into a source, whoever listens.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final

from common.errors import DiscordError, ErrorCode
from common.protocol.messages import SoundCheckResult
from common.types import BotKey, GuildId, UserId
from engine.audio.chirp import CHIRP_SECONDS, chirp, find
from engine.audio.cue import Cue
from engine.audio.frame import SILENCE, OpusPacket, tick_samples
from engine.audio.recording import record
from engine.gateway.bot import Bot
from engine.session.line import VoiceLine
from engine.session.mixing import Mixing
from engine.session.seat import Seat
from engine.session.supervisor import VoiceLost
from engine.session.verdict import Evidence, judge

CHECK_SECONDS: Final = 8.0
"""Time for a whole check, login included; with the goodbye it stays below ten seconds."""

READY_SECONDS: Final = 2.5
"""Time for keys; after it the check goes on and finds out what is wrong with them."""

SETTLE_SECONDS: Final = 0.3
"""From when both have keys to the chirp: what was on its way under older ones has arrived."""

ECHO_SECONDS: Final = 0.5
"""Time for the last packets to arrive; what is later would be heard as a gap anyway."""

_LOOK_SECONDS = 0.02
_MOST_PACKETS = 1_000


class Ear:
    """Keeps the last packets that ``user`` sent, silence left out."""

    def __init__(self, user: UserId) -> None:
        self._user = user
        self._packets: deque[OpusPacket] = deque(maxlen=_MOST_PACKETS)

    def hear(self, packet: OpusPacket) -> None:
        """Take a packet (receive thread)."""
        if packet.user == self._user and packet.payload != SILENCE:
            self._packets.append(packet)

    def heard(self) -> tuple[OpusPacket, ...]:
        """Return what is kept; once nothing more comes."""
        return tuple(self._packets.copy())

    def forget(self) -> None:
        """Begin anew."""
        self._packets.clear()


@dataclass(frozen=True, slots=True)
class Room:
    """Where a check is made: the destination, its sound, and the TLS for a listener's way there."""

    guild: GuildId
    seat: Seat
    mixing: Mixing
    tls: SSLContext


async def check(room: Room, listener: Bot) -> SoundCheckResult:
    """Send ``listener``, which is in no channel, to the destination, play and listen; it is in no channel afterwards.

    Raises VOICE_TIMEOUT and VOICE_REFUSED when the listener does not get in, or what Discord refuses it with.
    """
    ear = Ear(room.seat.bot.user)
    line = VoiceLine(listener, room.guild, room.mixing, room.tls, listens=True, on_packet=ear.hear)
    try:
        await _enter(line, room, listener.key)
        await _have_keys(line, room.seat.line)
        return await _play_and_listen(line, room, ear, listener.key)
    finally:
        await line.close(leave=True)


async def _enter(line: VoiceLine, room: Room, listener: BotKey) -> None:
    channel = room.seat.supervisor.place
    try:
        await line.join(channel)
    except TimeoutError as error:
        raise DiscordError(ErrorCode.VOICE_TIMEOUT, bot=listener, channel=str(channel)) from error
    except VoiceLost as lost:
        raise DiscordError(ErrorCode.VOICE_REFUSED, bot=listener, reason=str(lost.cause)) from lost


async def _have_keys(listener: VoiceLine, player: VoiceLine) -> None:
    """Wait until both are in one group of end-to-end encryption, or in none."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not (listener.ready and player.ready and listener.encryption == player.encryption):  # noqa: ASYNC110 - two groups' states, told by no event
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return
    await asyncio.sleep(SETTLE_SECONDS)


async def _play_and_listen(line: VoiceLine, room: Room, ear: Ear, listener: BotKey) -> SoundCheckResult:
    before, sent_before = line.counts(), _sent(room.seat)
    ear.forget()
    cue = room.mixing.play(room.seat.home, chirp())
    try:
        await _over(cue)
    finally:
        cue.stop()
    await asyncio.sleep(ECHO_SECONDS)
    after, packets = line.counts(), ear.heard()
    recording = await asyncio.to_thread(record, packets, room.mixing.opus)
    return judge(
        Evidence(
            destination=room.seat.home,
            names={"bot": room.seat.key, "listener": listener, "channel": str(room.seat.home)},
            tick=tick_samples(room.mixing.tick_ms),
            entries=tuple(cue.entries),
            sent=_sent(room.seat) - sent_before,
            opened=len(packets),
            unopened=_unopened(after) - _unopened(before),
            recording=recording,
            found=await asyncio.to_thread(find, recording.sound, recording.present),
            encryption=line.encryption,
        )
    )


async def _over(cue: Cue) -> None:
    """Wait until the cue was played; where nothing is mixed it never is, which the verdict then says."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * CHIRP_SECONDS):
            while not cue.over:  # noqa: ASYNC110 - the mix thread has no time for events
                await asyncio.sleep(_LOOK_SECONDS)


def _sent(seat: Seat) -> int:
    return seat.line.counts().get("sent", 0)


def _unopened(counts: dict[str, int]) -> int:
    """Return how many datagrams came and were not decrypted; those of padding only are none."""
    return counts.get("received", 0) - counts.get("decrypted", 0) - counts.get("empty", 0)
