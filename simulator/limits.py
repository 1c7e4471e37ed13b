"""Discord's limits: requests per route and in all, forced refusals for tests, and gateway sessions per day."""

import hashlib
import math
from collections import deque
from dataclasses import dataclass, field

from common.types import UserId
from simulator.clock import Clock

ROUTE_LIMIT = 10
"""Requests per route and token in ``WINDOW_S``."""

GLOBAL_LIMIT = 50
"""Requests per token in ``WINDOW_S``, over all routes."""

WINDOW_S = 1.0

DAY_S = 86_400.0

HOUR_S = 3600.0

RENAMES = 2
"""Changes of an account's name in an hour; one more is refused as a wrong field, not as a rate limit."""

SESSION_STARTS = 1000
"""IDENTIFYs per bot and day; one more and Discord resets the bot's token."""


@dataclass(slots=True)
class _Window:
    ends: float = 0.0
    used: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request is told: its headers, and if refused for how many seconds and whether on all routes."""

    headers: dict[str, str]
    retry_after: float | None = None
    is_global: bool = False


@dataclass(slots=True)
class Refusal:
    """A forced 429 for the next ``left`` requests whose path starts with ``path``."""

    left: int
    retry_after: float
    is_global: bool = False
    path: str = ""


@dataclass(slots=True)
class RequestLimits:
    """Counts requests; a bucket is one route with its guild or channel, as one token sees it."""

    clock: Clock
    forced: deque[Refusal] = field(default_factory=deque)
    _windows: dict[tuple[str, str], _Window] = field(default_factory=dict)

    def judge(self, token: str, route: str, path: str) -> Verdict:
        """Count one request and decide on it."""
        if (refusal := self._forced_refusal(path)) is not None:
            return Verdict(_refused(route, refusal.is_global), refusal.retry_after, refusal.is_global)
        everything = self._window(token, "")
        if everything.used >= GLOBAL_LIMIT:
            return Verdict(_refused(route, is_global=True), everything.ends - self.clock.now(), is_global=True)
        window = self._window(token, route)
        left = max(0.0, window.ends - self.clock.now())
        if window.used >= ROUTE_LIMIT:
            return Verdict(_refused(route, is_global=False) | _headers(route, 0, left), left)
        everything.used += 1
        window.used += 1
        return Verdict(_headers(route, ROUTE_LIMIT - window.used, left))

    def _forced_refusal(self, path: str) -> Refusal | None:
        for refusal in self.forced:
            if path.startswith(refusal.path):
                refusal.left -= 1
                if refusal.left <= 0:
                    self.forced.remove(refusal)
                return refusal
        return None

    def _window(self, token: str, route: str) -> _Window:
        now = self.clock.now()
        if len(self._windows) > 10 * GLOBAL_LIMIT:
            self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
        window = self._windows.setdefault((token, route), _Window())
        if window.ends <= now:
            window.ends, window.used = now + WINDOW_S, 0
        return window


@dataclass(slots=True)
class SessionStarts:
    """How many gateway sessions each bot may still start today."""

    clock: Clock
    total: int = SESSION_STARTS
    _days: dict[UserId, _Window] = field(default_factory=dict)

    def count(self, user_id: UserId) -> bool:
        """Count an IDENTIFY; False if it was one too many."""
        day = self._day(user_id)
        day.used += 1
        return day.used <= self.total

    def used(self, user_id: UserId) -> int:
        """Give the number of IDENTIFYs counted today."""
        return self._day(user_id).used

    def describe(self, user_id: UserId) -> dict[str, int]:
        """Give Discord's session start limit object; ``reset_after`` in milliseconds."""
        day = self._day(user_id)
        return {
            "total": self.total,
            "remaining": max(0, self.total - day.used),
            "reset_after": math.ceil((day.ends - self.clock.now()) * 1000) if day.used else 0,
            "max_concurrency": 1,
        }

    def _day(self, user_id: UserId) -> _Window:
        now = self.clock.now()
        day = self._days.setdefault(user_id, _Window())
        if day.ends <= now:
            day.ends, day.used = now + DAY_S, 0
        return day


@dataclass(slots=True)
class Renames:
    """How often each account changed its name in the hour that began with the first change."""

    clock: Clock
    _hours: dict[UserId, _Window] = field(default_factory=dict)

    def count(self, user_id: UserId) -> bool:
        """Count a change; False if it was one too many."""
        now = self.clock.now()
        hour = self._hours.setdefault(user_id, _Window())
        if hour.ends <= now:
            hour.ends, hour.used = now + HOUR_S, 0
        hour.used += 1
        return hour.used <= RENAMES


def _headers(route: str, remaining: int, reset_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(ROUTE_LIMIT),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
    }


def _refused(route: str, is_global: bool) -> dict[str, str]:
    if is_global:
        return {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
    return _headers(route, 0, 0.0) | {"X-RateLimit-Scope": "user"}
