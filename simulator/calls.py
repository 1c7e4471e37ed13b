"""Which voice server carries which channel's call, and the order of steps when somebody joins, moves or leaves.

Order on the wire, as Discord's: VOICE_STATE_UPDATE (announced by the world), close of the old voice socket with 4014,
VOICE_SERVER_UPDATE with a token that the new server already accepts. One worker keeps that order for everybody.
"""

import asyncio
from collections.abc import Sequence

from common.types import ChannelId, GuildId, UserId
from simulator.tasks import Tasks
from simulator.world import VoicePlane, VoiceServerAssigned, VoiceState, VoiceStateChanged, World, WorldEvent

DISCONNECTED = 4014
"""Voice close code: the channel was left, was changed by a moderator, or the call went elsewhere."""

_QUEUE_LIMIT = 10_000


class Calls:
    """Keeps which voice server carries which channel's call, and follows every change of the world.

    Calls begin on the first server. Without any server, joins are told so: a VOICE_SERVER_UPDATE that names none.
    """

    def __init__(self, world: World, servers: Sequence[VoicePlane]) -> None:
        self._world = world
        self._servers = servers
        self._home: dict[ChannelId, VoicePlane] = {}
        self._where: dict[tuple[GuildId, UserId], VoicePlane] = {}
        self._changes: asyncio.Queue[VoiceStateChanged] = asyncio.Queue(_QUEUE_LIMIT)
        self._tasks = Tasks()
        self.dropped = 0
        """Changes that came while the queue was full."""

    def start(self) -> None:
        """Follow the world from now on."""
        self._unlisten = self._world.listen(self._on_event)
        self._tasks.start(self._work(), name="calls")

    async def close(self) -> None:
        """Stop following."""
        self._unlisten()
        await self._tasks.close()

    def server_of(self, channel_id: ChannelId) -> VoicePlane:
        """Give the server that carries (or would carry) the channel's call."""
        return self._home.setdefault(channel_id, self._servers[0])

    def server_with(self, guild_id: GuildId, user_id: UserId) -> VoicePlane | None:
        """Give the server the member was last sent to; None if not in voice."""
        return self._where.get((guild_id, user_id))

    async def move_call(self, guild_id: GuildId, channel_id: ChannelId, *, outage: bool = False) -> VoicePlane:
        """Take the channel's call to the next server and say so to everybody in it.

        ``outage`` plays the harder order: no endpoint is named and the old sockets close before the new one is known.
        """
        old = self.server_of(channel_id)
        new = self._servers[(self._servers.index(old) + 1) % len(self._servers)]
        self._home[channel_id] = new
        states = self._world.guilds[guild_id].occupants(channel_id)
        if outage:
            for state in states:
                self._world.announce(VoiceServerAssigned(guild_id, state.user_id, None, ""))
                await old.evict(state.user_id, close_code=DISCONNECTED)
        for state in states:
            self._assign(state)
        if not outage:
            for state in states:
                await old.evict(state.user_id, close_code=DISCONNECTED)
        return new

    def _on_event(self, event: WorldEvent) -> None:
        if not isinstance(event, VoiceStateChanged) or not _needs_server(event):
            return
        try:
            self._changes.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _work(self) -> None:
        while True:
            await self._carry_out(await self._changes.get())

    async def _carry_out(self, change: VoiceStateChanged) -> None:
        place = (change.guild_id, change.user_id)
        if change.before and (change.after is None or change.after.channel_id != change.before.channel_id):
            old = self._where.pop(place, None)
            if old is not None:
                await old.evict(change.user_id, close_code=DISCONNECTED)
        now = self._world.voice_state(*place)
        if change.after and now and now.channel_id == change.after.channel_id:
            self._assign(now)

    def _assign(self, state: VoiceState) -> None:
        if not self._servers:
            self._world.announce(VoiceServerAssigned(state.guild_id, state.user_id, None, ""))
            return
        server = self.server_of(state.channel_id)
        token = self._world.make_secret(64)
        self._where[state.guild_id, state.user_id] = server
        server.admit(state.guild_id, state.channel_id, state.user_id, state.session_id, token)
        self._world.announce(VoiceServerAssigned(state.guild_id, state.user_id, server.endpoint, token))


def _needs_server(change: VoiceStateChanged) -> bool:
    """Tell flags alone (no) from a place, a session or a repeated request: that is how a client asks for a token."""
    before, after = change.before, change.after
    if before is None or after is None or before == after:
        return True
    return (before.channel_id, before.session_id) != (after.channel_id, after.session_id)
