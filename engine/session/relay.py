"""The relay as everybody else sees it: start and stop, :mod:`faders <engine.session.faders>`, one state to draw.

The order of a start: what is wrong with the spec → log in all bots → what is wrong with the places → join all →
mix. Every error found in one step is told together; a step that fails takes everything before it back.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from random import Random

from common.errors import ErrorCode, SessionError
from common.protocol.messages import Meters, SoundCheckResult
from common.protocol.spec import SessionSpec, StripSpec, TickMs
from common.protocol.state import MatchPhase, Phase, SessionState
from common.secret import Secret
from common.types import BotKey
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.session import bench, match
from engine.session.desk import checked_strip, user_id
from engine.session.faders import Faders
from engine.session.mixing import Mixing
from engine.session.roster import StripMemory
from engine.session.running import Running

log = logging.getLogger(__name__)


class RelaySession:
    """One relay at a time. ``on_change`` is called on the loop after every change of :meth:`state`.

    ``clock`` returns milliseconds since the epoch that never go back; ``random`` spreads the bots' retries;
    ``make_mixing`` is called once per start, with the length of a tick.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        budget: IdentifyBudget,
        clock: Callable[[], int],
        random: Random,
        on_change: Callable[[], None],
        make_mixing: Callable[[TickMs], Mixing] = Mixing,
    ) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._make_mixing = make_mixing
        self._memory = StripMemory()
        self.faders = Faders(self._live, self._session, self._memory)
        self._running: Running | None = None
        self._phase = Phase.IDLE
        self._match = MatchPhase.IDLE
        self._starter: asyncio.Task[object] | None = None
        self._stop_asked = False
        self._decided = False
        """Whether anybody has said what should run: from then on nothing of a lost engine's is restored."""
        self._idle = asyncio.Event()

    # start and stop

    async def start(
        self,
        spec: SessionSpec,
        tokens: Mapping[BotKey, Secret],
        strips: Mapping[str, StripSpec] | None = None,
        *,
        kill: bool = False,
        restore: bool = False,
    ) -> None:
        """Start a session; returns when every bot is in its channel and the mixer runs.

        ``strips``, by user id, and ``kill`` are in force from the first sample on. Raises ALREADY_RUNNING, or what is
        wrong (one error, or a CombinedError with all of them); nothing is left started then. NOT_RUNNING when ``stop``
        was called meanwhile, to a ``restore`` also when ``stop`` or another start was called at any time before.
        """
        if self._phase is not Phase.IDLE:
            raise SessionError(ErrorCode.ALREADY_RUNNING)
        if restore and self._decided:
            raise SessionError(ErrorCode.NOT_RUNNING)
        self._decided = not restore
        for user, strip in (strips or {}).items():
            self._memory.put(user_id(user), checked_strip(strip))
        self._starter, self._stop_asked = asyncio.current_task(), False
        self._idle.clear()
        self._running = running = self._new(spec)
        self._set_phase(Phase.STARTING)
        try:
            await running.start(tokens, kill=kill)
        except BaseException as error:
            await self._tear_down(running)
            if isinstance(error, asyncio.CancelledError) and self._stop_asked:
                self._take_back_cancel()
                raise SessionError(ErrorCode.NOT_RUNNING) from None
            raise
        if kill:
            log.warning("started with the kill switch on: every destination is silent")
        self._set_phase(Phase.RUNNING)

    async def stop(self) -> None:
        """End the session, silent from now on; returns when no bot is left in a channel. Raises NOT_RUNNING."""
        self._decided = True
        running = self._session()
        if self._phase is Phase.STARTING and self._starter is not None:
            self._stop_asked = True
            self._starter.cancel()
        elif self._phase is Phase.RUNNING:
            await self._tear_down(running)
        await self._idle.wait()

    def _new(self, spec: SessionSpec) -> Running:
        return Running(
            spec,
            endpoint=self._endpoint,
            budget=self._budget,
            memory=self._memory,
            clock=self._clock,
            random=self._random,
            on_change=self._on_change,
            make_mixing=self._make_mixing,
        )

    async def _tear_down(self, running: Running) -> None:
        self._set_phase(Phase.STOPPING)
        try:
            await running.close()
        finally:
            self._running = None
            self._set_phase(Phase.IDLE)
            self._idle.set()

    def _take_back_cancel(self) -> None:
        """Undo the cancellation that our own ``stop`` made; the caller of ``start`` gets an error instead."""
        if self._starter is not None:
            self._starter.uncancel()

    # what needs no fader

    def rejoin(self, bot: str) -> None:
        """Send a bot that was thrown out back to its channel; raises TOKEN_MISSING for a bot that isn't there."""
        self._live().seat(bot).supervisor.rejoin()

    async def renew(self, bot: BotKey, token: Secret) -> None:
        """Have a running session's bot go on with another token, if it is one and lost its own.

        Raises what :func:`engine.session.bench.renew` does.
        """
        if self._running is not None and self._phase is Phase.RUNNING and bot in self._running.seats:
            await bench.renew(self._running, bot, token)

    async def sound_check(self, destination: str, listener: str, tokens: Mapping[BotKey, Secret]) -> SoundCheckResult:
        """Play a chirp into a destination for another bot; raises CHECK_LIVE, also when the match goes live meanwhile.

        The rest is as in :func:`engine.session.bench.sound_check`.
        """
        running = self._live()
        if self._match is MatchPhase.LIVE:
            raise SessionError(ErrorCode.CHECK_LIVE)
        return await bench.sound_check(running, destination, listener, tokens)

    def set_match(self, phase: MatchPhase) -> None:
        """Take the match one step on; raises MATCH_STEP when that step isn't allowed. Live, no sound check goes on."""
        self._match = match.step(self._match, phase)
        if self._match is MatchPhase.LIVE and self._running is not None:
            self._running.checks.end(SessionError(ErrorCode.CHECK_LIVE))
        self._on_change()

    # showing

    def state(self) -> SessionState:
        """Draw the whole state as it is now."""
        if self._running is None:
            return SessionState(phase=self._phase, match=self._match)
        return self._running.state(self._phase, self._match)

    def meters(self) -> Meters | None:
        """Read every meter now; ``None`` while nothing is mixed."""
        return None if self._running is None else self._running.meters(self._clock())

    def _live(self) -> Running:
        """Return the session that is on air; raises NOT_RUNNING."""
        if self._phase is not Phase.RUNNING:
            raise SessionError(ErrorCode.NOT_RUNNING)
        return self._session()

    def _session(self) -> Running:
        """Return the session, whatever its phase; raises NOT_RUNNING."""
        if self._running is None:
            raise SessionError(ErrorCode.NOT_RUNNING)
        return self._running

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._on_change()
