"""The on-air lamp: while a source is relayed, its voice channel's status line says so (product rule 6).

A notice that can't be shown is reported and never stops a relay.
"""

import asyncio
import logging

from common.errors import RelayError
from common.tasks import Tasks
from common.types import BotKey, ChannelId
from engine.gateway.bot import Bot

RELAYED = "🔴 実況に中継中 / RELAYED"
"""What players read, in both languages of the product: whoever is in the channel did not choose one with us."""

PATIENCE_SECONDS = 1.5
"""How long a notice may hold up the end of a session; discord.py waits out rate limits silently."""

log = logging.getLogger(__name__)


class Notices:
    """Shows and clears the notice; remembers which bot showed it where, and what failed."""

    def __init__(self) -> None:
        self._tasks = Tasks()
        self._places: dict[BotKey, ChannelId | None] = {}
        self._shown: dict[BotKey, tuple[Bot, ChannelId]] = {}
        self.failed: dict[BotKey, RelayError | TimeoutError] = {}
        """Why a bot's notice is not shown, by bot; empty when players can read all of them."""

    def stands_in(self, bot: Bot, channel: ChannelId | None) -> None:
        """Show the notice wherever a source's bot has come to; ``None`` while it is in no channel.

        Shown anew after each absence, also in the same channel: Discord forgets the line of a channel left empty.
        """
        if channel is not None and self._places.get(bot.key) != channel:
            self._tasks.start(self._move(bot, channel), name=f"notice-{bot.key}")
        self._places[bot.key] = channel

    async def _move(self, bot: Bot, channel: ChannelId) -> None:
        """Take the notice back where the bot was, which Discord allows only some bots, and show it here."""
        _, before = self._shown.get(bot.key, (bot, channel))
        if before != channel:
            await self._write(bot, before, None)
        await self._show(bot, channel)

    async def _show(self, bot: Bot, channel: ChannelId) -> None:
        """Show the notice in ``channel``; a bot can do that only for the channel it is in.

        Cancelled half-way it may have been shown, so it counts as shown until it is known that it is not.
        """
        self._shown[bot.key] = (bot, channel)
        if not await self._write(bot, channel, RELAYED) and self._shown.get(bot.key) == (bot, channel):
            del self._shown[bot.key]

    async def clear(self) -> None:
        """Take all notices back, at the same time; ends within ``PATIENCE_SECONDS``."""
        await self._tasks.close()
        shown, self._shown = self._shown, {}
        await asyncio.gather(*(self._write(bot, channel, None) for bot, channel in shown.values()))

    async def _write(self, bot: Bot, channel: ChannelId, text: str | None) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await bot.show_status(channel, text)
        except (RelayError, TimeoutError) as error:
            self.failed[bot.key] = error
            log.warning("bot %s: the notice in channel %s could not be written: %s", bot.key, channel, error)
            return False
        self.failed.pop(bot.key, None)
        return True
