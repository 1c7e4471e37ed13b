"""The engine that is spoken with: the one for Discord, or the one for the simulated Discord during a rehearsal."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from common.errors import ErrorCode, RelayError
from common.protocol.client import ControlClient
from common.secret import Secret
from tray.engine_process import Place
from tray.rehearsal import Rehearsal, Stage
from tray.restart_policy import EngineLink
from tray.supervisor import EngineSupervisor

MakeSupervisor = Callable[[Mapping[str, Secret], Place], EngineSupervisor]
"""Makes a supervisor of an engine with these tokens at this Discord."""


class Engines:
    """Owns the supervisor in force; ``place`` is the Discord outside of rehearsals."""

    def __init__(
        self,
        make: MakeSupervisor,
        place: Place,
        bots: Mapping[str, Secret],
        *,
        rehearse: Callable[[], Awaitable[Rehearsal]] = Rehearsal.start,
    ) -> None:
        self._make = make
        self._place = place
        self._bots = dict(bots)
        self._rehearse = rehearse
        self._rehearsal: Rehearsal | None = None
        self._changing = asyncio.Lock()
        self.supervisor = make(self._bots, place)

    @property
    def client(self) -> ControlClient:
        """The connection to the engine that runs now; raises ENGINE_LOST, or why none is started again."""
        return self.supervisor.client

    @property
    def link(self) -> EngineLink:
        """How the engine is."""
        return self.supervisor.link

    @property
    def stage(self) -> Stage | None:
        """Where a rehearsal takes place; ``None`` while there is none."""
        return self._rehearsal.stage if self._rehearsal else None

    async def start(self) -> None:
        """Start the engine; raises what hinders it."""
        await self.supervisor.start()

    async def revive(self) -> None:
        """Start another engine after the last one was given up, because a person asked for something."""
        async with self._changing:
            if self.supervisor.failure is not None:
                await self._replace(self._make(*self._where()))

    async def begin_rehearsal(self) -> None:
        """Go over to the simulated Discord; raises REHEARSAL_FAILED and stays, or what hinders its engine."""
        async with self._changing:
            if self._rehearsal is not None:
                raise RelayError(ErrorCode.ALREADY_RUNNING)
            self._rehearsal = await self._rehearse()
            await self._replace(self._make(*self._where()))

    async def end_rehearsal(self) -> None:
        """Go back to Discord."""
        async with self._changing:
            if self._rehearsal is None:
                return
            over, self._rehearsal = self._rehearsal, None
            await self._replace(self._make(*self._where()))
            await over.end()

    async def set_token(self, bot: str, token: Secret) -> None:
        """Give a bot its token, for now and for later engines."""
        self._bots[bot] = token
        if self._rehearsal is None:
            await self.supervisor.set_token(bot, token)

    def forget_token(self, bot: str) -> None:
        """Give later engines no token of that bot."""
        self._bots.pop(bot, None)
        if self._rehearsal is None:
            self.supervisor.forget_token(bot)

    async def close(self) -> None:
        """End the engine, and the rehearsal."""
        await self.supervisor.close()
        if self._rehearsal is not None:
            await self._rehearsal.end()

    def _where(self) -> tuple[Mapping[str, Secret], Place]:
        stage = self.stage
        return (stage.tokens, stage.place) if stage else (self._bots, self._place)

    async def _replace(self, supervisor: EngineSupervisor) -> None:
        """End the engine in force and start another; one that fails to start says so by its link."""
        before, self.supervisor = self.supervisor, supervisor
        await before.close()
        with suppress(RelayError):
            await supervisor.start()
