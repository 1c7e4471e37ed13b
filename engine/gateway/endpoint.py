"""Where Discord is: the one file that touches parts of discord.py which are not its public face.

Each because no public door exists: the REST base and the gateway address are class attributes, a member's nickname
inside a voice state is thrown away (``parsers``, ``_voice_state_for``), and the task that waits for guilds outlives
``close`` (``_ready_task``). Addresses are class attributes, so one process speaks with one Discord at a time.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

_DISCORD_API = Route.BASE
_DISCORD_GATEWAY = DiscordWebSocket.DEFAULT_GATEWAY
_USER_FIELDS = frozenset({"id", "username", "discriminator", "avatar"})
"""What discord.py's handler of member updates reads from the user without asking whether it is there."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A Discord to speak with; every field left ``None`` means Discord itself.

    ``api_base`` is the REST address with its version (``https://…/api/v10``), ``gateway_url`` the main gateway
    (``wss://…``), ``ca_file`` a PEM file with certificates to trust in addition to the system's.
    """

    api_base: str | None = None
    gateway_url: str | None = None
    ca_file: Path | None = None

    def apply(self) -> None:
        """Point discord.py at this endpoint; holds for the whole process until the next call."""
        Route.BASE = self.api_base.rstrip("/") if self.api_base else _DISCORD_API
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self.gateway_url) if self.gateway_url else _DISCORD_GATEWAY

    def ssl_context(self) -> ssl.SSLContext:
        """Make a TLS client context; raises OSError (ssl.SSLError) when ``ca_file`` can't be used."""
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(cafile=self.ca_file)
        return context


VoiceStateSeen = Callable[[dict[str, Any], int | None], None]
"""Called with the raw voice state and the id of the channel the user was in before."""


def watch_voice_states(client: discord.Client, seen: VoiceStateSeen) -> None:
    """Let the member inside a VOICE_STATE_UPDATE refresh the cached one, and report every update of a guild.

    Without the privileged members intent a voice state is the only place where Discord tells a new nickname, and
    discord.py reads it only for members it does not know yet. It also stays silent about members it can't name.
    """
    parsers: dict[str, Callable[[Any], None]] = client._connection.parsers  # noqa: SLF001 - see the module's head
    handle_state, handle_member = parsers["VOICE_STATE_UPDATE"], parsers["GUILD_MEMBER_UPDATE"]

    def voice_state_update(data: dict[str, Any]) -> None:
        guild = client.get_guild(int(data.get("guild_id") or 0))
        if guild is None:
            return
        member = data.get("member") or {}
        if "roles" in member and member.get("user", {}).keys() >= _USER_FIELDS:
            handle_member({**member, "guild_id": data["guild_id"]})
        before = guild._voice_state_for(int(data["user_id"]))  # noqa: SLF001 - see the module's head
        before_id = None if before is None or before.channel is None else before.channel.id
        handle_state(data)
        seen(data, before_id)

    parsers["VOICE_STATE_UPDATE"] = voice_state_update


def pending_ready_task(client: discord.Client) -> asyncio.Task[None] | None:
    """Return the task in which discord.py waits for guilds after READY; ``Client.close`` leaves it running."""
    task: asyncio.Task[None] | None = client._connection._ready_task  # noqa: SLF001 - see the module's head
    return task
