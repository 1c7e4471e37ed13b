"""The main gateway v10: sessions, what is dispatched to them, joining voice (op 4), and its faults on call.

A session outlives its socket for ``resume_window_s``; then, or when its bot closes with 1000 or 1001, the bot is gone
from voice too, as people see it on Discord.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from common.types import ChannelId, GuildId, UserId
from simulator import payloads
from simulator.clock import Clock
from simulator.gateway_connection import CloseCode, Connection, GatewayClosed, Op
from simulator.gateway_session import (
    KNOWN_INTENTS,
    PRIVILEGED_INTENTS,
    Intent,
    Prepared,
    Session,
    members_chunk,
    ready,
    seen_by,
)
from simulator.limits import SessionStarts
from simulator.permissions import refuse_join
from simulator.tasks import Tasks
from simulator.world import World, WorldEvent

_CLEAN_CLOSES = (1000, 1001)
_VERSIONS = ("9", "10")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway keeps time."""

    heartbeat_s: float = 41.25
    """Between two heartbeats; one and a half times of it without any closes the socket. Defaults to Discord's."""
    resume_window_s: float = 90.0
    """How long a session without a socket is kept. Defaults to 90."""
    replay_limit: int = 1000
    """Dispatches kept per session for a RESUME. Defaults to 1000."""


