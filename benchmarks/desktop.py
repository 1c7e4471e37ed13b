"""A desktop of its own for what is measured: a screen nobody sees, a session bus, a bar that shows tray icons.

Debian's packages; see devtools/debian.py. Where one can't be had, AbsentError says which.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from devtools.desktop import PATIENCE_S, first_line, gi_path, has_gi, running, screen, session_bus, xfce_bar

PROGRAMS: Final = ("Xvfb", "dbus-daemon", "xfce4-panel", "gnome-keyring-daemon")
_LOOK_S: Final = 0.002
_BAR_SIZE: Final = (640, 32)

Colour = tuple[int, int, int]


class AbsentError(Exception):
    """Something can't be had here; says what."""


def demand(programs: Iterable[str], find: Callable[[str], str | None] = shutil.which) -> None:
    """Raise AbsentError for those programs that are not installed."""
    missing = [each for each in programs if find(each) is None]
    if missing:
        raise AbsentError(", ".join(missing))


async def until(condition: Callable[[], bool], what: str) -> float:
    """Return the moment (``time.perf_counter``) at which a condition was first seen to be true."""
    give_up = time.perf_counter() + PATIENCE_S
    while not condition():
        if time.perf_counter() > give_up:
            message = f"in vain: {what}"
            raise TimeoutError(message)
        await asyncio.sleep(_LOOK_S)
    return time.perf_counter()


class Desktop:
    """What is on the screen, and the environment of programs on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {name: text for name, text in os.environ.items() if name != "WAYLAND_DISPLAY"} | {
            "PYTHONPATH": gi_path(home),
            "NO_AT_BRIDGE": "1",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_RUNTIME_DIR": str(home),
            "LC_ALL": "C.UTF-8",
        }
        self._display: Any = None

    def watch(self) -> None:
        """Connect to the screen."""
        from Xlib.display import Display  # noqa: PLC0415 - only where there is a screen

        self._display = Display(self.env["DISPLAY"])

    def shows(self, colour: Colour) -> bool:
        """Whether a pixel of the bar has exactly this colour; takes a few milliseconds."""
        from Xlib import X  # noqa: PLC0415 - likewise

        root = self._display.screen().root
        pixels: bytes = root.get_image(0, 0, *_BAR_SIZE, X.ZPixmap, 0xFFFFFFFF).data
        wanted = bytes(reversed(colour))  # blue first, the fourth byte means nothing
        at = pixels.find(wanted)
        while at % 4 and at != -1:
            at = pixels.find(wanted, at + 1)
        return at != -1

    def close(self) -> None:
        """Leave the screen."""
        self._display.close()


@asynccontextmanager
async def desktop(home: Path) -> AsyncIterator[Desktop]:
    """Give a desktop as after a login: bar there, keychain open; raises AbsentError."""
    if sys.platform != "linux":
        raise AbsentError("a desktop of Linux")
    demand(PROGRAMS)
    if not has_gi():
        raise AbsentError("PyGObject for this Python")
    found = Desktop(home)
    async with screen(found.env), session_bus(found.env), _keychain(found), _bar(found):
        yield found


@asynccontextmanager
async def _keychain(found: Desktop) -> AsyncIterator[None]:
    command = ("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
    async with running(*command, env=found.env, stdin=asyncio.subprocess.PIPE) as process:
        if process.stdin is None:
            raise RuntimeError("no pipe")
        process.stdin.write(b"invented password")
        process.stdin.close()
        yield


@asynccontextmanager
async def _bar(found: Desktop) -> AsyncIterator[None]:
    async with xfce_bar(found.env):
        await _bar_is_there(found)
        found.watch()
        try:
            yield
        finally:
            found.close()


async def _bar_is_there(found: Desktop) -> None:
    """Wait until somebody shows icons on this bus, as a program asks."""
    command = (sys.executable, "-c", "import os, tray.tray_host as t; print(t.find_host(os.environ))")
    give_up = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < give_up:
        async with running(*command, env=found.env, stdout=asyncio.subprocess.PIPE) as process:
            if await first_line(process) == "status_notifier":
                return
    raise AbsentError("a bar that shows icons")
