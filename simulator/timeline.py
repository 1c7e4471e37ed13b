"""A scene's time line: faults written down with their moment, carried out when it comes.

Each fault is a tagged struct (``kind`` in the file) that names people, bots and channels as the scene does.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec

from common.types import ChannelId, UserId
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.network import LinkQuality

_log = logging.getLogger(__name__)


class Names(Protocol):
    """Who and where the names of a scene are; each raises KeyError for a name the scene doesn't have."""

    def account(self, name: str) -> UserId:
        """Find a bot or person."""

    def channel(self, name: str) -> ChannelId:
        """Find a channel."""


class _At(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """A fault ``at`` so many seconds after the start."""

    at: float

    def who(self) -> str | None:
        """Give the account's name it speaks of, if any."""
        return getattr(self, "user", None)

    def where(self) -> str | None:
        """Give the channel's name it speaks of, if any."""
        return getattr(self, "channel", None)


class CloseGateway(_At, frozen=True, tag="close_gateway"):
    """See ``Faults.close_gateway``."""

    user: str
    code: int

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.close_gateway(names.account(self.user), self.code)


class AbortGateway(_At, frozen=True, tag="abort_gateway"):
    """See ``Faults.abort_gateway``."""

    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.abort_gateway(names.account(self.user))


class AskReconnect(_At, frozen=True, tag="ask_reconnect"):
    """See ``Faults.ask_reconnect``."""

    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.ask_reconnect(names.account(self.user))


class InvalidateSession(_At, frozen=True, tag="invalidate_session"):
    """See ``Faults.invalidate_session``."""

    user: str
    resumable: bool = False

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.invalidate_session(names.account(self.user), resumable=self.resumable)


class RevokeToken(_At, frozen=True, tag="revoke_token"):
    """See ``Faults.revoke_token``."""

    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.revoke_token(names.account(self.user))


class RateLimit(_At, frozen=True, tag="rate_limit"):
    """See ``Faults.rate_limit``."""

    count: int = 1
    retry_after: float = 1.0
    is_global: bool = False
    path: str = ""

    async def play(self, faults: Faults, _names: Names) -> None:
        """Carry it out."""
        faults.rate_limit(count=self.count, retry_after=self.retry_after, is_global=self.is_global, path=self.path)


class CloseVoice(_At, frozen=True, tag="close_voice"):
    """See ``Faults.close_voice``."""

    user: str
    code: int

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        await faults.close_voice(names.account(self.user), self.code)


class AbortVoice(_At, frozen=True, tag="abort_voice"):
    """See ``Faults.abort_voice``."""

    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        await faults.abort_voice(names.account(self.user))


class MoveVoiceServer(_At, frozen=True, tag="move_voice_server"):
    """See ``Faults.move_voice_server``."""

    channel: str
    outage: bool = False

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        await faults.move_voice_server(names.channel(self.channel), outage=self.outage)


class Kick(_At, frozen=True, tag="kick"):
    """See ``Faults.kick``."""

    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.kick(names.account(self.user))


class Move(_At, frozen=True, tag="move"):
    """See ``Faults.move``."""

    user: str
    channel: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.move(names.account(self.user), names.channel(self.channel))


class ServerMute(_At, frozen=True, tag="server_mute"):
    """See ``Faults.server_mute``."""

    user: str
    muted: bool = True

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.server_mute(names.account(self.user), muted=self.muted)


class ServerDeafen(_At, frozen=True, tag="server_deafen"):
    """See ``Faults.server_deafen``."""

    user: str
    deafened: bool = True

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.server_deafen(names.account(self.user), deafened=self.deafened)


class RefuseVoice(_At, frozen=True, tag="refuse_voice"):
    """See ``Faults.refuse_voice``."""

    code: int

    async def play(self, faults: Faults, _names: Names) -> None:
        """Carry it out."""
        faults.refuse_voice(self.code)


class CutLink(_At, frozen=True, tag="cut_link"):
    """See ``Faults.cut_link``."""

    user: str
    seconds: float

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.cut_link(names.account(self.user), self.seconds)


class SetLink(_At, frozen=True, tag="set_link"):
    """See ``Faults.set_link``."""

    user: str
    quality: LinkQuality

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.set_link(names.account(self.user), self.quality)


class SpeakLate(_At, frozen=True, tag="speak_late"):
    """See ``Faults.speak_late``."""

    user: str
    late: bool = True

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.speak_late(names.account(self.user), late=self.late)


class DowngradeDave(_At, frozen=True, tag="downgrade_dave"):
    """See ``Faults.downgrade_dave``."""

    channel: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.downgrade_dave(names.channel(self.channel))


class UpgradeDave(_At, frozen=True, tag="upgrade_dave"):
    """See ``Faults.upgrade_dave``."""

    channel: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.upgrade_dave(names.channel(self.channel))


class SpoilCommit(_At, frozen=True, tag="spoil_commit"):
    """See ``Faults.spoil_commit``."""

    channel: str
    user: str

    async def play(self, faults: Faults, names: Names) -> None:
        """Carry it out."""
        faults.spoil_commit(names.channel(self.channel), names.account(self.user))


ScriptedFault = (
    CloseGateway
    | AbortGateway
    | AskReconnect
    | InvalidateSession
    | RevokeToken
    | RateLimit
    | CloseVoice
    | AbortVoice
    | MoveVoiceServer
    | Kick
    | Move
    | ServerMute
    | ServerDeafen
    | RefuseVoice
    | CutLink
    | SetLink
    | SpeakLate
    | DowngradeDave
    | UpgradeDave
    | SpoilCommit
)


async def play(script: Sequence[ScriptedFault], faults: Faults, names: Names, clock: Clock) -> None:
    """Carry out the script from now on; a fault whose victim isn't there is logged and left out."""
    start = clock.now()
    for fault in sorted(script, key=lambda item: item.at):
        await clock.sleep_until(start + fault.at)
        try:
            await fault.play(faults, names)
        except KeyError:
            _log.warning("a scripted fault found nobody", extra={"fault": type(fault).__name__, "at": fault.at})
