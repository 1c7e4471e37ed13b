"""Discord's REST API v10 as one bot asks it: what the set-up reads, and the two things it writes.

A token leaves in the Authorization header and nowhere else: redirects are not followed. What Discord answers is
bounded and read by the fields we need; whatever else is in it is ignored. Reference: Discord's developer
documentation, "Reference", "User", "Application", "Guild", "Rate Limits".
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
import msgspec

from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from common.version import VERSION
from tray.wizard.answers import Application, Guild, GuildChannel, GuildMember, PartialGuild, Refusal, User

DISCORD_API: Final = "https://discord.com/api/v10"
USER_AGENT: Final = f"DiscordBot (https://discord.com/developers/applications, {VERSION})"
"""Discord turns other forms away at its front door. The address is for whoever runs a bot, and they have no page."""

TIMEOUT_S: Final = 8.0
PATIENCE_S: Final = 5.0
"""How long one question waits for rate limits, all its attempts together; a person is looking at the page."""
LARGEST_ANSWER: Final = 8 << 20
"""Bytes; a server with 500 channels, each with 100 overwrites, is 5 MB."""

T = TypeVar("T")

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Site:
    """A Discord to ask: REST address with its version, and certificates (PEM) to trust besides the system's."""

    api_base: str = DISCORD_API
    ca_file: Path | None = None

    def open(self) -> aiohttp.ClientSession:
        """Make the HTTP session that all bots share; raises OSError when ``ca_file`` can't be used."""
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(cafile=self.ca_file)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )


class BotApi:
    """One bot's questions. ``bot`` is its name in errors; every method raises DiscordError with a code.

    TOKEN_INVALID, GUILD_UNKNOWN (not a member), RATE_LIMITED (longer than we wait), DISCORD_UNREACHABLE (with
    ``reason``: everything we can't tell apart from a broken line); edits also BOT_NAME_REFUSED, RENAMED_TOO_OFTEN.
    """

    def __init__(
        self, http: aiohttp.ClientSession, site: Site, token: Secret, bot: str, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._http = http
        self._base = site.api_base.rstrip("/")
        self._token = token
        self._bot = bot
        self._sleep = sleep

    async def me(self) -> User:
        """Ask whose token it is."""
        return await self._ask("GET", "/users/@me", User)

    async def user(self, user: str) -> User:
        """Ask who somebody is."""
        return await self._ask("GET", f"/users/{user}", User)

    async def application(self) -> Application:
        """Ask which application the bot belongs to."""
        return await self._ask("GET", "/applications/@me", Application)

    async def guilds(self) -> tuple[PartialGuild, ...]:
        """List the servers the bot is in, 200 at most."""
        return await self._ask("GET", "/users/@me/guilds", tuple[PartialGuild, ...])

    async def guild(self, guild: str) -> Guild:
        """Describe a server the bot is in."""
        return await self._ask("GET", f"/guilds/{guild}", Guild, guild=guild)

    async def channels(self, guild: str) -> tuple[GuildChannel, ...]:
        """List a server's channels and categories, also those the bot can't see, in no order."""
        return await self._ask("GET", f"/guilds/{guild}/channels", tuple[GuildChannel, ...], guild=guild)

    async def member(self, guild: str, user: str) -> GuildMember:
        """Describe the bot itself (``user``) in a server."""
        return await self._ask("GET", f"/guilds/{guild}/members/{user}", GuildMember, guild=guild)

    async def edit_user(self, **changes: str) -> User:
        """Set ``username`` or ``avatar`` (data URI); Discord allows two new names an hour."""
        return await self._ask("PATCH", "/users/@me", User, body=changes)

    async def edit_application(self, **changes: str) -> Application:
        """Set ``description`` or ``icon`` (data URI)."""
        return await self._ask("PATCH", "/applications/@me", Application, body=changes)

    async def _ask(
        self, method: str, path: str, answer: type[T], *, guild: str = "", body: dict[str, str] | None = None
    ) -> T:
        waited = 0.0
        while True:
            status, data = await self._send(method, path, body)
            if status == HTTPStatus.OK:
                return self._read(data, answer)
            refusal = Refusal.read(data)
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                raise self._explain(status, refusal, guild)
            pause = max(refusal.retry_after, 0.05)
            if waited + pause > PATIENCE_S:
                raise self._error(ErrorCode.RATE_LIMITED, seconds=f"{pause:.0f}")
            waited += pause
            await self._sleep(pause)

    async def _send(self, method: str, path: str, body: dict[str, str] | None) -> tuple[int, bytes]:
        token = self._token.reveal()
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            raise self._error(ErrorCode.TOKEN_INVALID)
        headers = {"Authorization": f"Bot {token}"}
        try:
            async with self._http.request(
                method, self._base + path, headers=headers, json=body, allow_redirects=False
            ) as response:
                return response.status, await _read_bounded(response.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(type(error).__name__) from None

    def _read(self, data: bytes, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=answer)
        except msgspec.DecodeError:
            raise self._unreachable("answer not understood") from None

    def _explain(self, status: int, refusal: Refusal, guild: str) -> DiscordError:
        if status == HTTPStatus.UNAUTHORIZED:
            return self._error(ErrorCode.TOKEN_INVALID)
        if guild and status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return self._error(ErrorCode.GUILD_UNKNOWN, guild=guild)
        for field in refusal.fields():
            if field.code.endswith("_RATE_LIMIT"):
                return self._error(ErrorCode.RENAMED_TOO_OFTEN)
            return self._error(ErrorCode.BOT_NAME_REFUSED, reason=field.message)
        return self._unreachable(f"http {status}")

    def _unreachable(self, reason: str) -> DiscordError:
        return self._error(ErrorCode.DISCORD_UNREACHABLE, reason=reason)

    def _error(self, code: ErrorCode, **details: str) -> DiscordError:
        return DiscordError(code, bot=self._bot, **details)


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    """Read an answer to its end; raises ClientPayloadError if it is larger than any that Discord gives."""
    data = bytearray()
    async for chunk in content.iter_any():
        data += chunk
        if len(data) > LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError
    return bytes(data)
