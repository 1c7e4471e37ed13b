"""The sessions so far, in a SQLite file that survives power cuts.

One row per session, one per loss of a bot's connection. A session that was going on when the program ended counts as
ended when it was last seen.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from common.protocol.state import OutageState
from tray.panel.messages import PastSession

MOST_SESSIONS: Final = 500
"""Sessions kept; a weekly event fills that in ten years."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS session (
    id INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    running INTEGER NOT NULL,
    guild_name TEXT NOT NULL,
    sources TEXT NOT NULL,
    destinations TEXT NOT NULL,
    restarts INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outage (
    session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    bot TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    cause TEXT NOT NULL,
    duration_ms INTEGER,
    actions TEXT NOT NULL,
    recovered INTEGER,
    PRIMARY KEY (session, bot, started_ms, cause)
) STRICT;
"""


class HistoryFile:
    """The file at ``path``. Its methods block for milliseconds and may be called from any one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA foreign_keys=ON")
        self._base.executescript(_SCHEMA)
        self._base.execute("UPDATE session SET running = 0")

    def begin(self, now_ms: int, guild_name: str, sources: Sequence[str], destinations: Sequence[str]) -> int:
        """Note that a session began; return its number."""
        row = self._base.execute(
            "INSERT INTO session (started_ms, seen_ms, running, guild_name, sources, destinations, restarts)"
            " VALUES (?, ?, 1, ?, ?, ?, 0)",
            (now_ms, now_ms, guild_name, _json(sources), _json(destinations)),
        ).lastrowid
        self._base.execute(
            "DELETE FROM session WHERE id NOT IN (SELECT id FROM session ORDER BY id DESC LIMIT ?)", (MOST_SESSIONS,)
        )
        return row or 0

    def see(
        self, session: int, now_ms: int, outages: Iterable[OutageState], *, restarts: int, running: bool = True
    ) -> None:
        """Note how a session stands; outages that are known are brought up to date."""
        rows = [(session, *_outage_row(outage)) for outage in outages]
        with self._base:  # one transaction
            self._base.execute("BEGIN")
            self._base.execute(
                "UPDATE session SET seen_ms = ?, restarts = ?, running = ? WHERE id = ?",
                (now_ms, restarts, running, session),
            )
            self._base.executemany("INSERT OR REPLACE INTO outage VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def latest(self, count: int = 100) -> tuple[PastSession, ...]:
        """Return the last sessions, newest first."""
        with closing(self._base.execute("SELECT * FROM session ORDER BY id DESC LIMIT ?", (count,))) as rows:
            return tuple(self._read(row) for row in rows.fetchall())

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _read(self, row: tuple[int, int, int, int, str, str, str, int]) -> PastSession:
        number, started, seen, running, guild_name, sources, destinations, restarts = row
        return PastSession(
            started_ms=started,
            ended_ms=None if running else seen,
            guild_name=guild_name,
            sources=_names(sources),
            destinations=_names(destinations),
            outages=self._outages(number),
            restarts=restarts,
        )

    def _outages(self, session: int) -> tuple[OutageState, ...]:
        rows = self._base.execute(
            "SELECT bot, cause, started_ms, duration_ms, actions, recovered FROM outage"
            " WHERE session = ? ORDER BY started_ms, bot",
            (session,),
        )
        return tuple(
            OutageState(bot, cause, started, duration, _names(actions), None if recovered is None else bool(recovered))
            for bot, cause, started, duration, actions, recovered in rows.fetchall()
        )


def _outage_row(outage: OutageState) -> tuple[str, int, str, int | None, str, bool | None]:
    actions = _json(outage.actions)
    return outage.bot, outage.started_ms, outage.cause, outage.duration_ms, actions, outage.recovered


def _json(names: Iterable[str]) -> str:
    return msgspec.json.encode(tuple(names)).decode()


def _names(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
