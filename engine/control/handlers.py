"""What each command does: one handler each, in one table. Errors are raised; the server turns them into a Failure."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.protocol import messages as m
from common.protocol.event_queue import EventQueue
from common.secret import Secret
from common.types import BotKey
from engine.control.publisher import MeterStream, Publisher
from engine.session.relay import RelaySession

Payload = m.Snapshot | m.Pong | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands act on. ``uptime_ms`` returns how long the engine runs; ``shut_down`` asks it to end."""

    session: RelaySession
    tokens: Mapping[BotKey, Secret]
    publisher: Publisher
    meters: MeterStream
    uptime_ms: Callable[[], int]
    shut_down: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a command: the queue of what goes back."""

    queue: EventQueue[Any]


Handler = Callable[[Desk, Caller, Any], Awaitable[Payload]]


async def start_session(desk: Desk, _caller: Caller, command: m.StartSession) -> None:
    """Start with the tokens that the engine was given at its own start."""
    await desk.session.start(
        command.spec,
        desk.tokens,
        command.gains,
        muted=command.muted,
        kill=command.kill,
        restore=command.restore,
    )


async def stop_session(desk: Desk, _caller: Caller, _command: m.StopSession) -> None:
    """Stop."""
    await desk.session.stop()


async def set_talker_gain(desk: Desk, _caller: Caller, command: m.SetTalkerGain) -> None:
    """Turn one person up or down."""
    desk.session.set_talker_gain(command.user, command.gain)


async def mute_talker(desk: Desk, _caller: Caller, command: m.MuteTalker) -> None:
    """Mute one person."""
    desk.session.mute_talker(command.user, muted=command.muted)


async def set_source_gain(desk: Desk, _caller: Caller, command: m.SetSourceGain) -> None:
    """Turn one source up or down."""
    desk.session.set_source_gain(command.source, command.gain)


async def mute_source(desk: Desk, _caller: Caller, command: m.MuteSource) -> None:
    """Mute one source."""
    desk.session.mute_source(command.source, muted=command.muted)


async def set_route_gain(desk: Desk, _caller: Caller, command: m.SetRouteGain) -> None:
    """Turn one source up or down for one destination."""
    desk.session.set_route_gain(command.source, command.destination, command.gain)


async def kill(desk: Desk, _caller: Caller, command: m.Kill) -> None:
    """Silence everything."""
    desk.session.kill(active=command.active)


async def rejoin_bot(desk: Desk, _caller: Caller, command: m.RejoinBot) -> None:
    """Send a bot back."""
    desk.session.rejoin(command.bot)


async def set_match(desk: Desk, _caller: Caller, command: m.SetMatch) -> None:
    """Take the match on."""
    desk.session.set_match(command.phase)


async def get_snapshot(desk: Desk, _caller: Caller, _command: m.GetSnapshot) -> m.Snapshot:
    """Show the state."""
    desk.publisher.flush()
    return desk.publisher.snapshot()


async def subscribe_meters(desk: Desk, caller: Caller, command: m.SubscribeMeters) -> None:
    """Begin or end the caller's meters."""
    if command.active:
        desk.meters.add(caller.queue)
    else:
        desk.meters.remove(caller.queue)


async def ping(desk: Desk, _caller: Caller, _command: m.Ping) -> m.Pong:
    """Show that the loop turns."""
    return m.Pong(uptime_ms=desk.uptime_ms())


async def shutdown(desk: Desk, _caller: Caller, _command: m.Shutdown) -> None:
    """End the engine after the answer is on its way."""
    desk.shut_down()


HANDLERS: Final[Mapping[type[m.Message], Handler]] = {
    m.StartSession: start_session,
    m.StopSession: stop_session,
    m.SetTalkerGain: set_talker_gain,
    m.MuteTalker: mute_talker,
    m.SetSourceGain: set_source_gain,
    m.MuteSource: mute_source,
    m.SetRouteGain: set_route_gain,
    m.Kill: kill,
    m.RejoinBot: rejoin_bot,
    m.SetMatch: set_match,
    m.GetSnapshot: get_snapshot,
    m.SubscribeMeters: subscribe_meters,
    m.Ping: ping,
    m.Shutdown: shutdown,
}
"""Every command's handler."""
