"""From the session's own objects to the state that travels. Pure: numbers in, structs out."""

from collections.abc import Iterable, Mapping

from common.errors import ErrorCode
from common.protocol.state import (
    BotState,
    DestinationState,
    LinkState,
    Phase,
    Role,
    SourceState,
    TalkerState,
)
from common.types import ChannelId
from engine.session.desk import Desk
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


def talker_states(talkers: Iterable[Talker], memory: StripMemory, desk: Desk) -> tuple[TalkerState, ...]:
    """Show everybody who is there, with the strip in force."""
    return tuple(
        TalkerState(
            user=str(talker.user),
            name=talker.name,
            source=str(talker.source),
            strip=memory.get(talker.user),
            solo=talker.user in desk.soloed,
            bot=talker.bot,
        )
        for talker in talkers
    )


def source_states(desk: Desk) -> tuple[SourceState, ...]:
    """Show every source, besides what the spec says."""
    return tuple(SourceState(source=str(channel), solo=strip.solo) for channel, strip in desk.sources.items())


def destination_states(desk: Desk, silent_until_ms: Mapping[float, int]) -> tuple[DestinationState, ...]:
    """Show every destination, besides what the spec says; ``silent_until_ms`` is by delay (s)."""
    return tuple(
        DestinationState(destination=str(channel), silent_until_ms=silent_until_ms.get(strip.delay_s))
        for channel, strip in desk.destinations.items()
    )
