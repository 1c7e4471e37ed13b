"""Real tray hosts on an X server and a session bus of their own, and what looks at them and clicks.

``trayer`` shows icons of the older kind (XEmbed), ``xfce4-panel`` those of the newer (StatusNotifierItem, menus over
D-Bus). Debian: xvfb dbus openbox trayer xdotool xfce4-panel xfconf dunst python3-gi gir1.2-gtk-3.0
gir1.2-ayatanaappindicator3-0.1.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import shutil
import signal
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from Xlib import X
from Xlib.display import Display
from Xlib.error import BadDrawable, BadWindow

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
"""Seconds for a real program to do something on a busy machine."""
STEP = 0.05
SYSTEM_GI = Path("/usr/lib/python3/dist-packages/gi")
WATCHER = "org.kde.StatusNotifierWatcher"
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
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


def need(*programs):
    """Skip, and say why, where these programs can't be had; ``gi`` is PyGObject, which a tray of Linux needs."""
    if sys.platform != "linux":
        pytest.skip("desktops of Linux")
    missing = [each for each in programs if each != "gi" and shutil.which(each) is None]
    if "gi" in programs and importlib.util.find_spec("gi") is None and not gi_of_debian():
        missing.append("PyGObject, or python3-gi for this version of Python")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def gi_of_debian():
    """Return where the system's PyGObject is, if this Python can load it."""
    return next(SYSTEM_GI.glob(f"_gi.cpython-{sys.version_info.major}{sys.version_info.minor}-*.so"), None)


def gi_path(tmp_path):
    """Return the PYTHONPATH by which programs find PyGObject: nothing, or the system's and nothing else of it."""
    if importlib.util.find_spec("gi") is not None:
        return str(ROOT)
    folder = tmp_path / "gi_of_debian"
    folder.mkdir()
    (folder / "gi").symlink_to(SYSTEM_GI)
    return f"{ROOT}:{folder}"


async def until(condition, what):
    """Wait until ``condition``, a function or a coroutine function, gives something, and return it."""
    for _ in range(round(PATIENCE / STEP)):
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(STEP)
    raise AssertionError(f"in vain: {what}")


@asynccontextmanager
async def running(*command, env, **streams):
    """Run a program in a session of its own, and end it with everything it started."""
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL} | streams
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=ROOT, start_new_session=True, **quiet)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


