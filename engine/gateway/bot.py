"""One bot: a discord.py client with the least intents, kept small, that starts in time or says why it can't.

discord.py keeps its own main gateway alive, by resume first. What it does with voice is not used: the bot hands
out what Discord says about voice, and :mod:`engine.session` decides.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import aiohttp
import discord

from common.errors import DiscordError, ErrorCode
from common.permissions import Permission
from common.secret import Secret
from common.tasks import Tasks
from common.types import BotKey, ChannelId, GuildId, UserId
from engine.gateway import reading
from engine.gateway.budget import IdentifyBudget
from engine.gateway.client import BotClient
from engine.gateway.endpoint import Endpoint
from engine.gateway.events import BotEvent, GatewayBack, OwnVoice, Stopped
from engine.gateway.failures import RateLimitWatch, check_token, explain
from engine.gateway.views import GuildView, VoiceMember

START_SECONDS = 4.5
"""Time for login, gateway and READY together; an error must be on the screen within 5 s."""

CLOSE_SECONDS = 2.0
"""Time for a polite goodbye; after it the connections are cut. ``close`` as a whole stays below 5 s."""

OWN_MEMBER_SECONDS = 2.0
"""Time to ask for the bot's own roles where the guild came without them."""

VoiceT = TypeVar("VoiceT", bound=discord.VoiceProtocol)

log = logging.getLogger(__name__)


