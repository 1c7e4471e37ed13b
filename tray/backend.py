"""The one file that knows pystray: an icon with a menu as a port of five methods, and whether this desktop has a place.

``run`` holds the main thread (macOS demands it); everything else may be called from any thread. Two of pystray's ways
are mended here: on Linux it takes Ctrl+C away from the program, and a start that fails leaves a thread waiting that
would keep the process from ending.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from common.errors import ErrorCode, RelayError
from tray.face import Face
from tray.icon import picture
from tray.menu import Action, Item, Menu
from tray.tray_host import Host, find_host

NAME: Final = "DiscordVoiceComm"
ICON_PIXELS: Final = 64
"""Large enough for every bar; toolkits make it smaller."""
_LOOK_SECONDS: Final = 0.5
_BACKENDS: Final = {Host.STATUS_NOTIFIER: "appindicator", Host.XEMBED: "gtk"}


class TrayUnavailable(RelayError):  # noqa: N818 - a state of the desktop, not a mistake
    """There is no place for an icon (TRAY_UNAVAILABLE with the reason): open the panel instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(ErrorCode.TRAY_UNAVAILABLE, reason=reason)


class TrayPort(Protocol):
    """An icon in the bar."""

    def available(self) -> bool:
        """Whether there is a place for it now; cheap, may be asked again."""

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show it and hold the calling (main) thread until ``stop``; raises TrayUnavailable.

        ``on_ready`` is called once, in another thread, when it can be seen.
        """

    def update(self, face: Face, title: str, menu: Menu) -> None:
        """Show another face, tooltip and menu; what is as before is left alone (a new menu closes an open one)."""

    def notify(self, title: str, text: str) -> None:
        """Show a message beside the icon, where the system has that; never raises."""

    def stop(self) -> None:
        """Take it away and let ``run`` return; also before ``run``, and more than once."""


class DummyPort:
    """No icon: waits. What a server and ``--no-tray`` get."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def available(self) -> bool:
        """There is always a place for nothing."""
        return True

    def run(self, on_ready: Callable[[], None]) -> None:
        """Wait for ``stop``."""
        on_ready()
        self._stopped.wait()

    def update(self, face: Face, title: str, menu: Menu) -> None:
        """Show nothing."""

    def notify(self, title: str, text: str) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Let ``run`` return."""
        self._stopped.set()


class PystrayPort:
    """A real icon. ``on_action`` is told what a person chose, in the toolkit's thread: return at once, don't raise."""

    def __init__(self, name: str, on_action: Callable[[Action], None]) -> None:
        self._name = name
        self._on_action = on_action
        self._icon: Any = None
        self._ready = False
        self._stopped = False
        self._face = Face.IDLE
        self._title = name
        self._menu: Menu = ()
        self._lock = threading.Lock()  # between the main thread, pystray's and whoever updates

    def available(self) -> bool:
        """Whether this desktop has a tray host; always on Windows and macOS."""
        return sys.platform != "linux" or find_host(os.environ) is not Host.NONE

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until ``stop``; raises TrayUnavailable."""
        with self._lock:
            if self._stopped:
                return
            self._icon = self._new_icon()
        interrupt = signal.getsignal(signal.SIGINT)
        try:
            self._icon.run(lambda _icon: self._shown(on_ready, interrupt))
        except Exception as error:
            self._let_setup_end()
            raise TrayUnavailable(type(error).__name__) from error

    def update(self, face: Face, title: str, menu: Menu) -> None:
        """Show what changed."""
        with self._lock:
            changed = (face is not self._face, title != self._title, menu != self._menu)
            self._face, self._title, self._menu = face, title, menu
            if self._ready and any(changed):
                on_toolkit_thread(lambda: self._apply(*changed))

    def notify(self, title: str, text: str) -> None:
        """Show a message through pystray."""
        with self._lock:
            if self._ready:
                on_toolkit_thread(lambda: self._notify(title, text))

    def stop(self) -> None:
        """End ``run``."""
        with self._lock:
            self._stopped = True
            icon, self._ready = self._icon if self._ready else None, False
        if icon is not None:
            on_toolkit_thread(icon.stop)

    def _new_icon(self) -> Any:  # noqa: ANN401 - pystray has no types
        pystray = load_pystray()
        image = picture(self._face, ICON_PIXELS)
        return pystray.Icon(self._name, image, self._title, self._native_menu(self._menu))

    def _shown(self, on_ready: Callable[[], None], interrupt: Any) -> None:  # noqa: ANN401 - signal's own type
        """Take in, in pystray's own thread, what happened since ``run`` began."""
        if self._icon is None:
            return
        _give_back_interrupt(interrupt)
        with self._lock:
            self._ready = not self._stopped
            stopped = self._stopped
            if not stopped:
                on_toolkit_thread(self._appear)
        if stopped:
            on_toolkit_thread(self._icon.stop)
        else:
            on_ready()

    def _appear(self) -> None:
        self._icon.visible = True
        self._apply(True, True, True)

    def _apply(self, face: bool, title: bool, menu: bool) -> None:
        if face:
            self._icon.icon = picture(self._face, ICON_PIXELS)
        if title:
            self._icon.title = self._title
        if menu:
            self._icon.menu = self._native_menu(self._menu)

    def _notify(self, title: str, text: str) -> None:
        with suppress(Exception):  # whatever the system's notification service thinks of it
            self._icon.notify(text, title)

    def _native_menu(self, items: Menu) -> Any:  # noqa: ANN401 - pystray has no types
        pystray = load_pystray()
        return pystray.Menu(*(self._native_item(pystray, item) for item in items))

    def _native_item(self, pystray: Any, item: Item) -> Any:  # noqa: ANN401 - likewise
        if item.separator:
            return pystray.Menu.SEPARATOR
        text = item.text.replace("&", "&&") if sys.platform == "win32" else item.text
        if item.children:
            return pystray.MenuItem(text, self._native_menu(item.children), enabled=item.enabled)
        return pystray.MenuItem(
            text,
            self._chosen(item),
            checked=None if item.checked is None else lambda _item: bool(item.checked),
            radio=item.radio,
            default=item.default,
            enabled=item.enabled,
        )

    def _chosen(self, item: Item) -> Callable[[Any, Any], None]:
        def choose(_icon: Any, _item: Any) -> None:  # noqa: ANN401 - pystray counts and passes them
            if item.action is not None:
                self._on_action(item.action)

        return choose

    def _let_setup_end(self) -> None:
        """Wake pystray's setup thread, which waits for a start that failed; it is no daemon."""
        icon, self._icon = self._icon, None
        with suppress(AttributeError):
            icon._Icon__queue.put(True)  # noqa: SLF001 - there is no other way to it


