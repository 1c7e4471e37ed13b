"""discord.py's end of voice: what the main gateway says about our place, gathered for the rooms above.

``discord.VoiceProtocol`` is discord.py's public seam for a voice implementation of one's own; nothing of its own
voice client is used (docs/adr/0001-voice-on-voiceprotocol.md).
"""

import asyncio
from collections.abc import Callable
from typing import Any

import discord

from common.types import ChannelId, GuildId, UserId
from engine.voice.protocol import VoiceServer


class RelayVoiceProtocol(discord.VoiceProtocol):
    """A bot's place in voice. ``connect`` asks for it and returns when Discord named a voice server.

    ``on_server`` is called on the loop for every voice server update after that; ``False``: the server is gone and
    the next one not yet known.
    """

    def __init__(
        self, client: discord.Client, channel: discord.abc.Connectable, *, on_server: Callable[[bool], None]
    ) -> None:
        super().__init__(client, channel)
        self._on_server = on_server
        self._session: str | None = None
        self._place: int | None = None
        self._token: str | None = None
        self._endpoint: str | None = None
        self._complete = asyncio.Event()

    @property
    def server(self) -> VoiceServer | None:
        """The voice server named last, for the channel the bot is in now."""
        user = self.client.user
        if user is None or self._session is None or self._place is None or not self._token or not self._endpoint:
            return None
        return VoiceServer(
            guild=GuildId(self._guild.id),
            channel=ChannelId(self._place),
            user=UserId(user.id),
            session=self._session,
            token=self._token,
            endpoint=self._endpoint,
        )

    async def connect(
        self,
        *,
        timeout: float,  # noqa: ASYNC109 - discord.py's signature
        reconnect: bool,  # noqa: ARG002 - discord.py's signature; retrying is engine.session's
        self_deaf: bool = False,
        self_mute: bool = False,
    ) -> None:
        """Ask for the channel and wait for both answers, which come in either order.

        Raises TimeoutError: a full channel is not answered at all.
        """
        channel = self.channel
        if not isinstance(channel, discord.VoiceChannel | discord.StageChannel):
            raise TypeError(channel)
        async with asyncio.timeout(timeout):
            await self._guild.change_voice_state(channel=channel, self_mute=self_mute, self_deaf=self_deaf)
            await self._complete.wait()

    async def disconnect(self, *, force: bool = False) -> None:  # noqa: ARG002 - discord.py's signature
        """Leave the channel and let discord.py forget us."""
        try:
            await self._guild.change_voice_state(channel=None)
        finally:
            self.cleanup()

    async def on_voice_state_update(self, data: Any, /) -> None:  # noqa: ANN401 - a raw gateway payload
        """Take in our own voice state."""
        place = data.get("channel_id")
        self._place = None if place is None else int(place)
        self._session = data.get("session_id") or self._session
        self._check()

    async def on_voice_server_update(self, data: Any, /) -> None:  # noqa: ANN401 - a raw gateway payload
        """Take in a voice server; without an endpoint it is gone and another one follows."""
        endpoint = data.get("endpoint")
        self._token = data.get("token")
        self._endpoint = None if endpoint is None else str(endpoint).removeprefix("wss://").rstrip("/")
        first = not self._complete.is_set()
        self._check()
        if not first:
            self._on_server(self._endpoint is not None)

    def _check(self) -> None:
        if self.server is not None:
            self._complete.set()

    @property
    def _guild(self) -> discord.Guild:
        guild: discord.Guild = self.channel.guild  # type: ignore[attr-defined]  # Connectable doesn't declare what all have
        return guild
