"""Keeps an engine running: starts it, asks it every two seconds whether it is alive, replaces it when it isn't.

What to do after a crash is decided in :mod:`tray.restart_policy`, what to restore in :mod:`tray.resume`; this is the
shell around them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from common.errors import ErrorCode, RelayError
from common.protocol.client import ControlClient
from common.protocol.messages import Command, Ping, SetToken, StartSession
from common.protocol.spec import SessionSpec, StripSpec
from common.protocol.state import SessionState
from common.secret import Secret
from common.tasks import Tasks
from tray import restart_policy, resume
from tray.engine_process import COMMAND, EngineProcess, Place
from tray.restart_policy import PING_SECONDS, PING_TIMEOUT, WINDOW_SECONDS, EngineLink, GiveUp, History
from tray.resume import Memory

log = logging.getLogger(__name__)


class EngineSupervisor:
    """Owns the engine process. ``clock`` and ``sleep`` are in seconds.

    ``strips`` are remembered of talkers from earlier; ``on_change`` is told whenever what is remembered changes,
    ``on_state`` of every state of a session that was restored where there was one, ``on_link`` when ``link`` changes.
    """

    def __init__(
        self,
        bots: Mapping[str, Secret],
        place: Place | None = None,
        *,
        strips: Mapping[str, StripSpec] | None = None,
        on_change: Callable[[Memory], None] | None = None,
        on_state: Callable[[SessionState], None] | None = None,
        on_link: Callable[[], None] | None = None,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.failure: RelayError | None = None
        """Why no engine runs any more; ``None`` while one does."""
        self.restarts = 0
        self.not_restored: RelayError | None = None
        """Why the session could not be started again after the last restart."""
        self._bots = dict(bots)
        self._place = place or Place()
        self._command = command
        self._clock = clock
        self._sleep = sleep
        self._history = History()
        self._memory = Memory(strips=strips or {})
        self._on_change = on_change
        self._on_state = on_state
        self._on_link = on_link
        self.link = EngineLink.STARTING
        self._engine: EngineProcess | None = None
        self._tasks = Tasks(on_error=self._broke)
        self._given_up = asyncio.Event()

    @property
    def client(self) -> ControlClient:
        """The connection to the engine that runs now; raises ENGINE_LOST, or why it is not started again."""
        if self.failure is not None:
            raise self.failure
        if self._engine is None:
            raise RelayError(ErrorCode.ENGINE_LOST)
        return self._engine.client

    async def start(self) -> None:
        """Start the first engine, without a second try: a person is waiting; raises what hinders it."""
        try:
            self._engine = await self._new_engine()
        except RelayError as error:
            self._fail(error)
            raise
        self._become(EngineLink.READY)
        self._tasks.start(self._keep(), name="supervisor")

    async def set_token(self, bot: str, token: Secret) -> None:
        """Give a bot its token, in this engine and in those to come; raises what this engine says to it."""
        self._bots[bot] = token
        if self._engine is not None:
            await self.client.call(SetToken(bot=bot, token=token))

    def take_strips(self, strips: Mapping[str, StripSpec]) -> None:
        """Remember these strips instead, as after a preset was loaded; who sounds now goes on as they are."""
        self._memory = replace(self._memory, strips=dict(strips))

    def forget_token(self, bot: str) -> None:
        """Give later engines no token of that bot; this one keeps it until it ends."""
        self._bots.pop(bot, None)

    async def start_session(self, spec: SessionSpec) -> None:
        """Start a session in which everybody sounds as they did the last time; raises what hinders it."""
        await self.client.call(resume.start(self._memory, spec))

    async def wait(self) -> None:
        """Return when the supervisor has given up; :attr:`failure` says why."""
        await self._given_up.wait()

    async def close(self) -> None:
        """End the engine in good order."""
        await self._tasks.close()
        if self._engine is not None:
            await self._engine.end()
            self._engine = None

    async def _new_engine(self) -> EngineProcess:
        given = dict(self._bots)
        engine = await EngineProcess.start(given, self._place, command=self._command)
        try:
            for bot, token in dict(self._bots).items():
                if given.get(bot) != token:  # it came while the engine was being started
                    await _try(engine.client, SetToken(bot=bot, token=token))
        except BaseException:
            await engine.kill()
            raise
        return engine

    async def _keep(self) -> None:
        while True:
            if self._engine is not None:
                await self._watch(self._engine)
                log.warning("the engine (pid %d) is gone", self._engine.process.pid)
                self._become(EngineLink.RESTARTING)
                await self._engine.kill()
                self._engine = None
            self._history, decision = restart_policy.crashed(self._history, self._clock())
            if isinstance(decision, GiveUp):
                self._give_up(decision)
                return
            await self._sleep(decision.delay)
            await self._restart()

    async def _restart(self) -> None:
        """Start another engine; one that doesn't even start is one more crash."""
        try:
            self._engine = await self._new_engine()
            self.restarts += 1
            self._become(EngineLink.READY)
        except RelayError as error:
            log.warning("no engine could be started: %s", error)

    def _give_up(self, decision: GiveUp) -> None:
        error = RelayError(ErrorCode.ENGINE_CRASH_LOOP, count=str(decision.crashes), seconds=f"{WINDOW_SECONDS:g}")
        log.error("the engine is not started again: %s", error)
        self._fail(error)

    def _broke(self, _task: str, error: BaseException) -> None:
        """Tell of a fault of our own, after which nothing watches the engine any more."""
        self._fail(RelayError(ErrorCode.INTERNAL, reason=type(error).__name__))

    def _fail(self, error: RelayError) -> None:
        self.failure = error
        self._given_up.set()
        self._become(EngineLink.FAILED)

    def _become(self, link: EngineLink) -> None:
        self.link = link
        if self._on_link is not None:
            self._on_link()

    async def _watch(self, engine: EngineProcess) -> None:
        """Return when the engine is dead or hangs; remember meanwhile what its state is."""
        tasks = Tasks()
        watchers = [
            tasks.start(engine.process.wait(), name="engine-exit"),
            tasks.start(engine.client.lost.wait(), name="engine-connection"),
            tasks.start(self._heartbeat(engine.client), name="engine-heartbeat"),
        ]
        tasks.start(self._follow(engine.client), name="engine-state")
        try:
            await asyncio.wait(watchers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()

    async def _heartbeat(self, client: ControlClient) -> None:
        """Return when a ping stays without an answer."""
        with suppress(RelayError):
            while True:
                await client.call(Ping(), timeout=PING_TIMEOUT)
                await self._sleep(PING_SECONDS)

    async def _follow(self, client: ControlClient) -> None:
        """Make the engine what the last one was, then remember what becomes of it."""
        await self._restore(client)
        self._memory = resume.with_another_engine(self._memory)
        async for state in client.states():
            self._remember(resume.remembered(self._memory, state))
            if self._on_state is not None:
                self._on_state(state)

    def _remember(self, memory: Memory) -> None:
        before, self._memory = self._memory, memory
        if self._on_change is not None and memory != before:
            self._on_change(memory)

    async def _restore(self, client: ControlClient) -> None:
        """Restore the session, with more tries if it can't be started, then the rest as far as it still fits."""
        for command in resume.commands(self._memory):
            if isinstance(command, StartSession):
                self.not_restored = await self._start_again(client, command)
            else:
                await _try(client, command)

    async def _start_again(self, client: ControlClient, start: StartSession) -> RelayError | None:
        """Return why the session does not run; ``None`` too when somebody started or stopped one meanwhile."""
        failures = 0
        while True:
            error = await _try(client, start)
            if error is None or error.code in {ErrorCode.ALREADY_RUNNING, ErrorCode.NOT_RUNNING}:
                return None
            failures += 1
            log.warning("the session is not restored yet: %s", error)
            delay = restart_policy.restore_delay(failures)
            if delay is None or client.lost.is_set():
                return error
            await self._sleep(delay)


async def _try(client: ControlClient, command: Command) -> RelayError | None:
    try:
        await client.call(command)
    except RelayError as error:
        return error
    return None
