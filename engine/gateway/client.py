"""discord.py's client cut down to what a relay needs: two intents, only people in voice in the cache, no messages."""

import asyncio
import logging
from typing import Any, Protocol

import aiohttp
import discord

from common.types import ChannelId, GuildId, UserId
from engine.gateway import endpoint as patches
from engine.gateway.endpoint import Endpoint
from engine.gateway.events import BotEvent, GatewayBack, GatewayLost, GuildSeen, MemberChanged, OwnVoice
from engine.gateway.failures import RateLimitWatch

GUILD_READY_SECONDS = 0.25
"""How long discord.py waits for one more guild after READY. Only its own ready flag hangs on it."""

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who owns the client; :class:`engine.gateway.bot.Bot`, named here to keep the two files apart."""

    def spend_identify(self) -> None:
        """Count an IDENTIFY before it is sent; raises IDENTIFY_BUDGET."""

    def gateway_ready(self) -> None:
        """Take note of READY."""

    def heard(self, event: BotEvent | None) -> None:
        """Take an event; ``None`` is news for waiters only."""

    def own_voice(self, event: OwnVoice) -> None:
        """Take the bot's own voice state."""


def intents() -> discord.Intents:
    """Return GUILDS | GUILD_VOICE_STATES (129): nothing privileged, nothing else."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.voice_states = True
    return wanted


class BotClient(discord.Client):
    """The client; turns discord.py's events into ours. Make it inside a running loop."""

    def __init__(self, listener: Listener, endpoint: Endpoint, limits: RateLimitWatch) -> None:
        super().__init__(
            intents=intents(),
            member_cache_flags=discord.MemberCacheFlags(voice=True, joined=False),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILD_READY_SECONDS,
            connector=aiohttp.TCPConnector(limit=0, ssl=endpoint.ssl_context()),
            http_trace=limits.trace(),
        )
        self._listener = listener
        patches.watch_voice_states(self, self._voice_state)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait as Discord asks between two IDENTIFYs, then spend one."""
        await super().before_identify_hook(shard_id, initial=initial)
        self._listener.spend_identify()

    async def on_connect(self) -> None:
        """Tell of READY."""
        self._listener.gateway_ready()

    async def on_ready(self) -> None:
        """Tell waiters that all guilds were sent."""
        self._listener.heard(None)

    async def on_resumed(self) -> None:
        """Tell of RESUMED."""
        self._listener.heard(GatewayBack(resumed=True))

    async def on_disconnect(self) -> None:
        """Tell of the lost gateway; called again for each failed retry."""
        self._listener.heard(GatewayLost())

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Tell that a guild named in READY was sent."""
        self._listener.heard(GuildSeen(GuildId(guild.id)))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Tell that a guild not named in READY was sent."""
        self._listener.heard(GuildSeen(GuildId(guild.id)))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Tell that the bot was removed from a guild, and from its voice channels with that."""
        self._listener.own_voice(OwnVoice(GuildId(guild.id), channel=None))

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - discord.py's signature
        """Log an exception that escaped one of the handlers above."""
        log.exception("handler %s failed", event_method)  # noqa: LOG004 - discord.py calls this while handling it

    async def close(self) -> None:
        """Close, and cancel the task in which discord.py would go on waiting for guilds."""
        waiting = patches.pending_ready_task(self)
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        await super().close()

    def _voice_state(self, data: dict[str, Any], before: int | None) -> None:
        guild, user = GuildId(int(data["guild_id"])), UserId(int(data["user_id"]))
        after = None if data.get("channel_id") is None else ChannelId(int(data["channel_id"]))
        if self.user is not None and user == self.user.id:
            flags = {name: after is not None and bool(data.get(name)) for name in ("mute", "deaf", "suppress")}
            self._listener.own_voice(OwnVoice(guild, after, **flags))
        self._listener.heard(MemberChanged(guild, user, None if before is None else ChannelId(before), after))
