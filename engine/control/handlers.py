"""What each command does: one handler each, in one table. Errors are raised; the server turns them into a Failure."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from common.protocol import messages as m
from common.protocol.event_queue import EventQueue
from common.secret import Secret
from common.types import BotKey
from engine.control.publisher import MeterStream, Publisher
from engine.gateway.failures import check_token
from engine.gateway.pool import equal_tokens, raise_all
from engine.session.relay import RelaySession

Payload = m.Payload | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands act on.

    ``tokens`` are of all bots, in the session or not. ``uptime_ms`` returns how long the engine runs; ``shut_down``
    asks it to end.
    """

    session: RelaySession
    tokens: MutableMapping[BotKey, Secret]
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
    """Start with the tokens that the engine was given, at its own start or since."""
    await desk.session.start(
        command.spec,
        desk.tokens,
        command.strips,
        kill=command.kill,
        restore=command.restore,
    )


async def stop_session(desk: Desk, _caller: Caller, _command: m.StopSession) -> None:
    """Stop."""
    await desk.session.stop()


async def set_talker_gain(desk: Desk, _caller: Caller, command: m.SetTalkerGain) -> None:
    """Turn one person up or down."""
    desk.session.faders.set_talker_gain(command.user, command.gain)


async def mute_talker(desk: Desk, _caller: Caller, command: m.MuteTalker) -> None:
    """Mute one person."""
    desk.session.faders.mute_talker(command.user, muted=command.muted)


async def set_talker_suppression(desk: Desk, _caller: Caller, command: m.SetTalkerSuppression) -> None:
    """Take noise out of one person's voice."""
    desk.session.faders.set_talker_suppression(command.user, command.suppression)


async def set_talker_levelling(desk: Desk, _caller: Caller, command: m.SetTalkerLevelling) -> None:
    """Level one person."""
    desk.session.faders.set_talker_levelling(command.user, levelling=command.levelling)


async def set_talker_high_pass(desk: Desk, _caller: Caller, command: m.SetTalkerHighPass) -> None:
    """Take rumble out of one person's voice."""
    desk.session.faders.set_talker_high_pass(command.user, high_pass=command.high_pass)


async def set_talker_priority(desk: Desk, _caller: Caller, command: m.SetTalkerPriority) -> None:
    """Have others lowered while one person speaks."""
    desk.session.faders.set_talker_priority(command.user, priority=command.priority)


async def solo_talker(desk: Desk, _caller: Caller, command: m.SoloTalker) -> None:
    """Hear one person alone."""
    desk.session.faders.solo_talker(command.user, solo=command.solo)


async def dump_talker(desk: Desk, _caller: Caller, command: m.DumpTalker) -> None:
    """Drop what waits of one person."""
    desk.session.faders.dump_talker(command.user)


async def set_source_gain(desk: Desk, _caller: Caller, command: m.SetSourceGain) -> None:
    """Turn one source up or down."""
    desk.session.faders.set_source_gain(command.source, command.gain)


async def mute_source(desk: Desk, _caller: Caller, command: m.MuteSource) -> None:
    """Mute one source."""
    desk.session.faders.mute_source(command.source, muted=command.muted)


async def set_source_equalizer(desk: Desk, _caller: Caller, command: m.SetSourceEqualizer) -> None:
    """Colour one source."""
    desk.session.faders.set_source_equalizer(command.source, command.equalizer)


async def set_source_pan(desk: Desk, _caller: Caller, command: m.SetSourcePan) -> None:
    """Place one source between left and right."""
    desk.session.faders.set_source_pan(command.source, command.pan)


async def solo_source(desk: Desk, _caller: Caller, command: m.SoloSource) -> None:
    """Hear one source alone."""
    desk.session.faders.solo_source(command.source, solo=command.solo)


async def dump_source(desk: Desk, _caller: Caller, command: m.DumpSource) -> None:
    """Drop what waits of one source."""
    desk.session.faders.dump_source(command.source)


async def set_route_gain(desk: Desk, _caller: Caller, command: m.SetRouteGain) -> None:
    """Turn one source up or down for one destination."""
    desk.session.faders.set_route_gain(command.source, command.destination, command.gain)


async def set_destination_delay(desk: Desk, _caller: Caller, command: m.SetDestinationDelay) -> None:
    """Delay one destination."""
    desk.session.faders.set_destination_delay(command.destination, command.delay_s)


async def set_destination_ducking(desk: Desk, _caller: Caller, command: m.SetDestinationDucking) -> None:
    """Have one destination duck."""
    desk.session.faders.set_destination_ducking(command.destination, command.duck_db)


async def set_destination_monitor(desk: Desk, _caller: Caller, command: m.SetDestinationMonitor) -> None:
    """Let one destination hear solos."""
    desk.session.faders.set_destination_monitor(command.destination, monitor=command.monitor)


async def set_loudness(desk: Desk, _caller: Caller, command: m.SetLoudness) -> None:
    """Level to another loudness."""
    desk.session.faders.set_loudness(command.loudness)


async def kill(desk: Desk, _caller: Caller, command: m.Kill) -> None:
    """Silence everything."""
    desk.session.faders.kill(active=command.active)


async def rejoin_bot(desk: Desk, _caller: Caller, command: m.RejoinBot) -> None:
    """Send a bot back."""
    desk.session.rejoin(command.bot)


async def set_token(desk: Desk, _caller: Caller, command: m.SetToken) -> None:
    """Take a bot's token, unless another one has it or the bot could not go on with it."""
    bot, token = BotKey(command.bot), Secret(command.token.reveal().strip())
    check_token(token.reveal(), bot)
    raise_all(equal_tokens({**desk.tokens, bot: token}))
    await desk.session.renew(bot, token)
    desk.tokens[bot] = token


async def sound_check(desk: Desk, _caller: Caller, command: m.SoundCheck) -> m.SoundCheckResult:
    """Hear how one destination sounds."""
    return await desk.session.sound_check(command.destination, command.listener, desk.tokens)


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
    m.SetTalkerSuppression: set_talker_suppression,
    m.SetTalkerLevelling: set_talker_levelling,
    m.SetTalkerHighPass: set_talker_high_pass,
    m.SetTalkerPriority: set_talker_priority,
    m.SoloTalker: solo_talker,
    m.DumpTalker: dump_talker,
    m.SetSourceGain: set_source_gain,
    m.MuteSource: mute_source,
    m.SetSourceEqualizer: set_source_equalizer,
    m.SetSourcePan: set_source_pan,
    m.SoloSource: solo_source,
    m.DumpSource: dump_source,
    m.SetRouteGain: set_route_gain,
    m.SetDestinationDelay: set_destination_delay,
    m.SetDestinationDucking: set_destination_ducking,
    m.SetDestinationMonitor: set_destination_monitor,
    m.SetLoudness: set_loudness,
    m.Kill: kill,
    m.RejoinBot: rejoin_bot,
    m.SetToken: set_token,
    m.SoundCheck: sound_check,
    m.SetMatch: set_match,
    m.GetSnapshot: get_snapshot,
    m.SubscribeMeters: subscribe_meters,
    m.Ping: ping,
    m.Shutdown: shutdown,
}
"""Every command's handler."""
