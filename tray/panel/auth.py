"""Who may speak with the panel's server. Pure: times are seconds of any steady clock, handed in.

The tray makes a login link that works once and for a minute; it is exchanged for a cookie. The cookie alone is not
enough: a web page of somebody else can have the browser send it, so the request must also be addressed to us by one of
our own names (a rebound name is not one) and, where it says so, come from our own page.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from common.secret import Secret

LINK_SECONDS: Final = 60.0
MOST_LINKS: Final = 8
"""Links that are not used yet; another one replaces the oldest."""

COOKIE_SECONDS: Final = 7 * 24 * 3600.0
"""An event's weekend with its preparation; the program forgets all cookies when it ends."""
MOST_COOKIES: Final = 32
"""Browsers that are logged in; another one replaces the oldest."""

_NAMES: Final = ("127.0.0.1", "localhost")
_OURS: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site: our page, and the person (a typed address, a bookmark, the tray's link)."""
_READING: Final = frozenset({"GET", "HEAD"})


class Refusal(IntEnum):
    """Why a request is refused, as its HTTP status."""

    NO_COOKIE = 401
    FOREIGN = 403
    """It comes from somebody else's page."""
    MISDIRECTED = 421
    """It is addressed to a name that is not ours."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself; of each header every value that came, as it came."""

    method: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    socket: bool = False
    """Whether it opens a WebSocket, which can do everything."""


def cookie_name(port: int) -> str:
    """Return the cookie's name; cookies know no ports, so that two programs on one computer would share one."""
    return f"dvc-panel-{port}"


def refusal(asked: Asked, port: int) -> Refusal | None:
    """Judge where a request goes and where it comes from, whoever sends it."""
    if len(asked.hosts) != 1 or asked.hosts[0].lower() not in {f"{name}:{port}" for name in _NAMES}:
        return Refusal.MISDIRECTED
    if any(site not in _OURS for site in asked.sites) or len(asked.sites) > 1:
        return Refusal.FOREIGN
    needed = asked.socket or asked.method not in _READING
    if asked.origins or needed:
        ours = (f"http://{asked.hosts[0].lower()}",)
        return None if asked.origins == ours else Refusal.FOREIGN
    return None


class Keys:
    """Random keys of 256 bits that are valid for a while, ``most`` of them; the oldest makes room."""

    def __init__(self, seconds: float, most: int, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> None:
        self._seconds = seconds
        self._most = most
        self._make = make
        self._until: dict[Secret, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def issue(self, now: float) -> Secret:
        """Make a key."""
        self._expire(now)
        while len(self._until) >= self._most:
            del self._until[next(iter(self._until))]
        key = Secret(self._make())
        self._until[key] = now + self._seconds
        return key

    def valid(self, text: str, now: float) -> bool:
        """Say whether ``text`` is one of them, in a time that does not depend on how much of it is right."""
        return self._find(text, now) is not None

    def redeem(self, text: str, now: float) -> bool:
        """Say whether ``text`` is one of them; it is none afterwards."""
        found = self._find(text, now)
        if found is None:
            return False
        del self._until[found]
        return True

    def _find(self, text: str, now: float) -> Secret | None:
        self._expire(now)
        given = text.encode("utf-8", "surrogatepass")
        same = [key for key in self._until if hmac.compare_digest(key.reveal().encode(), given)]
        return same[0] if same else None

    def _expire(self, now: float) -> None:
        self._until = {key: until for key, until in self._until.items() if now < until}


def login_links() -> Keys:
    """Return an empty book of login links."""
    return Keys(LINK_SECONDS, MOST_LINKS)


def cookies() -> Keys:
    """Return an empty book of cookies."""
    return Keys(COOKIE_SECONDS, MOST_COOKIES)
