"""Messages on the desktop: one for each thing that goes wrong, none while it goes on, and never a sound.

What goes wrong is a set of incidents, recomputed from the state; only a new one is told. However the system's
notification service behaves, nobody waits for it and nothing fails.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from common.errors import ErrorCode
from common.protocol.messages import Fault
from common.protocol.state import BotState, SessionState
from common.sentences import error_sentence, notice_sentence
from tray.face import on_air
from tray.restart_policy import EngineLink

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

log = logging.getLogger(__name__)

MOST_PER_MINUTE: Final = 6
"""More at once would only hide each other; the panel has them all."""
WINDOW_SECONDS: Final = 60.0
SEND_SECONDS: Final = 5.0
"""Patience with the system's service."""


class NotSentError(Exception):
    """The desktop's notification service showed nothing."""


Incidents = Mapping[str, str]
"""A sentence by the key of what is wrong."""
Send = Callable[[str, str], Awaitable[None]]
"""Shows a title and a text."""


def incidents(state: SessionState | None, link: EngineLink, fault: Fault | None, language: str) -> Incidents:
    """Return what a person should hear of though they look elsewhere."""
    if link is EngineLink.FAILED:
        return {"engine.failed": error_sentence(fault.code, fault.details, language)} if fault is not None else {}
    if state is None or not on_air(state):
        return {}
    if link is not EngineLink.READY:
        return {"engine": error_sentence(ErrorCode.ENGINE_LOST, {}, language)}
    found = {f"bot.{each.bot}.{each.cause}": _bot_sentence(each, language) for each in state.bots if each.cause}
    if state.kill:
        found["kill"] = notice_sentence("kill_on", language)
    return found


def _bot_sentence(bot: BotState, language: str) -> str:
    cause = bot.cause
    return (
        "" if cause is None else error_sentence(cause, {"bot": bot.name or bot.bot, "channel": bot.channel}, language)
    )


class Notifier:
    """Tells of new incidents through ``send``, or ``otherwise`` if that fails. ``clock`` is in seconds."""

    def __init__(
        self, title: str, send: Send, otherwise: Callable[[str, str], None], clock: Callable[[], float]
    ) -> None:
        self._title = title
        self._send = send
        self._otherwise = otherwise
        self._clock = clock
        self._told: frozenset[str] = frozenset()
        self._telling = asyncio.Lock()
        self._sent: deque[float] = deque(maxlen=MOST_PER_MINUTE)

    async def follow(self, current: Incidents) -> None:
        """Tell what is new in ``current``; what is gone may be told again if it comes back.

        Calls may overlap; messages are shown one after the other. Never raises.
        """
        new = [text for key, text in current.items() if key not in self._told]
        self._told = frozenset(current)
        allowed = [text for text in new if self._allowed()]
        async with self._telling:
            for text in allowed:
                await self._tell(text)

    def _allowed(self) -> bool:
        now = self._clock()
        if len(self._sent) == MOST_PER_MINUTE and now - self._sent[0] < WINDOW_SECONDS:
            log.info("a desktop notification was left out: there were too many")
            return False
        self._sent.append(now)
        return True

    async def _tell(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(self._title, text)
        except Exception as error:  # noqa: BLE001 - no service, no bus, no permission: whatever the library raises
            log.info("the desktop's notification service can't be used: %s", type(error).__name__)
            self._otherwise(self._title, text)


class DesktopService:
    """The system's notification service through desktop-notifier, which is loaded when it is first needed.

    The library hides most failures; here each is raised, and after the first one nobody asks that service again: every
    try would leave another connection to the bus.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._notifier: DesktopNotifier | None = None
        self._failed = False

    async def prepare(self) -> None:
        """Have macOS ask the person's permission now, since it must not ask on air; raises as ``send`` does."""
        await (await self._ready()).request_authorisation()

    async def send(self, title: str, text: str) -> None:
        """Show a message, silently; raises NotSentError or what the library raises."""
        notifier, dispatched = await self._ready(), asyncio.Event()
        self._failed = True
        await notifier.send(title=title, message=text, on_dispatched=dispatched.set)
        self._failed = not dispatched.is_set()
        if self._failed:
            raise NotSentError

    async def _ready(self) -> "DesktopNotifier":
        if self._failed:
            raise NotSentError
        if self._notifier is None:
            from desktop_notifier import DesktopNotifier  # noqa: PLC0415 - 50 ms that a start needn't pay

            self._failed = True
            notifier = DesktopNotifier(app_name=self._name)
            if not await notifier.get_capabilities():  # its stand-in where there is no service, as on an unsigned Mac
                raise NotSentError
            self._notifier, self._failed = notifier, False
        return self._notifier