class Bot:
    """A bot account. ``on_event`` is called on the loop, never awaited, and must not raise."""

    def __init__(
        self,
        key: BotKey,
        token: Secret,
        *,
        endpoint: Endpoint,
        budget: IdentifyBudget,
        on_event: Callable[[BotEvent], None],
    ) -> None:
        self.key = key
        self._token = token
        self._endpoint = endpoint
        self._budget = budget
        self._on_event = on_event
        self._tasks = Tasks()
        self._client: BotClient | None = None
        self._limits = RateLimitWatch()
        self._news = asyncio.Event()
        self._connected = False
        self._closing = False
        self._failure: DiscordError | None = None
        self._leaves: Counter[GuildId] = Counter()
        self._own_members: dict[GuildId, discord.Member] = {}

    @property
    def user(self) -> UserId:
        """The bot's account; known from ``start`` on."""
        user = self.client.user
        if user is None:
            raise DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=self.key)
        return UserId(user.id)

    @property
    def client(self) -> discord.Client:
        """The client under it, for :mod:`engine.voice`; raises DISCORD_UNREACHABLE before ``start``."""
        if self._client is None:
            raise DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=self.key)
        return self._client

    async def start(self, timeout: float = START_SECONDS) -> None:  # noqa: ASYNC109 - part of a deadline the caller shares out
        """Log in and connect; returns after READY.

        Raises TOKEN_INVALID, DISCORD_UNREACHABLE, RATE_LIMITED or IDENTIFY_BUDGET; the bot is closed then.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._login_and_connect()
        except BaseException as error:
            await self.close()
            if isinstance(error, Exception):
                raise self._explained(error) from error
            raise

    async def guild(self, guild: GuildId, timeout: float = START_SECONDS) -> GuildView | None:  # noqa: ASYNC109 - as in start
        """Wait until Discord has sent the guild and photograph it; ``None`` when the bot isn't a member.

        Raises DISCORD_UNREACHABLE when Discord lists the guild and does not send it.
        """
        end = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(end):
                found = await self._available(guild)
        except TimeoutError as error:
            raise DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=self.key, guild=str(guild)) from error
        if found is not None and found.get_member(self.user) is None:
            await self._ask_for_own_member(found, end)
        return self.view(guild)

    async def _ask_for_own_member(self, guild: discord.Guild, end: float) -> None:
        """Ask for the bot's own roles where the guild came without them; if they stay unknown, the join decides."""
        try:
            async with asyncio.timeout_at(min(end, asyncio.get_running_loop().time() + OWN_MEMBER_SECONDS)):
                self._own_members[GuildId(guild.id)] = await guild.fetch_member(self.user)
        except (TimeoutError, discord.HTTPException, aiohttp.ClientError) as error:
            log.warning("bot %s: its own roles stay unknown: %s", self.key, type(error).__name__)

    def view(self, guild: GuildId) -> GuildView | None:
        """Photograph the guild as it is known now."""
        found = self.client.get_guild(guild)
        if found is None or found.unavailable:
            return None
        return reading.guild_view(found, found.get_member(self.user) or self._own_members.get(guild))

    def members(self, guild: GuildId, channel: ChannelId) -> tuple[VoiceMember, ...]:
        """List who is in a voice channel; nobody when the bot can't see it."""
        found = self.client.get_guild(guild)
        vocal = None if found is None else found.get_channel(channel)
        if isinstance(vocal, discord.VoiceChannel | discord.StageChannel):
            return reading.voice_members(vocal)
        return ()

    async def join(
        self,
        guild: GuildId,
        channel: ChannelId,
        protocol: Callable[[discord.Client, discord.abc.Connectable], VoiceT],
        *,
        timeout: float,  # noqa: ASYNC109 - discord.py's own parameter
        self_mute: bool,
        self_deaf: bool,
    ) -> VoiceT:
        """Ask Discord for a place in a voice channel and let ``protocol`` connect; returns it connected.

        Raises TimeoutError when Discord does not answer (a full channel), CHANNEL_UNKNOWN, DISCORD_UNREACHABLE, and
        what ``protocol`` raises.
        """
        found = self.client.get_guild(guild)
        vocal = None if found is None else found.get_channel(channel)
        if not isinstance(vocal, discord.VoiceChannel):
            raise DiscordError(ErrorCode.CHANNEL_UNKNOWN, bot=self.key, channel=str(channel))
        if vocal.guild.voice_client is not None:
            # An attempt that was cancelled half-way; discord.py would refuse another one.
            vocal.guild.voice_client.cleanup()
        try:
            with self._asking():
                connected = await vocal.connect(
                    cls=protocol, timeout=timeout, reconnect=False, self_mute=self_mute, self_deaf=self_deaf
                )
        except TimeoutError:
            # discord.py takes the request back; when it was answered late, we are told that we are out again.
            self._leaves[guild] += 1
            raise
        self._leaves[guild] = 0
        return connected

    async def leave(self, guild: GuildId) -> None:
        """Tell Discord that the bot goes out of its voice channel; being in none is no error."""
        found = self.client.get_guild(guild)
        if found is None:
            return
        self._leaves[guild] += 1
        try:
            with self._asking():
                await found.change_voice_state(channel=None)
        except BaseException:
            self._leaves[guild] -= 1
            raise

    async def show_status(self, channel: ChannelId, text: str | None) -> None:
        """Write the voice channel's status line, ``None`` clears it; raises PERMISSION_MISSING, DISCORD_UNREACHABLE."""
        vocal = self.client.get_channel(channel)
        if not isinstance(vocal, discord.VoiceChannel):
            raise DiscordError(ErrorCode.CHANNEL_UNKNOWN, bot=self.key, channel=str(channel))
        try:
            with self._asking():
                await vocal.edit(status=text)
        except discord.Forbidden as error:
            raise DiscordError(
                ErrorCode.PERMISSION_MISSING,
                bot=self.key,
                channel=str(channel),
                permission=Permission.SET_VOICE_CHANNEL_STATUS.name or "",
            ) from error
        except discord.HTTPException as error:
            raise self._explained(error) from error

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn a line that breaks while we ask into DISCORD_UNREACHABLE; a time-out stays one."""
        try:
            yield
        except TimeoutError:
            raise
        except (OSError, aiohttp.ClientError, discord.ConnectionClosed) as error:
            raise DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=self.key, reason=type(error).__name__) from error

    async def close(self) -> None:
        """End the bot; completes within 5 s whatever Discord does, and leaves no task and no socket behind."""
        self._closing = True
        client = self._client
        if client is not None:
            await self._say_goodbye(client)
        await self._tasks.close()
        if client is not None:
            await client.http.close()

    async def _say_goodbye(self, client: discord.Client) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.close()
        except TimeoutError:
            log.warning("bot %s: Discord did not answer the goodbye, connections cut", self.key)
        except Exception:
            log.exception("bot %s: closing failed, connections cut", self.key)

    async def _login_and_connect(self) -> None:
        self._endpoint.apply()
        token = self._token.reveal().strip()
        check_token(token, self.key)
        client = self._client = BotClient(self, self._endpoint, self._limits)
        await client.login(token)
        self._tasks.start(self._run(client), name=f"bot-{self.key}")
        while not self._connected:
            if self._failure is not None:
                raise self._failure
            await self._next_news()

    async def _run(self, client: discord.Client) -> None:
        """Keep the main gateway until it ends for good, then say why."""
        try:
            await client.connect(reconnect=True)
            error: Exception = ConnectionError("the gateway ended")
        except Exception as failed:  # noqa: BLE001 - whatever ended the bot, the session must hear of it
            error = failed
        if self._closing:
            return
        self._failure = self._explained(error)
        self._news.set()
        if self._connected:
            self._on_event(Stopped(self._failure))

    async def _available(self, guild: GuildId) -> discord.Guild | None:
        """Wait while the guild is listed but not sent; after all were sent a guild not listed is not ours."""
        while True:
            found = self.client.get_guild(guild)
            if found is not None and not found.unavailable:
                return found
            if found is None and self.client.is_ready():
                return None
            await self._next_news()

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _explained(self, error: Exception) -> DiscordError:
        return explain(error, bot=self.key, was_connected=self._connected, limits=self._limits)

    # what the client tells: engine.gateway.client.Listener

    def spend_identify(self) -> None:
        """Count an IDENTIFY before it is sent; raises IDENTIFY_BUDGET."""
        self._budget.spend(self._token)

    def heard(self, event: BotEvent | None) -> None:
        """Pass an event on unless the bot is closing or not yet started; wakes who waits for news."""
        self._news.set()
        if event is not None and self._connected and not self._closing:
            self._on_event(event)

    def gateway_ready(self) -> None:
        """Note READY: the first one ends ``start``, a later one means that the old session is gone."""
        first, self._connected = not self._connected, True
        self.heard(None if first else GatewayBack(resumed=False))

    def own_voice(self, event: OwnVoice) -> None:
        """Tell about the bot's own voice state; whether we asked for the leave is known here only."""
        asked = event.channel is None and self._leaves[event.guild] > 0
        self._leaves[event.guild] -= asked
        self.heard(replace(event, asked=asked))
