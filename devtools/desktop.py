"""Pieces of a desktop that nobody sees: a screen, a session bus, a bar that shows tray icons. Debian's programs.

Benchmarks and tests put their desktops together from them.
"""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE_S: Final = 20.0
"""For a real program to do something on a busy machine."""

_GI_OF_DEBIAN: Final = Path("/usr/lib/python3/dist-packages/gi")
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


async def first_line(process: asyncio.subprocess.Process) -> str:
    """Return what a program says first; raises TimeoutError."""
    if process.stdout is None:
        raise RuntimeError("no pipe")
    return (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()


@asynccontextmanager
async def screen(env: dict[str, str]) -> AsyncIterator[None]:
    """Run an X server on a free display, which ``env`` is told."""
    reading, writing = os.pipe()
    command = ("Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp")
    async with running(*command, env=env, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as number:
            line = await asyncio.wait_for(asyncio.to_thread(number.readline), PATIENCE_S)
        env["DISPLAY"] = f":{line.strip()}"
        yield


@asynccontextmanager
async def session_bus(env: dict[str, str]) -> AsyncIterator[None]:
    """Run a session bus, whose address ``env`` is told."""
    command = ("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address")
    async with running(*command, env=env, stdout=asyncio.subprocess.PIPE) as process:
        env["DBUS_SESSION_BUS_ADDRESS"] = await first_line(process)
        yield


@asynccontextmanager
async def xfce_bar(env: Mapping[str, str]) -> AsyncIterator[None]:
    """Run xfce4-panel with nothing but its tray; it takes a moment until it shows icons."""
    folder = Path(env["XDG_CONFIG_HOME"]) / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    folder.mkdir(parents=True)
    (folder / "xfce4-panel.xml").write_text(_BAR, "utf-8")
    async with running("xfce4-panel", "--disable-wm-check", env=env):
        yield


def has_gi() -> bool:
    """Whether programs of this Python can have PyGObject: their own, or Debian's if it is for this version."""
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    return importlib.util.find_spec("gi") is not None or any(_GI_OF_DEBIAN.glob(f"_gi.cpython-{version}-*.so"))


def gi_path(home: Path) -> str:
    """Return a PYTHONPATH by which programs find PyGObject: the one of this Python, or else Debian's alone."""
    if importlib.util.find_spec("gi") is not None:
        return str(ROOT)
    folder = home / "gi_of_debian"
    folder.mkdir()
    (folder / "gi").symlink_to(_GI_OF_DEBIAN)
    return f"{ROOT}:{folder}"
