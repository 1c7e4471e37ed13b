"""A session of the main gateway without its socket: sequence numbers, what may be replayed, what it gets to see."""

import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from enum import IntFlag
from typing import Any

from common.types import GuildId, UserId
from simulator import payloads
from simulator.world import (
    Account,
    ChannelStatusChanged,
    ChannelUpdated,
    MemberUpdated,
    VoiceServerAssigned,
    VoiceStateChanged,
    World,
    WorldEvent,
)


class Intent(IntFlag):
    """The intents the simulator tells apart."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    MESSAGE_CONTENT = 1 << 15


KNOWN_INTENTS = (1 << 17) - 1 | 0b11 << 20 | 0b11 << 24
"""Bits 0 to 16, 20, 21, 24, 25."""

PRIVILEGED_INTENTS = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
"""No bot in the simulator has been granted these."""


class Prepared:
    """A long part of messages that are sent often, deflated once, and by itself so that it fits into any stream.

    Deflating 400 kB takes milliseconds, in which nobody's voice would go out.
    """

    def __init__(self, text: str) -> None:
        stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        self._text = text
        self.deflated = stream.compress(text.encode()) + stream.flush(zlib.Z_FULL_FLUSH)

    def __str__(self) -> str:
        return self._text


Message = tuple[str | Prepared, ...]
"""A message in JSON; its parts follow on each other without anything between."""


class Session:
    """What one IDENTIFY began. ``outlet`` sends to its socket; None while there is none.

    The last ``replay_limit`` dispatches are kept for a RESUME; a client that missed more gets INVALID SESSION.
    """

    def __init__(self, session_id: str, account: Account, intents: int, replay_limit: int) -> None:
        self.id = session_id
        self.account = account
        self.intents = intents
        self.sequence = 0
        self.resumable = True
        self.attached = 0
        """How often it has been given a socket."""
        self.outlet: Callable[[Message], None] | None = None
        self._replay: deque[tuple[int, Message]] = deque(maxlen=replay_limit)

    def dispatch(self, event: str, data: dict[str, Any]) -> None:
        """Send an event, or keep it for a RESUME."""
        self.dispatch_encoded(event, json.dumps(data))

    def dispatch_encoded(self, event: str, data: str | Prepared) -> None:
        """Do so with data that are JSON already."""
        self.sequence += 1
        message = (f'{{"op": 0, "s": {self.sequence}, "t": "{event}", "d": ', data, "}")
        self._replay.append((self.sequence, message))
        if self.outlet is not None:
            self.outlet(message)

    def missed_since(self, sequence: int) -> list[Message] | None:
        """Give every dispatch after ``sequence``; None if some of them are no longer kept."""
        missed = [message for number, message in self._replay if number > sequence]
        return missed if len(missed) == self.sequence - sequence else None


def ready(world: World, session: Session, resume_url: str) -> dict[str, Any]:
    """Give the dispatch READY."""
    account = session.account
    return {
        "v": 10,
        "user": payloads.own_user(account),
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in world.guilds_of(account.id)],
        "session_id": session.id,
        "resume_gateway_url": resume_url,
        "application": {"id": str(account.id), "flags": 0},
        "session_type": "normal",
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "guild_join_requests": [],
        "geo_ordered_rtc_regions": [],
        "_trace": [],
    }


def seen_by(world: World, session: Session, event: WorldEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what the session hears of a change: nothing outside its guilds and intents.

    One's own voice state, voice server and nickname come whatever the intents; others' nicknames need GUILD_MEMBERS.
    """
    own = not isinstance(event, (ChannelUpdated, ChannelStatusChanged)) and event.user_id == session.account.id
    if session.account.id not in world.guilds[event.guild_id].members:
        return
    match event:
        case VoiceStateChanged(_, _, before, after) if own or session.intents & Intent.GUILD_VOICE_STATES:
            yield "VOICE_STATE_UPDATE", payloads.voice_state_update(world, before, after)
        case VoiceServerAssigned(guild_id, _, endpoint, token) if own:
            yield "VOICE_SERVER_UPDATE", {"guild_id": str(guild_id), "endpoint": endpoint, "token": token}
        case ChannelUpdated(guild_id, channel_id) if session.intents & Intent.GUILDS:
            yield "CHANNEL_UPDATE", payloads.channel(world.guilds[guild_id].channels[channel_id])
        case ChannelStatusChanged(guild_id, channel_id, status) if session.intents & Intent.GUILDS:
            ids = {"guild_id": str(guild_id), "id": str(channel_id)}
            yield "VOICE_CHANNEL_STATUS_UPDATE", ids | {"status": status or None}
        case MemberUpdated(guild_id, user_id) if own:
            guild = world.guilds[guild_id]
            yield "GUILD_MEMBER_UPDATE", payloads.member(guild, guild.members[user_id], world.accounts[user_id])
        case _:
            return


def members_chunk(world: World, request: dict[str, Any]) -> dict[str, Any] | None:
    """Answer op 8 for named users or a name's beginning; None (no answer) for everybody: that needs GUILD_MEMBERS."""
    guild = world.guilds.get(GuildId(int(request["guild_id"])))
    if guild is None:
        return None
    asked, query, limit = request.get("user_ids"), request.get("query"), int(request.get("limit") or 0)
    if asked is None and not (query and limit):
        return None
    if asked is None:
        named = ((user_id, guild.shown_name(world.accounts[user_id])) for user_id in guild.members)
        wanted = [user_id for user_id, name in named if name.lower().startswith(str(query).lower())][:limit]
    else:
        wanted = [UserId(int(user_id)) for user_id in (asked if isinstance(asked, list) else [asked])]
    found = [member for member in guild.members.values() if member.user_id in wanted]
    body: dict[str, Any] = {
        "guild_id": str(guild.id),
        "members": [payloads.member(guild, member, world.accounts[member.user_id]) for member in found],
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": [str(user_id) for user_id in wanted if user_id not in guild.members],
    }
    return body | ({"nonce": request["nonce"]} if "nonce" in request else {})
