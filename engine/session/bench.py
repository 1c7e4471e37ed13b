"""Bots that come while a session runs: another login for one that ended for good, a listener for a sound check."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from msgspec import structs

from common.errors import DiscordError, ErrorCode, RelayError, SessionError
from common.protocol.messages import SoundCheckResult
from common.protocol.spec import SessionSpec, SourceSpec
from common.secret import Secret
from common.types import BotKey
from engine.gateway.bot import Bot
from engine.gateway.pool import equal_tokens, raise_all
from engine.session import preflight, soundcheck
from engine.session.preflight import Place
from engine.session.running import Running
from engine.session.soundcheck import Room


async def renew(running: Running, key: BotKey, token: Secret) -> None:
    """Give a bot of the session whose login ended for good another one, and send it back to its place.

    The token of a bot that works is only remembered: nobody asked for a silence. Raises TOKEN_DUPLICATE, what the login
    or the place is refused with, or NOT_RUNNING when the session ends meanwhile; the bot is what it was then.
    """
    raise_all(equal_tokens({**running.tokens, key: token}))
    seat = running.seat(key)
    if not seat.supervisor.is_over:
        running.tokens[key] = token
        return
    async with running.logins.errand():
        bot = await _logged_in(running, key, token, seat.spec)
        if running.seats[key] is not seat:
            await bot.close()  # somebody else was quicker
            return
        running.replace_bot(seat, bot, token)
        await seat.bot.close()


async def sound_check(
    running: Running, destination: str, listener: str, tokens: Mapping[BotKey, Secret]
) -> SoundCheckResult:
    """Play a chirp into a destination for ``listener``, one check at a time, within ten seconds.

    ``tokens`` are of all bots, in the session or not. Raises CHECK_BUSY, CHECK_KILLED, CHECK_LISTENER, CHANNEL_UNKNOWN,
    what the listener's login or its way into the channel is refused with, and the reason for which it is ended early.
    """
    room = running.room(destination)
    if running.checked is not None:
        raise SessionError(ErrorCode.CHECK_BUSY)
    _check_audible(running)
    running.checked = room.seat.home
    try:
        async with running.checks.errand():
            result = await _in_time(running, room, BotKey(listener), tokens)
    finally:
        running.checked = None
    _check_audible(running)
    return result


def _check_audible(running: Running) -> None:
    if running.desk.kill:
        raise SessionError(ErrorCode.CHECK_KILLED)


async def _in_time(running: Running, room: Room, listener: BotKey, tokens: Mapping[BotKey, Secret]) -> SoundCheckResult:
    """Check until a deadline; the goodbyes come after it, so that it never cuts them short."""
    end = asyncio.get_running_loop().time() + soundcheck.CHECK_SECONDS
    try:
        async with _listener(running, room, listener, tokens, end) as bot, asyncio.timeout_at(end):
            return await soundcheck.check(room, bot)
    except TimeoutError as error:
        raise DiscordError(ErrorCode.VOICE_TIMEOUT, bot=listener, channel=str(room.seat.home)) from error


@asynccontextmanager
async def _listener(
    running: Running, room: Room, key: BotKey, tokens: Mapping[BotKey, Secret], end: float
) -> AsyncIterator[Bot]:
    """Lend a source's bot, or log in one that has no place in the session; it goes back in any case."""
    seat, where = running.seats.get(key), room.seat.supervisor.place
    place = SourceSpec(channel=str(where), bot=key)
    if seat is None:
        if not tokens.get(key):
            raise SessionError(ErrorCode.TOKEN_MISSING, bot=key)
        raise_all(equal_tokens({**running.tokens, key: tokens[key]}))
        async with asyncio.timeout_at(end):
            bot = await _logged_in(running, key, tokens[key], place)
        try:
            yield bot
        finally:
            await bot.close()
        return
    if not seat.is_source:
        raise SessionError(ErrorCode.CHECK_LISTENER, bot=key)
    raise_all(_wrong_with(running, seat.bot, place))
    try:
        await seat.supervisor.lend(where)
        yield seat.bot
    finally:
        seat.supervisor.take_back()


async def _logged_in(running: Running, key: BotKey, token: Secret, place: Place) -> Bot:
    """Return a bot that is logged in and may go to ``place``; raises what is wrong, and leaves nothing then."""
    bot = running.new_bot(key, token)
    try:
        await bot.start()
        await bot.guild(running.guild)
        raise_all(_wrong_with(running, bot, place))
    except BaseException:
        await bot.close()
        raise
    running.roster.add_own_bot(bot.user)
    return bot


def _wrong_with(running: Running, bot: Bot, place: Place) -> list[RelayError]:
    """Find what keeps a bot from a place: another bot of the session is the same account, or the place itself."""
    others = [seat.key for seat in running.seats.values() if seat.key != bot.key and seat.bot.user == bot.user]
    if others:
        return [SessionError(ErrorCode.TOKEN_DUPLICATE, bot=bot.key, bots=", ".join([bot.key, *others]))]
    view = bot.view(running.guild)
    return preflight.check_guild(_only(running.spec, place), {bot.key: view}, {bot.key: bot.user})


def _only(spec: SessionSpec, place: Place) -> SessionSpec:
    """Return a session with no other place."""
    if isinstance(place, SourceSpec):
        return structs.replace(spec, sources=(place,), destinations=(), routes=())
    return structs.replace(spec, sources=(), destinations=(place,), routes=())
