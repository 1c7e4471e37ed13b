"""How long a person waits: for the engine's first answer, for the tray's icon, for the panel after a click on it.

``tray_icon_s`` runs from the start of the process until a real bar shows the icon's colour on the screen,
``tray_menu_s`` until the icon's menu offers the panel; ``panel_s`` from the click there until the page's first button
can be operated, in a browser that runs already but has never seen the page; ``page_gzip_kb`` (1000 bytes) is all the
bodies that this first visit transfers. Everything is done once before it counts, so that files are in memory.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.desktop import AbsentError, Colour, Desktop, demand, desktop, until
from benchmarks.metric import Metric
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Ping
from common.secret import Secret
from common.sentences import templates
from devtools.browser import FLAGS, PROGRAM
from devtools.desktop import PATIENCE_S, running

RUNS: Final = 5
TOKEN: Final = Secret("benchmark-token")
GREY: Final[Colour] = (128, 128, 128)
"""The icon's colour while nothing runs, see tray/icon.py."""
_ASK_S: Final = 0.01
_WATCHER: Final = "org.kde.StatusNotifierWatcher"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_MENU: Final = "com.canonical.dbusmenu"


async def start_once() -> float:
    """Return the seconds from the start of an engine process to its first answer."""
    pipe = asyncio.subprocess.PIPE
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "engine", stdin=pipe, stdout=pipe)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    process.stdin.write(bootstrap.write_line(Bootstrap(address="tcp:0", token=TOKEN)))
    listening = bootstrap.read_listening(await process.stdout.readline())
    client = await ControlClient.connect(Address.parse(listening.address), TOKEN)
    await client.call(Ping())
    took = time.perf_counter() - began
    await client.close()
    process.stdin.close()
    await process.wait()
    return took


@dataclass(frozen=True, slots=True)
class Look:
    """The first look at a panel, in seconds from the click, and bytes."""

    panel_s: float
    transferred: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One start of the program, in seconds from there; ``look`` is ``None`` without a browser."""

    icon_s: float
    menu_s: float
    look: Look | None = None


class Links:
    """What the program wants a browser to open: the browser is a script that writes into a pipe."""

    def __init__(self, home: Path) -> None:
        pipe = home / "opened"
        os.mkfifo(pipe)
        # Non-blocking and read-write, so that neither side waits for the other to come.
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.browser = home / "browser"
        self.browser.write_text(f'#!/bin/sh\necho "$1" > {pipe}\n', "utf-8")
        self.browser.chmod(0o755)

    async def next(self) -> str:
        """Return the next address."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[bytes] = loop.create_future()
        loop.add_reader(self._pipe, lambda: None if came.done() else came.set_result(os.read(self._pipe, 4096)))
        try:
            return (await asyncio.wait_for(came, PATIENCE_S)).decode().strip()
        finally:
            loop.remove_reader(self._pipe)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)


Click = Callable[[], Awaitable[Any]]


class Clicks:
    """Clicks in the menu of the only icon, over the session bus as a bar does."""

    def __init__(self, bus: Any) -> None:  # noqa: ANN401 - imported late
        self._bus = bus

    @classmethod
    @asynccontextmanager
    async def on(cls, address: str) -> AsyncIterator["Clicks"]:
        """Join the bus."""
        from dbus_fast.aio import MessageBus  # noqa: PLC0415 - only on Linux

        bus = await MessageBus(bus_address=address).connect()
        try:
            yield cls(bus)
        finally:
            bus.disconnect()

    async def find(self, label: str) -> Click:
        """Return what clicks on a line of the menu; a menu that changes meanwhile has others."""
        from dbus_fast import Variant  # noqa: PLC0415 - likewise

        async with asyncio.timeout(PATIENCE_S):
            while True:
                name, menu, items = await self._menu()
                if label in items:
                    event = (items[label], "clicked", Variant("i", 0), 0)
                    return lambda: self._call(name, menu, _MENU, "Event", "isvu", *event)
                await asyncio.sleep(_ASK_S)

    async def _menu(self) -> tuple[str, str, dict[str, int]]:
        """Return whose the menu is, where, and the numbers of its lines."""
        (known,) = await self._get(_WATCHER, "/StatusNotifierWatcher", _WATCHER, "RegisteredStatusNotifierItems")
        name, _, path = known.partition("/")
        menu = await self._get(name, f"/{path}", "org.kde.StatusNotifierItem", "Menu")
        _, (_, _, items) = await self._call(name, menu, _MENU, "GetLayout", "iias", 0, 1, [])
        return (
            name,
            menu,
            {
                properties["label"].value: number
                for number, properties, _ in map(_value, items)
                if "label" in properties
            },
        )

    async def _get(self, name: str, path: str, interface: str, what: str) -> Any:  # noqa: ANN401 - D-Bus has any type
        (value,) = await self._call(name, path, _PROPERTIES, "Get", "ss", interface, what)
        return value.value

    async def _call(self, name: str, path: str, interface: str, member: str, signature: str, *body: object) -> Any:  # noqa: ANN401 - likewise
        from dbus_fast import Message  # noqa: PLC0415 - likewise

        message = Message(name, path, interface, member, signature=signature, body=list(body))
        return (await asyncio.wait_for(self._bus.call(message), PATIENCE_S)).body


