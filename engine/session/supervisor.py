"""One bot's life in its voice channel: joins, notices trouble, carries out what :mod:`engine.session.recovery` decides.

Signals arrive by plain calls on the loop and only set facts; one task reads the facts and acts. So a kick that comes
in the middle of a reconnect is seen before the next step of it, and nothing is done twice at once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Protocol

from common.errors import DiscordError, ErrorCode, RelayError
from common.protocol.state import LinkState
from common.tasks import Tasks
from common.types import BotKey, ChannelId
from engine.gateway.events import OwnVoice
from engine.session import recovery
from engine.session.outages import Outage, OutageLog
from engine.session.recovery import Action, Cause, Decision, Facts, Trouble

STABLE_MS = 1_000
"""A connection that breaks sooner than this after it came back continues its backoff instead of starting anew."""

FLAPPING_ATTEMPT = 3
"""The furthest that such a backoff goes (1 s): a quick second fault must not cost a long silence."""

_PARKING = frozenset({Action.STAY_OUT, Action.STOP})
log = logging.getLogger(__name__)


class VoiceLost(Exception):  # noqa: N818 - it names what happened to the line, as the cause does
    """An attempt to connect ended; ``cause`` says how."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Line(Protocol):
    """A bot's way into voice (:class:`engine.session.line.VoiceLine`); every call ends within a time of its own.

    All of them raise VoiceLost when the voice server refuses or ends it, DiscordError when Discord can't be asked.
    """

    async def join(self, channel: ChannelId) -> None:
        """Leave what there is, ask Discord for the channel, wait for its answer, make the handshake."""

    async def handshake(self, channel: ChannelId) -> None:
        """Drop the old connection and make the handshake with the voice server announced last."""

    async def resume(self) -> None:
        """Take the lost connection up again."""

    async def close(self, *, leave: bool) -> None:
        """Drop the connection; ``leave`` also tells Discord that the bot goes."""


