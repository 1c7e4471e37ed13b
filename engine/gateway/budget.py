"""How often each bot has identified today, kept on disk so that a crash loop can't spend what Discord allows.

Discord allows 1000 IDENTIFYs in 24 hours; the 1001st resets the token and mails its owner. We stop at 200.
Tokens are named by a hash; the file never holds one.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from common.errors import DiscordError, ErrorCode
from common.secret import Secret

LIMIT = 200
"""IDENTIFYs per bot and window: a fifth of what Discord allows, forty times what a normal day needs."""

WINDOW_SECONDS = 24 * 60 * 60

log = logging.getLogger(__name__)


class _Window(TypedDict):
    started: float
    count: int


class IdentifyBudget:
    """Counts IDENTIFYs per token in a window of a day.

    ``clock`` returns seconds of the wall clock (``time.time``): the count must outlive the process.
    ``path`` ``None`` keeps the count in memory only, for a run that leaves nothing behind.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._windows = self._load()

    def used(self, token: Secret) -> int:
        """Return how many IDENTIFYs the token has spent in its running window."""
        window = self._windows.get(_fingerprint(token))
        return window["count"] if window is not None and self._running(window) else 0

    def spend(self, token: Secret) -> None:
        """Count one IDENTIFY before it is sent; raises IDENTIFY_BUDGET when the window is spent."""
        used = self.used(token)
        if used >= LIMIT:
            raise DiscordError(ErrorCode.IDENTIFY_BUDGET, used=str(used), limit=str(LIMIT))
        self._windows = {name: window for name, window in self._windows.items() if self._running(window)}
        window = self._windows.setdefault(_fingerprint(token), {"started": self._clock(), "count": 0})
        window["count"] += 1
        self._save()

    def _running(self, window: _Window) -> bool:
        """Say whether the window is running; one that starts in the future (a clock set back) is over."""
        return 0 <= self._clock() - window["started"] < WINDOW_SECONDS

    def _load(self) -> dict[str, _Window]:
        if self._path is None:
            return {}
        try:
            return _parse(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("identify budget unreadable, counting anew: %s", error)
            return {}

    def _save(self) -> None:
        """Write the whole file beside the old one and swap; a full disk must not stop a relay."""
        if self._path is None:
            return
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                json.dump(self._windows, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            log.warning("identify budget not saved: %s", error)


def _parse(raw: bytes) -> dict[str, _Window]:
    """Read the file's content; anything of another shape is a ValueError."""
    content = json.loads(raw)
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 - a wrong file is a wrong value to the caller
    try:
        return {
            str(name): {"started": float(window["started"]), "count": int(window["count"])}
            for name, window in content.items()
        }
    except (KeyError, TypeError) as error:
        raise ValueError("not a table of windows") from error


def _fingerprint(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()
