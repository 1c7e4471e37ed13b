"""From the session's own objects to the state that travels. Pure: numbers in, structs out."""

from collections.abc import Iterable

from common.errors import ErrorCode
from common.protocol.state import BotState, LinkState, Phase, Role, TalkerState
from common.types import ChannelId
from engine.session.roster import StripMemory, Talker
from engine.session.seat import Seat


def phase_of(phase: Phase, bots: Iterable[BotState]) -> Phase:
    """Say ``degraded`` instead of ``running`` while a bot does not do its work."""
    if phase is Phase.RUNNING and any(bot.link is not LinkState.CONNECTED or bot.cause for bot in bots):
        return Phase.DEGRADED
    return phase


def bot_state(seat: Seat, blocked: frozenset[ChannelId]) -> BotState:
    """Show one bot; one that was moved to where it must be silent says so in its cause."""
    watched = seat.supervisor
    strayed = ErrorCode.CHANNEL_DUPLICATE if seat.home in blocked else None
    return BotState(
        bot=seat.key,
        user=str(seat.bot.user),
        name=seat.spec.name,
        role=Role.SOURCE if seat.is_source else Role.DESTINATION,
        channel=str(watched.place),
        link=watched.link,
        encryption=seat.line.encryption,
        cause=watched.cause or strayed,
    )


def talker_states(talkers: Iterable[Talker], memory: StripMemory) -> tuple[TalkerState, ...]:
    """Show everybody who is there, with the gain and mute in force."""
    return tuple(
        TalkerState(
            user=str(talker.user),
            name=talker.name,
            source=str(talker.source),
            gain=memory.get(talker.user).gain,
            muted=memory.get(talker.user).muted,
            bot=talker.bot,
        )
        for talker in talkers
    )
