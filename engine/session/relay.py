"""The relay as everybody else sees it: start and stop, faders and switches, one state to draw.

The order of a start: what is wrong with the spec → log in all bots → what is wrong with the places → join all →
mix. Every error found in one step is told together; a step that fails takes everything before it back.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random

from common.errors import ErrorCode, SessionError
from common.protocol.messages import Meters
from common.protocol.spec import SessionSpec
from common.protocol.state import MatchPhase, Phase, SessionState
from common.secret import Secret
from common.types import BotKey, UserId
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.session import match
from engine.session.mixing import Mixing
from engine.session.roster import Strip, StripMemory
from engine.session.routing import Desk, channel_id, checked_gain, user_id
from engine.session.running import Running


class RelaySession:
    """One relay at a time. ``on_change`` is called on the loop after every change of :meth:`state`.

    ``clock`` returns milliseconds since the epoch that never go back; ``random`` spreads the bots' retries;
    ``make_mixing`` is called once per start.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        budget: IdentifyBudget,
        clock: Callable[[], int],
        random: Random,
        on_change: Callable[[], None],
        make_mixing: Callable[[], Mixing] = Mixing,
    ) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._clock = clock
        self._random = random
        self._on_change = on_change
        self._make_mixing = make_mixing
        self._memory = StripMemory()
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
        gains: Mapping[str, float] | None = None,
        *,
        muted: Iterable[str] = (),
        kill: bool = False,
        restore: bool = False,
    ) -> None:
        """Start a session; returns when every bot is in its channel and the mixer runs.

        ``gains`` are linear, by user id; people in ``muted`` and, with ``kill``, everybody are silent from the first
        sample on. Raises ALREADY_RUNNING, or what is wrong (one error, or a CombinedError
        with all of them); nothing is left started then. NOT_RUNNING when ``stop`` was called meanwhile, to a
        ``restore`` also when ``stop`` or another start was called at any time before.
        """
        if self._phase is not Phase.IDLE:
            raise SessionError(ErrorCode.ALREADY_RUNNING)
        if restore and self._decided:
            raise SessionError(ErrorCode.NOT_RUNNING)
        self._decided = not restore
        for user, gain in (gains or {}).items():
            self._change_strip(user_id(user), gain=gain)
        for user in muted:
            self._change_strip(user_id(user), muted=True)
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
        self._set_phase(Phase.RUNNING)

    async def stop(self) -> None:
        """End the session; returns when no bot is left in a channel. Raises NOT_RUNNING."""
        self._decided = True
        running = self._running
        if running is None:
            raise SessionError(ErrorCode.NOT_RUNNING)
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

    # faders and switches; a change holds from the mixer's next tick

    def set_talker_gain(self, user: str, gain: float) -> None:
        """Set a person's gain, for now and for the next time; raises TALKER_UNKNOWN, VALUE_OUT_OF_RANGE."""
        self._change_strip(self._present(user), gain=gain)
        self._live.apply()

    def mute_talker(self, user: str, *, muted: bool) -> None:
        """Mute a person, for now and for the next time; raises TALKER_UNKNOWN."""
        self._change_strip(self._present(user), muted=muted)
        self._live.apply()

    def set_source_gain(self, source: str, gain: float) -> None:
        """Set a source's gain; raises CHANNEL_UNKNOWN, VALUE_OUT_OF_RANGE."""
        strip = replace(self._source(source), gain=checked_gain(gain))
        self._set_desk(self._live.desk.with_source(channel_id(source), strip))

    def mute_source(self, source: str, *, muted: bool) -> None:
        """Mute a source; raises CHANNEL_UNKNOWN."""
        self._set_desk(self._live.desk.with_source(channel_id(source), replace(self._source(source), muted=muted)))

    def set_route_gain(self, source: str, destination: str, gain: float) -> None:
        """Set one route's gain, 0 closes it; raises ROUTE_UNKNOWN, VALUE_OUT_OF_RANGE."""
        desk = self._live.desk
        self._set_desk(desk.with_route(channel_id(source), channel_id(destination), checked_gain(gain)))

    def kill(self, *, active: bool) -> None:
        """Silence every destination at once, or end that."""
        self._set_desk(replace(self._live.desk, kill=active))

    def rejoin(self, bot: str) -> None:
        """Send a bot that was thrown out back to its channel; raises TOKEN_MISSING for a bot that isn't there."""
        self._live.seat(bot).supervisor.rejoin()

    def set_match(self, phase: MatchPhase) -> None:
        """Take the match one step on; raises MATCH_STEP when that step isn't allowed."""
        self._match = match.step(self._match, phase)
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

    @property
    def _live(self) -> Running:
        """The running session; raises NOT_RUNNING."""
        if self._running is None or self._phase is not Phase.RUNNING:
            raise SessionError(ErrorCode.NOT_RUNNING)
        return self._running

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._on_change()

    def _set_desk(self, desk: Desk) -> None:
        self._live.desk = desk
        self._live.apply()

    def _source(self, source: str) -> Strip:
        return self._live.desk.sources.get(channel_id(source), Strip())

    def _present(self, user: str) -> UserId:
        found = user_id(user)
        if found not in self._live.roster:
            raise SessionError(ErrorCode.TALKER_UNKNOWN, user=user)
        return found

    def _change_strip(self, user: UserId, *, gain: float | None = None, muted: bool | None = None) -> None:
        strip = self._memory.get(user)
        if gain is not None:
            strip = replace(strip, gain=checked_gain(gain))
        if muted is not None:
            strip = replace(strip, muted=muted)
        self._memory.put(user, strip)