@asynccontextmanager
async def desktop(tmp_path, *, bus=True):
    """An empty screen and, with ``bus``, a session bus; gives the environment of programs on it."""
    reading, writing = os.pipe()
    away = (
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "DBUS_SESSION_BUS_ADDRESS",
        "PYSTRAY_BACKEND",
        "XDG_SESSION_TYPE",
        "XDG_RUNTIME_DIR",
    )
    env = {name: text for name, text in os.environ.items() if name not in away}
    env |= {
        "PYTHONPATH": gi_path(tmp_path),
        "NO_AT_BRIDGE": "1",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    xvfb = ("Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp")
    async with running(*xvfb, env=env, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as number:
            env["DISPLAY"] = f":{(await asyncio.wait_for(asyncio.to_thread(number.readline), PATIENCE)).strip()}"
        if not bus:
            yield env
            return
        daemon = ("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address")
        async with running(*daemon, env=env, stdout=asyncio.subprocess.PIPE) as process:
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            yield env | {"DBUS_SESSION_BUS_ADDRESS": line.decode().strip()}


@asynccontextmanager
async def trayer(env):
    """Show icons of the older kind, at the upper left."""
    place = ("--edge", "top", "--align", "left", "--width", "200", "--widthtype", "pixel", "--height", "32")
    async with running("openbox", env=env):
        await until(lambda: managed(env), "openbox manages windows")  # without anybody trayer gives up
        async with running("trayer", *place, "--SetDockType", "true", env=env):
            await until(lambda: find_xembed(env), "trayer takes the tray")
            yield


@contextmanager
def screen(env):
    display = Display(env["DISPLAY"])
    try:
        yield display
    finally:
        display.close()


def managed(env):
    with screen(env) as display:
        wanted = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        return display.screen().root.get_full_property(wanted, X.AnyPropertyType) is not None


def find_xembed(env):
    with screen(env) as display:
        return display.get_selection_owner(display.intern_atom("_NET_SYSTEM_TRAY_S0"))


@asynccontextmanager
async def xfce(env, bus):
    """Show icons of the newer kind."""
    folder = Path(env["XDG_CONFIG_HOME"]) / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    folder.mkdir(parents=True)
    (folder / "xfce4-panel.xml").write_text(PANEL)
    async with running("xfce4-panel", "--disable-wm-check", env=env):
        await until(bus.has_host, "the panel shows icons")
        yield


class Colours:
    """The colours of a screen."""

    def __init__(self, env):
        self._env = env

    def __call__(self):
        """Return where which colour is: a pixel of it by (red, green, blue)."""
        with screen(self._env) as display:
            image = display.screen().root.get_image(0, 0, 640, 40, X.ZPixmap, 0xFFFFFFFF).data
        return {
            (image[at + 2], image[at + 1], image[at]): (at // 4 % 640, at // 4 // 640) for at in range(0, len(image), 4)
        }

    async def show(self, colour):
        """Wait for a colour and return where it is."""
        return await until(lambda: self().get(colour), f"{colour} on the screen")


def popups(env):
    """Return how many menus are open."""
    with screen(env) as display, suppress(BadDrawable, BadWindow):  # one closed just now
        windows = [(each.get_attributes(), each.get_geometry()) for each in display.screen().root.query_tree().children]
        shown = [size for seen, size in windows if seen.override_redirect and seen.map_state == X.IsViewable]
        return sum(size.width > 50 and size.height > 100 for size in shown)
    return 0


class Bus:
    """Who stands on the session bus and clicks in menus of icons, as a host does."""

    def __init__(self, connection):
        self.connection = connection

    @classmethod
    @asynccontextmanager
    async def join(cls, env):
        connection = await MessageBus(bus_address=env["DBUS_SESSION_BUS_ADDRESS"]).connect()
        try:
            yield cls(connection)
        finally:
            connection.disconnect()

    async def call(self, name, path, interface, member, signature="", *body):
        message = Message(
            destination=name, path=path, interface=interface, member=member, signature=signature, body=list(body)
        )
        reply = await asyncio.wait_for(self.connection.call(message), PATIENCE)
        assert reply.message_type is MessageType.METHOD_RETURN, reply.body
        return reply.body

    async def get(self, name, path, interface, what):
        (value,) = await self.call(name, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, what)
        return value.value

    async def has(self, name):
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        return (await self.call(*bus, "NameHasOwner", "s", name))[0]

    async def has_host(self):
        if not await self.has(WATCHER):
            return False
        return await self.get(WATCHER, "/StatusNotifierWatcher", WATCHER, "IsStatusNotifierHostRegistered")

    async def item(self):
        """Return name and path of the only icon."""
        (known,) = await self.get(WATCHER, "/StatusNotifierWatcher", WATCHER, "RegisteredStatusNotifierItems")
        name, _, path = known.partition("/")
        return name, f"/{path}"

    async def title(self):
        return await self.get(*await self.item(), "org.kde.StatusNotifierItem", "Title")

    async def menu(self):
        """Return the items of the menu: (number, properties) by label, submenus too."""
        name, path = await self.item()
        menu = await self.get(name, path, "org.kde.StatusNotifierItem", "Menu")
        _, layout = await self.call(name, menu, "com.canonical.dbusmenu", "GetLayout", "iias", 0, -1, [])
        return dict(labelled(layout))

    async def click(self, label):
        name, path = await self.item()
        menu = await self.get(name, path, "org.kde.StatusNotifierItem", "Menu")
        number, _ = (await self.menu())[label]
        event = (number, "clicked", Variant("i", 0), 0)
        await self.call(name, menu, "com.canonical.dbusmenu", "Event", "isvu", *event)

    async def shows(self, label, **properties):
        """Wait until an item is there with these properties."""

        async def there():
            found = (await self.menu()).get(label)
            return found and properties.items() <= found[1].items()

        await until(there, f"{label} with {properties}")


def labelled(layout):
    number, properties, children = layout
    values = {name.replace("-", "_"): value.value for name, value in properties.items()}
    yield values.get("label", "").replace("__", "_"), (number, values)
    for child in children:
        yield from labelled(child.value)


@asynccontextmanager
async def program(env):
    """Run ``tray_program`` and give what reads its lines."""
    command = (sys.executable, "-m", "tests.tray.tray_program")
    async with running(*command, env=env, stdout=asyncio.subprocess.PIPE) as process:
        yield Lines(process)


class Lines:
    """What a program says, one JSON object a line."""

    def __init__(self, process):
        self.process = process

    async def next(self):
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        assert line, "the program ended"
        return json.loads(line)

    async def ended(self):
        return await asyncio.wait_for(self.process.wait(), PATIENCE)
