"""Everything that can go wrong on call: one typed call each, for tests and for a scene's time line.

A fault names a bot or person by user id and a channel by channel id; KeyError if it isn't where the fault needs it.
"""

from collections.abc import Sequence
from dataclasses import replace

from common.types import ChannelId, GuildId, UserId
from simulator.calls import Calls
from simulator.gateway import Gateway
from simulator.gateway_connection import CloseCode, Op
from simulator.limits import Refusal, RequestLimits
from simulator.network import LinkQuality
from simulator.people import People
from simulator.rooms import Participant, Room, real_clock
from simulator.voice_gateway import VoiceServer
from simulator.world import VoicePlane, World


class Faults:
    """Faults of one running simulator."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        calls: Calls,
        limits: RequestLimits,
        *,
        voice_servers: Sequence[VoiceServer] = (),
        people: People | None = None,
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._calls = calls
        self._limits = limits
        self._voice_servers = voice_servers
        self._people = people

    # Main gateway

    def close_gateway(self, user_id: UserId, code: int) -> None:
        """Close the bot's gateway socket with any code."""
        for connection in self._gateway.connections_of(user_id):
            connection.close(code)

    def abort_gateway(self, user_id: UserId) -> None:
        """Cut the bot's gateway TCP connection."""
        for connection in self._gateway.connections_of(user_id):
            connection.abort()

    def freeze_gateway(self, user_id: UserId) -> None:
        """Let the bot's gateway socket fall silent without a word: no dispatch, no heartbeat ack."""
        for connection in self._gateway.connections_of(user_id):
            connection.frozen = True

    def ask_reconnect(self, user_id: UserId) -> None:
        """Send RECONNECT (op 7)."""
        for connection in self._gateway.connections_of(user_id):
            connection.send(Op.RECONNECT)

    def invalidate_session(self, user_id: UserId, *, resumable: bool = False) -> None:
        """Send INVALID SESSION (op 9)."""
        self._gateway.invalidate(user_id, resumable=resumable)

    def revoke_token(self, user_id: UserId) -> None:
        """Reset the bot's token: REST answers 401 and the gateway closes with 4004."""
        self._world.accounts[user_id].token = ""
        self.close_gateway(user_id, CloseCode.AUTHENTICATION_FAILED)

    def rate_limit(self, *, count: int = 1, retry_after: float = 1.0, is_global: bool = False, path: str = "") -> None:
        """Answer the next ``count`` requests whose path (below the base) begins with ``path`` with 429."""
        self._limits.forced.append(Refusal(count, retry_after, is_global, path))

    # Voice

    async def close_voice(self, user_id: UserId, code: int) -> None:
        """Close the user's voice socket with any code; its voice state stays."""
        await self._voice_server_with(user_id).evict(user_id, close_code=code)

    async def abort_voice(self, user_id: UserId) -> None:
        """Cut the user's voice TCP connection."""
        await self._voice_server_with(user_id).evict(user_id, close_code=None)

    def freeze_voice(self, user_id: UserId) -> None:
        """Let the user's voice socket fall silent without a word: no message, no heartbeat ack; audio goes on."""
        for server in self._voice_servers:
            server.freeze(user_id)

    async def move_voice_server(self, channel_id: ChannelId, *, outage: bool = False) -> VoicePlane:
        """Take a channel's call to the next voice server; see ``Calls.move_call``."""
        channel = self._world.channel(channel_id)
        if channel is None:
            raise KeyError(channel_id)
        return await self._calls.move_call(channel.guild_id, channel_id, outage=outage)

    def kick(self, user_id: UserId) -> None:
        """Disconnect the user from voice as a moderator does."""
        self._world.kick(self._guild_with(user_id), user_id)

    def move(self, user_id: UserId, channel_id: ChannelId) -> None:
        """Move the user to another channel as a moderator does."""
        self._world.move(self._guild_with(user_id), user_id, channel_id)

    def server_mute(self, user_id: UserId, *, muted: bool = True) -> None:
        """Mute the user as a moderator does."""
        self._world.set_flags(self._guild_with(user_id), user_id, mute=muted)

    def server_deafen(self, user_id: UserId, *, deafened: bool = True) -> None:
        """Deafen the user as a moderator does."""
        self._world.set_flags(self._guild_with(user_id), user_id, deaf=deafened)

    def refuse_voice(self, code: int) -> None:
        """Close the next voice websocket that identifies, on any server, with this code."""
        for server in self._voice_servers:
            server.refuse_next = code

    def cut_link(self, user_id: UserId, seconds: float) -> None:
        """Let no audio through to the user, nor from a bot, for so long; its websocket stays."""
        for link in self._participant(user_id).links:
            link.cut_until = real_clock() + int(seconds * 1e9)

    def set_link(self, user_id: UserId, quality: LinkQuality) -> None:
        """Make the links to the user, and from a bot, worse or better from now on, until it joins anew."""
        for link in self._participant(user_id).links:
            link.quality = quality

    def speak_late(self, user_id: UserId, *, late: bool = True) -> None:
        """Have a simulated person's audio come before it is said whose it is (op 5), from its next word on."""
        if self._people is None:
            raise KeyError(user_id)
        voice = self._people.voices[user_id]
        voice.script = replace(voice.script, late_speaking=late)

    # End-to-end encryption

    def downgrade_dave(self, channel_id: ChannelId) -> None:
        """Turn a call's encryption off for everybody (ops 21, 22)."""
        self._room(channel_id).dave.downgrade()

    def upgrade_dave(self, channel_id: ChannelId) -> None:
        """Turn a call's encryption on: a new group from epoch 1 (op 24)."""
        self._room(channel_id).dave.upgrade()

    def spoil_commit(self, channel_id: ChannelId, user_id: UserId) -> None:
        """Send the user a broken commit or welcome the next time the group changes (it answers with op 31)."""
        self._room(channel_id).dave.spoil_next_commit(user_id)

    def _room(self, channel_id: ChannelId) -> Room:
        """Find a call that is going on."""
        for server in self._voice_servers:
            if channel_id in server.rooms:
                return server.rooms[channel_id]
        raise KeyError(channel_id)

    def _participant(self, user_id: UserId) -> Participant:
        """Find who is in a call."""
        for server in self._voice_servers:
            if (participant := server.end_of(user_id)) is not None:
                return participant
        raise KeyError(user_id)

    def _guild_with(self, user_id: UserId) -> GuildId:
        """Find the guild in whose voice the user is."""
        for guild in self._world.guilds.values():
            if user_id in guild.voice_states:
                return guild.id
        raise KeyError(user_id)

    def _voice_server_with(self, user_id: UserId) -> VoicePlane:
        server = self._calls.server_with(self._guild_with(user_id), user_id)
        if server is None or (isinstance(server, VoiceServer) and server.end_of(user_id) is None):
            # On its way to a server: there is no socket yet, and what lets it in there must stay.
            raise KeyError(user_id)
        return server