class Supervisor:
    """Keeps one bot in its channel until a human or a final refusal ends that.

    ``home`` is the channel of the session; ``place`` where the bot is now, which an admin may change.
    """

    def __init__(
        self,
        *,
        bot: BotKey,
        home: ChannelId,
        listens: bool,
        line: Line,
        outages: OutageLog,
        clock: Callable[[], int],
        random: Random,
        on_change: Callable[[], None],
    ) -> None:
        self.bot = bot
        self.home = home
        self.place = home
        self.link = LinkState.CONNECTING
        self._listens = listens
        self._silenced: ErrorCode | None = None
        self._cause_code: ErrorCode | None = None
        self._line = line
        self._outages = outages
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._tasks = Tasks()
        self._news = asyncio.Event()
        self._facts = Facts()
        self._trouble: Cause | None = None
        self._fatal: DiscordError | None = None
        self._moved_to: ChannelId | None = None
        self._server_at_ms = -recovery.UPDATE_WAIT * 1000
        self._outage: Outage | None = None
        self._back_at_ms: int | None = None
        self._attempt = 0
        self._session_lost = False
        self._lent = self._removed_while_lent = False
        self._lent_to: ChannelId | None = None

    @property
    def cause(self) -> ErrorCode | None:
        """Why the bot does not do its work, or does it only in part; ``None`` when all is well."""
        return self._cause_code or self._silenced

    @property
    def is_over(self) -> bool:
        """Whether the bot's login ended for good: nothing brings it back but another one."""
        return self._fatal is not None

    @property
    def seen_in(self) -> ChannelId:
        """Where Discord says the bot is, also before it has been followed there."""
        return self._moved_to or self.place

    async def start(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller shares out one deadline among bots
        """Join for the first time; raises VOICE_TIMEOUT, VOICE_REFUSED, ENCRYPTION_REQUIRED, RATE_LIMITED.

        No retries: at the start a person is waiting and can act.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._line.join(self.home)
        except TimeoutError as error:
            raise self._error(ErrorCode.VOICE_TIMEOUT) from error
        except VoiceLost as lost:
            refused = recovery.decide(lost.cause, Facts(resume_tried=True, waited=True)).code
            raise self._error(refused or ErrorCode.VOICE_REFUSED, reason=str(lost.cause)) from lost
        self._connected()
        self._tasks.start(self._watch(), name=f"supervisor-{self.bot}")

    async def close(self) -> None:
        """Stop watching and leave the channel; never raises."""
        await self._tasks.close()
        await self._hang_up(leave=True)
        if self._outage is not None:
            self._outages.close(self._outage, recovered=False)

    def rejoin(self) -> None:
        """Go back to the session's channel after a kick or a stop: somebody asked for it.

        Raises the error that ended the bot when it is gone for good (its token was revoked).
        """
        if self._fatal is not None:
            raise self._fatal
        if self.link in {LinkState.KICKED, LinkState.STOPPED}:
            self._facts = replace(self._facts, removed=False, moved=False, server_waiting=False)
            self._moved_to, self.place = None, self.home
            self._signal(Cause(Trouble.REJOIN))

    def revive(self) -> None:
        """Come back with another login, after the one before ended for good."""
        self._fatal = None
        self._session_lost = False
        self._facts = Facts()
        self.rejoin()

    async def lend(self, channel: ChannelId) -> None:
        """Leave the session's channel so that the bot can be in ``channel`` for a sound check; ``take_back`` ends that.

        Raises CHECK_LISTENER unless the bot does its work now: what is in trouble is not lent.
        """
        if self.link is not LinkState.CONNECTED or self._trouble is not None:
            raise self._error(ErrorCode.CHECK_LISTENER)
        self._lent, self._removed_while_lent, self._lent_to = True, False, channel
        self._outage = self._outages.open(self.bot, str(Cause(Trouble.SOUND_CHECK)))
        self.link, self._cause_code = LinkState.CONNECTING, ErrorCode.CHECK_AWAY
        self._on_change()
        await self._hang_up(leave=True)

    def take_back(self) -> None:
        """Go back to the session's channel, unless a human threw the bot out while it was lent."""
        if not self._lent:
            return
        self._lent = False
        self._facts = replace(self._facts, removed=self._removed_while_lent)
        self._signal(Cause(Trouble.REMOVED if self._removed_while_lent else Trouble.SOUND_CHECK))

    # signals

    def show(self) -> None:
        """Pass on that something of the line changed that the state shows."""
        self._on_change()

    def lost(self, cause: Cause) -> None:
        """Take in that the voice connection ended without our doing."""
        self._signal(cause)

    def own_voice(self, event: OwnVoice) -> None:
        """Take in where Discord says the bot is, and whether a moderator silenced it."""
        self._silenced = _silenced(event, listens=self._listens)
        if self._lent:
            self._removed_while_lent = event.channel is None and not event.asked and not self._session_lost
        elif event.channel is None and not event.asked and not self._session_lost:
            self._facts = replace(self._facts, removed=True)
            self._signal(Cause(Trouble.REMOVED))
        elif event.channel is not None and event.channel != self._lent_to:  # late news of a sound check is none
            self._lent_to = None
            self._stands_in(event.channel)
        self._on_change()

    def server_updated(self, *, available: bool) -> None:
        """Take in that Discord announced another voice server, or that the present one is gone without another."""
        if self._parked or self._lent:
            return
        self._facts = replace(self._facts, server_waiting=available)
        if available:
            self._server_at_ms = self._clock()
        self._signal(Cause(Trouble.SERVER_UPDATE if available else Trouble.SERVER_GONE))

    def gateway_lost(self) -> None:
        """Take in that the main gateway is away; voice goes on without it, but nothing can be asked of Discord."""
        self._facts = replace(self._facts, gateway_alive=False)

    def gateway_back(self, *, resumed: bool) -> None:
        """Take in that the main gateway is back; with a new session Discord takes the old one's voice state away."""
        self._facts = replace(self._facts, gateway_alive=True)
        self._news.set()
        if not resumed:
            self._session_lost = True
            self._signal(Cause(Trouble.GATEWAY_SESSION))

    def stopped(self, error: DiscordError) -> None:
        """Take in that the bot's client ended for good."""
        self._fatal = error
        self._signal(Cause(Trouble.NO_ANSWER))

    @property
    def _parked(self) -> bool:
        return self.link in {LinkState.KICKED, LinkState.STOPPED}

    def _signal(self, cause: Cause) -> None:
        """Note trouble for the task; while one is pending, the first is the cause and the rest are facts."""
        if self._lent and self._fatal is None:
            return
        if self._parked and cause.trouble is not Trouble.REJOIN and self._fatal is None:
            return
        self._trouble = self._trouble or cause
        self._news.set()

    def _stands_in(self, channel: ChannelId) -> None:
        """Take in that the bot is in ``channel``; a removal that this overtakes is no trouble any more."""
        moved = channel != self.place
        self._facts = replace(self._facts, removed=False, moved=moved)
        self._moved_to = channel if moved else None
        self._session_lost = False
        if self._trouble == Cause(Trouble.REMOVED):
            self._trouble = None
        if moved:
            self._signal(Cause(Trouble.MOVED))

    # the task

    async def _watch(self) -> None:
        """Wait for trouble and deal with it, for ever: no exception ends the watching."""
        while True:
            await self._until(lambda: self._trouble is not None, None)
            try:
                await self._recover()
            except Exception:
                log.exception("bot %s: recovery failed, trying again", self.bot)
                self._trouble = Cause(Trouble.NO_ANSWER)
                self._attempt += 1
                await asyncio.sleep(recovery.delay(self._attempt, self._random))

    async def _recover(self) -> None:
        """Decide and act until the bot is connected again or parked."""
        cause, tried, waited = self._take_trouble(), False, False
        self._begin(cause)
        while True:
            decision = self._decide(cause, tried=tried, waited=waited)
            self._note(decision.action)
            if decision.action in _PARKING:
                await self._park(decision)
                return
            failure = await self._carry_out(decision.action, waited=waited)
            if failure is None and decision.action is not Action.WAIT_THEN_FULL:
                self._connected()
                return
            tried, waited = tried or decision.action is Action.RESUME, waited or failure is None
            if failure is not None:
                self._attempt += 1
                cause, waited = failure, False

    def _take_trouble(self) -> Cause:
        cause, self._trouble = self._trouble or Cause(Trouble.NO_ANSWER), None
        return cause

    def _decide(self, cause: Cause, *, tried: bool, waited: bool) -> Decision:
        if self._fatal is not None:
            return Decision(Action.STOP, self._fatal.code)
        return recovery.decide(cause, replace(self._facts, resume_tried=tried, waited=waited))

    async def _carry_out(self, action: Action, *, waited: bool) -> Cause | None:
        """Do one thing; return why it failed, or ``None``. Trouble that is older than the attempt is dropped."""
        try:
            if not waited:
                await self._pause(action)
            await self._act(action)
        except VoiceLost as lost:
            return lost.cause
        except (TimeoutError, DiscordError) as error:
            self._cause_code = error.code if isinstance(error, DiscordError) else ErrorCode.VOICE_TIMEOUT
            log.info("bot %s: %s failed: %r", self.bot, action, error)
            return Cause(Trouble.NO_ANSWER)
        return None

    async def _pause(self, action: Action) -> None:
        """Back off before ``action``; something new from Discord ends the wait.

        What costs Discord a join waits from the first time on, what only takes up a connection from the third on.
        """
        if action is Action.WAIT_THEN_FULL or (action is not Action.FULL and self._attempt < 2):  # noqa: PLR2004 - "third"
            return
        earlier = self._attempt - (1 if action is Action.FULL else 2)
        before = self._facts
        seconds = recovery.delay(max(0, earlier), self._random)
        await self._until(lambda: self._facts != before or self._fatal is not None, seconds)

    async def _act(self, action: Action) -> None:
        if action is Action.WAIT_THEN_FULL:
            await self._until(self._explained, recovery.UPDATE_WAIT)
        elif action is Action.RESUME:
            self._trouble = None
            await self._line.resume()
        elif action is Action.HANDSHAKE_NEW_SERVER:
            await self._handshake()
        elif action is Action.FOLLOW:
            await self._follow()
        else:
            await self._full()

    async def _handshake(self) -> None:
        self._facts = replace(self._facts, server_waiting=False)
        self._trouble = None
        await self._line.handshake(self.place)

    async def _follow(self) -> None:
        """Take over the new place, then connect to the server Discord names for it, which may have come before."""
        self.place = self._moved_to or self.place
        self._moved_to, self._facts = None, replace(self._facts, moved=False)
        self._on_change()
        just_now = self._clock() - self._server_at_ms < recovery.UPDATE_WAIT * 1000 / 2
        if not just_now and not await self._until(lambda: self._facts.server_waiting, recovery.UPDATE_WAIT):
            raise self._error(ErrorCode.VOICE_TIMEOUT)
        await self._handshake()

    async def _full(self) -> None:
        """Join anew; pointless before the main gateway is back, so wait for that as long as it takes."""
        await self._until(lambda: self._facts.gateway_alive or self._fatal is not None, None)
        if self._fatal is not None:
            raise self._fatal
        if self._facts.removed or self._facts.moved:
            raise self._error(ErrorCode.VOICE_TIMEOUT)
        self._facts = replace(self._facts, server_waiting=False)
        self._trouble = None
        await self._line.join(self.place)

    def _explained(self) -> bool:
        facts = self._facts
        return facts.removed or facts.moved or facts.server_waiting or self._fatal is not None

    async def _park(self, decision: Decision) -> None:
        """Stay out until somebody asks for the return; the outage goes on until then."""
        self.link = LinkState.KICKED if decision.action is Action.STAY_OUT else LinkState.STOPPED
        self._cause_code = decision.code
        self._trouble = None
        await self._hang_up(leave=decision.action is Action.STOP)
        self._on_change()

    async def _hang_up(self, *, leave: bool) -> None:
        try:
            await self._line.close(leave=leave)
        except (RelayError, VoiceLost, TimeoutError) as error:
            log.info("bot %s: Discord did not hear the goodbye: %s", self.bot, error)
        except Exception:
            log.exception("bot %s: hanging up failed", self.bot)

    async def _until(self, true: Callable[[], bool], seconds: float | None) -> bool:
        """Wait until ``true()``, at most ``seconds``; return whether it became so."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    # bookkeeping

    def _begin(self, cause: Cause) -> None:
        if self._back_at_ms is not None and self._clock() - self._back_at_ms < STABLE_MS:
            self._attempt = min(self._attempt + 1, FLAPPING_ATTEMPT)
        else:
            self._attempt = 0
        if self._outage is None:
            self._outage = self._outages.open(self.bot, str(cause))
        self.link = LinkState.RECOVERING
        self._cause_code = None
        self._on_change()

    def _note(self, action: Action) -> None:
        if self._outage is not None:
            self._outage.note(action.value)
        log.info("bot %s: %s", self.bot, action)

    def _connected(self) -> None:
        if self._outage is not None:
            self._outages.close(self._outage, recovered=True)
            self._outage = None
            self._back_at_ms = self._clock()
        self.link = LinkState.CONNECTED
        self._cause_code = None
        self._on_change()

    def _error(self, code: ErrorCode, **details: str) -> DiscordError:
        return DiscordError(code, bot=self.bot, channel=str(self.place), **details)


def _silenced(event: OwnVoice, *, listens: bool) -> ErrorCode | None:
    """Say what a moderator did that matters to the bot: a listener needs no voice, a player no ears."""
    if listens:
        return ErrorCode.SERVER_DEAFENED if event.deaf else None
    return ErrorCode.SERVER_MUTED if event.mute or event.suppress else None
