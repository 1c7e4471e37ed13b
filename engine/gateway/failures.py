"""From what discord.py raises to the codes we report."""

from types import SimpleNamespace

import aiohttp
import discord

from common.errors import DiscordError, ErrorCode, RelayError
from common.types import BotKey

_UNAUTHORIZED = 401
_TOO_MANY = 429
_BAD_TOKEN_CLOSE = 4004


class RateLimitWatch:
    """Notes that Discord answered "too many requests"; discord.py waits silently then and a start just times out."""

    def __init__(self) -> None:
        self.seen = False

    def trace(self) -> aiohttp.TraceConfig:
        """Return the trace to hang into the client's HTTP session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._note)
        return trace

    async def _note(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, done: aiohttp.TraceRequestEndParams
    ) -> None:
        self.seen = done.response.status == _TOO_MANY


def explain(error: Exception, *, bot: BotKey, was_connected: bool, limits: RateLimitWatch) -> DiscordError:
    """Name the reason why a bot could not start or go on.

    A refused token is TOKEN_INVALID at the start and TOKEN_REVOKED later; what we can't tell apart from a broken
    line is DISCORD_UNREACHABLE, with the kind of error as ``reason``.
    """
    if isinstance(error, RelayError):
        return DiscordError(error.code, **{"bot": str(bot), **error.details})
    if _token_refused(error):
        code = ErrorCode.TOKEN_REVOKED if was_connected else ErrorCode.TOKEN_INVALID
        return DiscordError(code, bot=bot)
    if _too_many(error) or (isinstance(error, TimeoutError) and limits.seen):
        return DiscordError(ErrorCode.RATE_LIMITED, bot=bot)
    return DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=bot, reason=_reason(error))


def check_token(token: str, bot: BotKey) -> None:
    """Refuse what no HTTP header could carry to Discord; raises TOKEN_INVALID."""
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise DiscordError(ErrorCode.TOKEN_INVALID, bot=bot)


def _token_refused(error: Exception) -> bool:
    if isinstance(error, discord.ConnectionClosed):
        return error.code == _BAD_TOKEN_CLOSE
    if isinstance(error, discord.HTTPException):
        return error.status == _UNAUTHORIZED
    return isinstance(error, discord.LoginFailure)


def _too_many(error: Exception) -> bool:
    if isinstance(error, discord.RateLimited):
        return True
    return isinstance(error, discord.HTTPException) and error.status == _TOO_MANY


def _reason(error: Exception) -> str:
    if isinstance(error, discord.HTTPException):
        return f"http {error.status}"
    if isinstance(error, discord.ConnectionClosed):
        return f"gateway closed {error.code}"
    return type(error).__name__