def _value(variant: Any) -> Any:  # noqa: ANN401 - likewise
    return variant.value


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Give a browser without a window; raises AbsentError."""
    demand((PROGRAM,))
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - a benchmark's own extra
    except ImportError:
        raise AbsentError("playwright") from None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(PROGRAM), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def visit(found: Desktop, browser: Any) -> Visit:  # noqa: ANN401 - imported late
    """Start the program as the system does at login, and click on its icon's menu once that is there."""
    links = Links(Path(tempfile.mkdtemp(dir=found.home)))
    await until(lambda: not found.shows(GREY), "the last icon is gone")
    began = time.perf_counter()
    env = found.env | {"BROWSER": str(links.browser)}
    async with running(sys.executable, "-m", "tray", "--at-login", env=env) as process:
        icon_s = await until(lambda: found.shows(GREY), "the icon") - began
        async with Clicks.on(found.env["DBUS_SESSION_BUS_ADDRESS"]) as clicks:
            label = templates("en")["tray.panel"]
            await clicks.find(label)
            menu_s = time.perf_counter() - began
            seen = None if browser is None else await look(lambda: clicks.find(label), links, browser)
        process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    links.close()
    return Visit(icon_s, menu_s, seen)


async def look(find: Callable[[], Awaitable[Click]], links: Links, browser: Any) -> Look:  # noqa: ANN401 - likewise
    """Click, and follow the link in a profile of its own."""
    context = await browser.new_context()
    page = await context.new_page()
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it marks what it is given
    click = await find()
    began = time.perf_counter()
    await click()
    await page.goto(await links.next(), wait_until="commit")
    await page.locator("main button:enabled").first.click(trial=True)
    panel_s = time.perf_counter() - began
    await page.wait_for_load_state("networkidle")
    sizes = [await answer.request.sizes() for answer in answers]
    await context.close()
    return Look(panel_s, sum(size["responseBodySize"] for size in sizes))


async def visits() -> list[Visit]:
    """Start the program several times, with a browser if there is one; raises AbsentError without a desktop."""
    with tempfile.TemporaryDirectory(prefix="start") as folder:
        async with desktop(Path(folder)) as found:
            try:
                async with chromium() as browser:
                    return [await visit(found, browser) for _ in range(RUNS + 1)][1:]
            except AbsentError as error:
                print(f"start: no panel_s and page_gzip_kb without {error}", file=sys.stderr)
                return [await visit(found, None) for _ in range(RUNS + 1)][1:]


def metrics(seen: list[Visit]) -> list[Metric]:
    """Return the medians of what was seen."""
    found = [
        Metric("tray_icon_s", statistics.median(each.icon_s for each in seen), "s"),
        Metric("tray_menu_s", statistics.median(each.menu_s for each in seen), "s"),
    ]
    looks = [each.look for each in seen if each.look is not None]
    if looks:
        found += [
            Metric("panel_s", statistics.median(each.panel_s for each in looks), "s"),
            Metric("page_gzip_kb", max(each.transferred for each in looks) / 1000, "kB"),
        ]
    return found


async def measure() -> list[Metric]:
    """Measure all of it."""
    await start_once()
    found = [Metric("engine_ready_s", statistics.median([await start_once() for _ in range(RUNS)]), "s")]
    try:
        return found + metrics(await visits())
    except AbsentError as error:
        print(f"start: no tray_icon_s, tray_menu_s, panel_s, page_gzip_kb without {error}", file=sys.stderr)
        return found


def run() -> list[Metric]:
    """Return the medians."""
    return asyncio.run(measure())
