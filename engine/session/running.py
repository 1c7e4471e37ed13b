"""What exists while a session runs: bots in their seats, the roster, the desk, the mixer; all of it or none.

:class:`engine.session.relay.RelaySession` is what others talk to; this is what it starts and throws away.
"""

import asyncio
import ssl
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random

from common.errors import DiscordError, ErrorCode, SessionError
from common.protocol.messages import Meters
from common.protocol.spec import SessionSpec, TickMs
from common.protocol.state import LinkState, MatchPhase, Phase, SessionState
from common.secret import Secret
from common.types import BotKey, ChannelId, GuildId, UserId
from engine.gateway.bot import Bot
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.gateway.events import BotEvent, GatewayBack, GatewayLost, GuildSeen, MemberChanged, OwnVoice, Stopped
from engine.gateway.notices import Notices
from engine.gateway.pool import Pool, equal_tokens, raise_all
from engine.gateway.views import VoiceMember
from engine.session import measures, preflight, routing, snapshot
from engine.session.desk import Desk, channel_id, desk_from_spec, spec_as_set
from engine.session.errands import Errands
from engine.session.line import VoiceLine
from engine.session.mixing import Mixing
from engine.session.outages import OutageLog
from engine.session.roster import Departed, Roster, StripMemory, Talker
from engine.session.seat import Seat
from engine.session.soundcheck import Room
from engine.session.supervisor import Supervisor

JOIN_SECONDS = 3.5
"""Time for every bot's way into its channel; Discord answers within a fraction of a second, or never."""

SLACK_MS = 1_000
"""How much longer than the longest delay somebody who left is still mixed: what came last waits for playout too."""


