"""A desktop of its own for what is measured: a screen nobody sees, a session bus, a bar that shows tray icons.

Debian's packages; see devtools/debian.py. Where one can't be had, AbsentError says which.
"""

import asyncio
import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = ("Xvfb", "dbus-daemon", "xfce4-panel", "gnome-keyring-daemon")
PATIENCE_S: Final = 20.0
_GI_OF_DEBIAN: Final = Path("/usr/lib/python3/dist-packages/gi")
_LOOK_S: Final = 0.002
_BAR: Final = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>
"""
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


@asynccontextmanager
async def running(*command: str, env: Mapping[str, str], **streams: Any) -> AsyncIterator[asyncio.subprocess.Process]:  # noqa: ANN401 - as subprocess takes them
    """Run a program in a session of its own, and end it with everything it started."""
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL} | streams
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=ROOT, start_new_session=True, **quiet)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


class Desktop:
    """What is on the screen, and the environment of programs on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {name: text for name, text in os.environ.items() if name != "WAYLAND_DISPLAY"} | {
            "PYTHONPATH": _gi_path(home),
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


def _gi_path(home: Path) -> str:
    """Return a PYTHONPATH by which programs find PyGObject: the one of this Python, or else Debian's alone."""
    if importlib.util.find_spec("gi") is not None:
        return str(ROOT)
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    if not list(_GI_OF_DEBIAN.glob(f"_gi.cpython-{version}-*.so")):
        raise AbsentError("PyGObject for this Python")
    folder = home / "gi_of_debian"
    folder.mkdir()
    (folder / "gi").symlink_to(_GI_OF_DEBIAN)
    return f"{ROOT}:{folder}"


@asynccontextmanager
async def desktop(home: Path) -> AsyncIterator[Desktop]:
    """Give a desktop as after a login: bar there, keychain open; raises AbsentError."""
    if sys.platform != "linux":
        raise AbsentError("a desktop of Linux")
    demand(PROGRAMS)
    found = Desktop(home)
    bar = home / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml" / "xfce4-panel.xml"
    bar.parent.mkdir(parents=True)
    bar.write_text(_BAR, "utf-8")
    async with _screen(found), _bus(found), _keychain(found), _bar(found):
        yield found


@asynccontextmanager
async def _screen(found: Desktop) -> AsyncIterator[None]:
    reading, writing = os.pipe()
    command = ("Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp")
    async with running(*command, env=found.env, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as number:
            found.env["DISPLAY"] = (
                f":{(await asyncio.wait_for(asyncio.to_thread(number.readline), PATIENCE_S)).strip()}"
            )
        yield


@asynccontextmanager
async def _bus(found: Desktop) -> AsyncIterator[None]:
    command = ("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address")
    async with running(*command, env=found.env, stdout=asyncio.subprocess.PIPE) as process:
        found.env["DBUS_SESSION_BUS_ADDRESS"] = await _line(process)
        yield


async def _line(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("no pipe")
    return (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()


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
    async with running("xfce4-panel", "--disable-wm-check", env=found.env):
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
            if await _line(process) == "status_notifier":
                return
    raise AbsentError("a bar that shows icons")
