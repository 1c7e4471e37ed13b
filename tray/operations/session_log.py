"""Follows the engine's states and writes what becomes of each session into the history; a thread of its own writes."""

import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from common.errors import ErrorCode, RelayError
from common.protocol.state import OutageState, Phase, SessionState
from tray.operations.history import HistoryFile
from tray.panel.messages import PastSession

SEEN_MS: Final = 10_000
"""How often a session that goes on is noted again: so much is unknown of its end after a power cut."""

_ON: Final = frozenset({Phase.RUNNING, Phase.DEGRADED})

log = logging.getLogger(__name__)


class SessionLog:
    """``open_file`` opens the history, in the writing thread; ``now_ms`` is the time since the epoch."""

    def __init__(self, open_file: Callable[[], HistoryFile], now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._file = self._thread.submit(open_file)
        self._running = False
        self._noted_ms = 0
        self._outages: tuple[OutageState, ...] = ()
        self._session = 0

    def follow(self, state: SessionState, *, guild_name: str, restarts: int) -> None:
        """Take in a state of the engine's."""
        now = self._now_ms()
        on = state.phase in _ON or (self._running and state.phase is Phase.STARTING)
        if on and not self._running and state.spec is not None:
            sources = tuple(place.name or place.channel for place in state.spec.sources)
            destinations = tuple(place.name or place.channel for place in state.spec.destinations)
            self._submit(lambda file: self._begin(file, now, guild_name, sources, destinations))
        if (on or self._running) and self._worth_noting(state, now, on=on):
            self._submit(lambda file: file.see(self._session, now, state.outages, restarts=restarts, running=on))
            self._noted_ms, self._outages = now, state.outages
        self._running = on

    def latest(self) -> tuple[PastSession, ...]:
        """Return the last sessions, newest first; raises HISTORY_UNREADABLE. Waits for the writing thread."""
        try:
            return self._thread.submit(lambda: self._file.result().latest()).result()
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            raise RelayError(ErrorCode.HISTORY_UNREADABLE, reason=type(error).__name__) from error

    def close(self) -> None:
        """Write what waits and close."""
        self._submit(HistoryFile.close)
        self._thread.shutdown()

    def _worth_noting(self, state: SessionState, now: int, *, on: bool) -> bool:
        return on != self._running or state.outages != self._outages or now - self._noted_ms >= SEEN_MS

    def _begin(
        self, file: HistoryFile, now: int, guild_name: str, sources: tuple[str, ...], destinations: tuple[str, ...]
    ) -> None:
        self._session = file.begin(now, guild_name, sources, destinations)

    def _submit(self, write: Callable[[HistoryFile], None]) -> None:
        self._thread.submit(self._write, write)

    def _write(self, write: Callable[[HistoryFile], None]) -> None:
        """Write; a disk that is full or a broken file costs the history, never the show."""
        try:
            write(self._file.result())
        except (sqlite3.Error, OSError) as error:
            log.warning("the history could not be written: %s", error)