class Running:
    """A session from its first check to its last goodbye. ``start`` once, then ``close`` whatever happened."""

    def __init__(
        self,
        spec: SessionSpec,
        *,
        endpoint: Endpoint,
        budget: IdentifyBudget,
        memory: StripMemory,
        clock: Callable[[], int],
        random: Random,
        on_change: Callable[[], None],
        make_mixing: Callable[[TickMs], Mixing],
    ) -> None:
        self.spec = spec
        self.desk = Desk()
        self.roster = Roster(())
        self.seats: dict[BotKey, Seat] = {}
        self.tokens: dict[BotKey, Secret] = {}
        """Of the bots in their seats."""
        self.logins = Errands()
        self.checks = Errands()
        self.checked: ChannelId | None = None
        """The destination of the sound check that goes on."""
        self._endpoint = endpoint
        self._budget = budget
        self._memory = memory
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._make_mixing = make_mixing
        self._outages = OutageLog(clock)
        self._notices = Notices()
        self._pool = Pool({})
        self._mixing: Mixing | None = None
        self._on_air = False
        self._departed = Departed()
        self._unsafe: frozenset[ChannelId] = frozenset()
        """What was blocked when the roster was last looked at."""
        self._silent_until_ms: dict[float, int] = {}
        """By delay (s): destinations of the same delay share a line, so the second one finds it filled."""

    async def start(self, tokens: Mapping[BotKey, Secret], *, kill: bool = False) -> None:
        """Check, log in, check again, join, mix; raises what is wrong and leaves the cleaning to ``close``."""
        wanted = {place.bot for place in preflight.places(self.spec)}
        used = {key: token for key, token in tokens.items() if key in wanted and token}
        raise_all([*preflight.check_spec(self.spec, used), *equal_tokens(used)])
        self.tokens = used
        self.desk = replace(desk_from_spec(self.spec), kill=kill)
        await self._log_in(used)
        self._mixing = self._make_mixing(self.spec.tick_ms)
        tls = self._endpoint.ssl_context()
        for place in preflight.places(self.spec):
            seat = self._seat(place, self._mixing, tls)
            self.seats[seat.key] = seat
        await self._join_all()
        self._go_on_air(self._mixing)

    async def close(self) -> None:
        """Fall silent at once, then take back whatever was started, the newest first; within 5 s.

        Each step is taken although another fails.
        """
        self._mix(replace(self.desk, kill=True))
        self._on_air = False
        async with AsyncExitStack() as steps:
            steps.push_async_callback(self._pool.close)
            if self._mixing is not None:
                steps.push_async_callback(self._mixing.close)
            steps.push_async_callback(self._leave_all)
            steps.push_async_callback(self.logins.close, SessionError(ErrorCode.NOT_RUNNING))
            steps.push_async_callback(self.checks.close, SessionError(ErrorCode.NOT_RUNNING))
            steps.push_async_callback(self._notices.clear)

    def set_desk(self, desk: Desk) -> None:
        """Put another desk in force."""
        self.desk = desk
        if self._on_air:
            self._begin_delays()
        self.apply()

    def apply(self) -> None:
        """Tell the mixer what holds now, and everybody else that something changed."""
        self._mix(self.desk)
        self._on_change()

    def _mix(self, desk: Desk) -> None:
        if self._mixing is not None and self._on_air:
            self._mixing.apply(routing.mix_settings(desk, self.audible(), self._memory, self._blocked()))

    def audible(self) -> tuple[Talker, ...]:
        """Return who is there and, with a delay, who left so lately that a delay line may hold what they said."""
        longest = max((strip.delay_s for strip in self.desk.destinations.values()), default=0.0)
        held_ms = round(longest * 1000) + SLACK_MS if longest else -1  # without a delay nobody is kept
        return self.roster.talkers() + self._departed.since(self._clock() - held_ms)

    def dump(self, users: Collection[UserId]) -> None:
        """Drop what the delay lines hold of some talkers."""
        if self._mixing is not None and users:
            self._mixing.dump(users)

    def seat(self, bot: str) -> Seat:
        """Find a bot's seat; raises TOKEN_MISSING when the session has no such bot."""
        try:
            return self.seats[BotKey(bot)]
        except KeyError:
            raise SessionError(ErrorCode.TOKEN_MISSING, bot=bot) from None

    # starting

    async def _log_in(self, tokens: Mapping[BotKey, Secret]) -> None:
        guild = GuildId(int(self.spec.guild))
        self._pool = Pool({key: self._bot(key, token) for key, token in tokens.items()})
        await self._pool.start()
        identities = self._pool.identities()
        raise_all(preflight.check_identities(self.spec, identities))
        views = await asyncio.gather(*(bot.guild(guild) for bot in self._pool.bots.values()))
        raise_all(preflight.check_guild(self.spec, dict(zip(self._pool.bots, views, strict=True)), identities))
        self.roster = Roster(identities.values())

    def _bot(self, key: BotKey, token: Secret) -> Bot:
        def heard(event: BotEvent) -> None:
            self._heard(key, event)

        return Bot(key, token, endpoint=self._endpoint, budget=self._budget, on_event=heard)

    def _seat(self, place: preflight.Place, mixing: Mixing, tls: ssl.SSLContext) -> Seat:
        bot = self._pool.bots[BotKey(place.bot)]
        line = VoiceLine(bot, self.guild, mixing, tls, listens=preflight.is_source(place))
        supervisor = Supervisor(
            bot=bot.key,
            home=ChannelId(int(place.channel)),
            listens=preflight.is_source(place),
            line=line,
            outages=self._outages,
            clock=self._clock,
            random=self._random,
            on_change=lambda: self._seat_changed(bot.key),
        )
        line.report_to(supervisor)
        return Seat(spec=place, bot=bot, line=line, supervisor=supervisor)

    async def _join_all(self) -> None:
        seats = list(self.seats.values())
        outcomes = await asyncio.gather(
            *(seat.supervisor.start(JOIN_SECONDS) for seat in seats), return_exceptions=True
        )
        raise_all(
            [
                self._why(seat, outcome)
                for seat, outcome in zip(seats, outcomes, strict=True)
                if isinstance(outcome, BaseException)
            ]
        )

    def _why(self, seat: Seat, failure: BaseException) -> BaseException:
        """Name the reason of a join that stayed unanswered, if it has come up since the first look."""
        if not isinstance(failure, DiscordError) or failure.code is not ErrorCode.VOICE_TIMEOUT:
            return failure
        found = preflight.check_guild(self.spec, {seat.key: seat.bot.view(self.guild)}, {seat.key: seat.bot.user})
        return next((error for error in found if error.details.get("bot") == seat.key), failure)

    def _go_on_air(self, mixing: Mixing) -> None:
        self._on_air = True
        self._begin_delays()
        for seat in self.seats.values():
            self._see_members(seat)
            self._connect_output(seat)
        self.apply()
        mixing.start()
        for seat in self.seats.values():
            self._show_notice(seat)

    async def _leave_all(self) -> None:
        await asyncio.gather(*(seat.supervisor.close() for seat in self.seats.values()))

    # bots that come meanwhile

    def new_bot(self, key: BotKey, token: Secret) -> Bot:
        """Make a bot whose events come to the seat of that name, if there is one; the caller starts and closes it."""
        return self._bot(key, token)

    def replace_bot(self, seat: Seat, bot: Bot, token: Secret) -> None:
        """Put a bot that is logged in into the seat of one that ended for good, and send it to its place."""
        self.tokens[seat.key] = token
        self._pool.bots[seat.key] = bot
        self.seats[seat.key] = replace(seat, bot=bot)
        seat.line.take_bot(bot)
        seat.supervisor.revive()

    def room(self, destination: str) -> Room:
        """Return where a sound check of a destination is made; CHANNEL_DUPLICATE where its bot stands with players."""
        home = self.desk.destination(channel_id(destination)).channel
        seat = next(seat for seat in self.seats.values() if seat.home == home)
        if self._mixing is None or home in self._blocked():
            raise SessionError(ErrorCode.CHANNEL_DUPLICATE, channel=str(seat.supervisor.place))
        return Room(self.guild, seat, self._mixing, self._endpoint.ssl_context())

    # while it runs

    @property
    def guild(self) -> GuildId:
        """The guild of the session."""
        return GuildId(int(self.spec.guild))

    def _heard(self, key: BotKey, event: BotEvent) -> None:
        """Take a bot's event to whom it concerns."""
        seat = self.seats.get(key)
        if seat is None:
            return
        if isinstance(event, MemberChanged | GuildSeen):
            self._members_changed(seat, event)
        elif isinstance(event, OwnVoice):
            if event.guild == self.guild:
                seat.supervisor.own_voice(event)
        elif isinstance(event, GatewayLost):
            seat.supervisor.gateway_lost()
        elif isinstance(event, GatewayBack):
            seat.supervisor.gateway_back(resumed=event.resumed)
        elif isinstance(event, Stopped):
            seat.supervisor.stopped(event.error)

    def _members_changed(self, seat: Seat, event: MemberChanged | GuildSeen) -> None:
        touched = isinstance(event, GuildSeen) or seat.supervisor.place in {event.before, event.after}
        if touched and event.guild == self.guild and self._see_members(seat):
            self.apply()

    def _see_members(self, seat: Seat) -> bool:
        """Take over who is where the source's bot is, and what is blocked; return whether that changed anything."""
        if not self._on_air:
            return False
        before, was_unsafe = self.roster.talkers(), self._unsafe
        self._unsafe = self._blocked()
        changed = seat.is_source and self.roster.update(seat.home, self._members(seat))
        if not changed and self._unsafe == was_unsafe:
            return False
        present = self.roster.talkers()
        self._memory.touch(talker.user for talker in present)
        self.dump(self._departed.note(before, present, self._clock(), was_unsafe | self._unsafe))
        self.desk = self.desk.without_solo_of_absent(talker.user for talker in present)
        return True

    def _members(self, seat: Seat) -> tuple[VoiceMember, ...]:
        stopped = seat.supervisor.link is LinkState.STOPPED
        return () if stopped else seat.bot.members(self.guild, seat.supervisor.place)

    def _begin_delays(self) -> None:
        """Note of every delay that wasn't in use until when its line lets nothing out."""
        delays = {strip.delay_s for strip in self.desk.destinations.values() if strip.delay_s}
        begun = {delay: self._clock() + round(delay * 1000) for delay in delays}
        self._silent_until_ms = {delay: self._silent_until_ms.get(delay, until) for delay, until in begun.items()}

    def _seat_changed(self, key: BotKey) -> None:
        """React to a supervisor's news: another place, another connection, another state."""
        seat = self.seats.get(key)
        if seat is None:
            return
        self._see_members(seat)
        self._connect_output(seat)
        self._show_notice(seat)
        if self.checked is not None and self.checked in self._blocked():
            self.checks.end(SessionError(ErrorCode.CHANNEL_DUPLICATE, channel=str(seat.supervisor.seen_in)))
        self.apply()

    def _show_notice(self, seat: Seat) -> None:
        """Let players know, wherever they are relayed from now."""
        if seat.is_source and self._on_air:
            connected = seat.supervisor.link is LinkState.CONNECTED
            self._notices.stands_in(seat.bot, seat.supervisor.place if connected else None)

    def _connect_output(self, seat: Seat) -> None:
        if self._mixing is not None and not seat.is_source:
            self._mixing.set_output(seat.home, seat.line.sender)

    def _blocked(self) -> frozenset[ChannelId]:
        """Return what must be silent for where its bot is, or for where it was until it has followed a move."""
        seats = self.seats.values()
        seen = routing.blocked(self.desk, {seat.home: seat.supervisor.seen_in for seat in seats})
        return seen | routing.blocked(self.desk, {seat.home: seat.supervisor.place for seat in seats})

    # showing

    def meters(self, at_ms: int) -> Meters | None:
        """Read every meter; ``None`` before anything is mixed."""
        if self._mixing is None or not self._on_air:
            return None
        counts = {seat.home: (seat.is_source, seat.line.counts()) for seat in self.seats.values()}
        return measures.meters(
            at_ms,
            self._mixing.read_meters(),
            self._mixing.lateness,
            {home: found for home, (listens, found) in counts.items() if listens},
            {home: found for home, (listens, found) in counts.items() if not listens},
            present={talker.user for talker in self.roster.talkers()},
        )

    def state(self, phase: Phase, match: MatchPhase) -> SessionState:
        """Draw the whole state; ``phase`` and ``match`` are the relay's."""
        blocked = self._blocked()
        bots = tuple(snapshot.bot_state(seat, blocked) for seat in self.seats.values())
        return SessionState(
            phase=snapshot.phase_of(phase, bots),
            match=match,
            kill=self.desk.kill,
            spec=spec_as_set(self.spec, self.desk),
            bots=bots,
            talkers=snapshot.talker_states(self.roster.talkers(), self._memory, self.desk),
            sources=snapshot.source_states(self.desk),
            destinations=snapshot.destination_states(self.desk, self._silent_until_ms),
            outages=self._outages.states(),
        )