def wait_for_place(port: TrayPort, seconds: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> bool:
    """Whether there is a place within ``seconds``: at login the bar may come up after us."""
    give_up = clock() + seconds
    while not port.available():
        if clock() >= give_up:
            return False
        sleep(_LOOK_SECONDS)
    return True


def load_pystray() -> Any:  # noqa: ANN401 - pystray has no types
    """Import pystray with the backend that this desktop has a host for; raises TrayUnavailable.

    Only now: without a display the import fails, and not with ImportError.
    """
    if sys.platform == "linux" and "pystray" not in sys.modules:
        host = find_host(os.environ)
        if host is Host.NONE:
            raise TrayUnavailable("no tray host")
        os.environ.setdefault("PYSTRAY_BACKEND", _BACKENDS[host])
    try:
        import pystray  # noqa: PLC0415 - see above
    except Exception as error:
        sys.modules.pop("pystray", None)
        raise TrayUnavailable(type(error).__name__) from error
    return pystray


def on_toolkit_thread(call: Callable[[], None]) -> None:
    """Do it where the toolkit wants it: macOS's AppKit on the main thread; the others hop by themselves."""
    if sys.platform == "darwin":
        from PyObjCTools import AppHelper  # noqa: PLC0415 - only there

        AppHelper.callAfter(call)
    else:
        call()


def _give_back_interrupt(handler: Any) -> None:  # noqa: ANN401 - signal's own type
    """Undo pystray's taking Ctrl+C; a handler is set on the main thread, which is GLib's."""
    if sys.platform == "linux":
        from gi.repository import GLib  # noqa: PLC0415 - only there

        def restore() -> bool:
            signal.signal(signal.SIGINT, handler)
            return False  # once is enough

        GLib.idle_add(restore)