class Gateway:
    """Serves gateway sockets. ``resume_url`` is named in READY and differs from where sessions begin."""

    def __init__(
        self, world: World, starts: SessionStarts, clock: Clock, resume_url: str, settings: GatewaySettings
    ) -> None:
        self._world = world
        self._starts = starts
        self._clock = clock
        self._resume_url = resume_url
        self._settings = settings
        self._sessions: dict[str, Session] = {}
        self._connections: list[Connection] = []
        self._tasks = Tasks()
        self._unlisten = world.listen(self._on_event)
        self.resumed = 0
        """Sessions taken up again so far."""
        self.refused_joins: list[tuple[UserId, ChannelId, str]] = []
        """Joins left unanswered, with the reason (the last 100)."""

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket from its upgrade to its end."""
        connection = Connection(request, self, self._clock, self._settings.heartbeat_s)
        self._connections.append(connection)
        try:
            return await connection.run()
        finally:
            self._connections.remove(connection)
            self._detach(connection)

    async def close(self) -> None:
        """Cut every socket and forget every session."""
        self._unlisten()
        for connection in self._connections:
            connection.abort()
        await self._tasks.close()

    def connections_of(self, user_id: UserId) -> Iterator[Connection]:
        """Give the bot's sockets that have identified or resumed."""
        found = [item for item in self._connections if item.session and item.session.account.id == user_id]
        return iter(found)

    def invalidate(self, user_id: UserId, *, resumable: bool) -> None:
        """Send INVALID SESSION to the bot; unless ``resumable``, its sessions can't be resumed any more."""
        for connection in self.connections_of(user_id):
            if connection.session and not resumable:
                connection.session.resumable = False
            connection.send(Op.INVALID_SESSION, resumable)

    async def keep_updating(self, guild_id: GuildId, period_s: float) -> None:
        """Send GUILD_UPDATE for ever to everybody who is in the guild and wants to know; it says the same each time."""
        guild = self._world.guilds[guild_id]
        data, moment = Prepared(json.dumps(payloads.guild(guild))), self._clock.now()
        while True:
            moment += period_s
            await self._clock.sleep_until(moment)
            for session in self._sessions.values():
                if session.intents & Intent.GUILDS and session.account.id in guild.members:
                    session.dispatch_encoded("GUILD_UPDATE", data)

    # What a connection asks for

    def identify(self, connection: Connection, data: dict[str, Any]) -> None:
        """Begin a session: READY, then one GUILD_CREATE each guild."""
        account = self._world.bot_with_token(str(data["token"]))
        if account is None:
            raise GatewayClosed(CloseCode.AUTHENTICATION_FAILED)
        _check_identify(connection.version, data)
        if not self._starts.count(account.id):
            account.token = ""
            raise GatewayClosed(CloseCode.AUTHENTICATION_FAILED)
        session = Session(self._world.make_secret(), account, int(data["intents"]), self._settings.replay_limit)
        self._sessions[session.id] = session
        self._attach(connection, session)
        session.dispatch("READY", ready(self._world, session, self._resume_url))
        if session.intents & Intent.GUILDS:
            for guild in self._world.guilds_of(account.id):
                session.dispatch("GUILD_CREATE", payloads.guild_create(self._world, guild, account.id))

    def resume(self, connection: Connection, data: dict[str, Any]) -> None:
        """Go on with a session: everything missed, then RESUMED; INVALID SESSION if that can't be done."""
        account = self._world.bot_with_token(str(data["token"]))
        if account is None:
            raise GatewayClosed(CloseCode.AUTHENTICATION_FAILED)
        session = self._sessions.get(str(data["session_id"]))
        if session is None or not session.resumable or session.account.id != account.id:
            connection.send(Op.INVALID_SESSION, data=False)
            return
        sequence = int(data["seq"])
        if sequence > session.sequence:
            raise GatewayClosed(CloseCode.INVALID_SEQUENCE)
        missed = session.missed_since(sequence)
        if missed is None:
            connection.send(Op.INVALID_SESSION, data=False)
            return
        self._attach(connection, session)
        for message in missed:
            connection.send_encoded(message)
        session.dispatch("RESUMED", {"_trace": []})
        self.resumed += 1

    def request(self, session: Session, op: int, data: dict[str, Any]) -> None:
        """Carry out op 4 and op 8; a presence (op 3) changes nothing here."""
        if op == Op.VOICE_STATE:
            self._set_voice_state(session, data)
        elif op == Op.REQUEST_MEMBERS and (chunk := members_chunk(self._world, data)) is not None:
            session.dispatch("GUILD_MEMBERS_CHUNK", chunk)

    def _set_voice_state(self, session: Session, data: dict[str, Any]) -> None:
        """Join, move, leave or change flags; what isn't allowed is left unanswered, as Discord does."""
        user_id = session.account.id
        guild = self._world.guilds.get(GuildId(int(data["guild_id"])))
        if guild is None or user_id not in guild.members:
            return
        if data["channel_id"] is None:
            self._world.leave(guild.id, user_id)
            return
        channel_id = ChannelId(int(data["channel_id"]))
        refusal = refuse_join(guild, channel_id, user_id)
        if refusal is not None:
            self.refused_joins = [*self.refused_joins[-99:], (user_id, channel_id, refusal)]
            return
        self_mute, self_deaf = data["self_mute"] is True, data["self_deaf"] is True
        self._world.join(guild.id, user_id, channel_id, session_id=session.id, self_mute=self_mute, self_deaf=self_deaf)

    # Sessions and their sockets

    def _on_event(self, event: WorldEvent) -> None:
        for session in tuple(self._sessions.values()):
            for name, data in seen_by(self._world, session, event):
                session.dispatch(name, data)

    def _attach(self, connection: Connection, session: Session) -> None:
        for other in self._connections:
            if other.session is session:
                other.session = None
                other.abort()
        connection.session = session
        session.outlet = connection.send_encoded
        session.attached += 1

    def _detach(self, connection: Connection) -> None:
        session = connection.session
        if session is None:
            return
        session.outlet = None
        if connection.close_code_received in _CLEAN_CLOSES and session.resumable:
            self._end(session)
        else:
            self._tasks.start(self._expire(session), name="gateway-session-expiry")

    async def _expire(self, session: Session) -> None:
        attached = session.attached
        await self._clock.sleep_until(self._clock.now() + self._settings.resume_window_s)
        if session.attached == attached:
            self._end(session)

    def _end(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        for guild in self._world.guilds_of(session.account.id):
            state = guild.voice_states.get(session.account.id)
            if state is not None and state.session_id == session.id:
                self._world.leave(guild.id, session.account.id)


def _check_identify(version: str, data: dict[str, Any]) -> None:
    """Refuse a wrong API version, shards (one suffices here) and intents that don't exist or weren't granted."""
    if version not in _VERSIONS:
        raise GatewayClosed(CloseCode.INVALID_VERSION)
    if data.get("shard", [0, 1]) != [0, 1]:
        raise GatewayClosed(CloseCode.INVALID_SHARD)
    intents = int(data["intents"])
    if intents < 0 or intents & ~KNOWN_INTENTS:
        raise GatewayClosed(CloseCode.INVALID_INTENTS)
    if intents & PRIVILEGED_INTENTS:
        raise GatewayClosed(CloseCode.DISALLOWED_INTENTS)
