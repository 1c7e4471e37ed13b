"""Real tray hosts on an X server and a session bus of their own, and what looks at them and clicks.

``trayer`` shows icons of the older kind (XEmbed), ``xfce4-panel`` those of the newer (StatusNotifierItem, menus over
D-Bus). Debian: xvfb dbus openbox trayer xdotool xfce4-panel xfconf dunst python3-gi gir1.2-gtk-3.0
gir1.2-ayatanaappindicator3-0.1.
"""

import asyncio
import inspect
import json
import os
import shutil
import sys
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from Xlib import X
from Xlib.display import Display
from Xlib.error import BadDrawable, BadWindow

from devtools.desktop import PATIENCE_S, gi_path, has_gi, running, session_bus, xfce_bar
from devtools.desktop import screen as virtual_screen

STEP = 0.05
WATCHER = "org.kde.StatusNotifierWatcher"


def need(*programs):
    """Skip, and say why, where these programs can't be had; ``gi`` is PyGObject, which a tray of Linux needs."""
    if sys.platform != "linux":
        pytest.skip("desktops of Linux")
    missing = [each for each in programs if each != "gi" and shutil.which(each) is None]
    if "gi" in programs and not has_gi():
        missing.append("PyGObject, or python3-gi for this version of Python")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


async def until(condition, what):
    """Wait until ``condition``, a function or a coroutine function, gives something, and return it."""
    for _ in range(round(PATIENCE_S / STEP)):
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(STEP)
    raise AssertionError(f"in vain: {what}")


@asynccontextmanager
async def desktop(tmp_path, *, bus=True):
    """An empty screen and, with ``bus``, a session bus; gives the environment of programs on it."""
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
    async with virtual_screen(env):
        if not bus:
            yield env
            return
        async with session_bus(env):
            yield env


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
    async with xfce_bar(env):
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
        reply = await asyncio.wait_for(self.connection.call(message), PATIENCE_S)
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
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        assert line, "the program ended"
        return json.loads(line)

    async def ended(self):
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)
