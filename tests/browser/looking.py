"""The panel as a person looks at it, and somebody who watches the engine meanwhile."""

import asyncio
import json
import time
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from playwright.async_api import expect

from common.tasks import Tasks
from devtools.program import program

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 15_000
"""How long a locator waits; the machine may be busy."""

expect.set_options(timeout=PATIENCE_MS)


class Words:
    """What the page and the program say in a language, by key."""

    def __init__(self, language):
        self.language = language
        files = (ROOT / "common" / "locales", ROOT / "web" / "src" / "locales")
        read = [json.loads((folder / f"{language}.json").read_text("utf-8")) for folder in files]
        self.templates = read[0] | read[1]

    def __call__(self, key, **details):
        return self.templates[key].format(**details)


class Panel:
    """A tab with the panel, looked at as a person does: by roles and what they are called."""

    def __init__(self, page, words):
        self.page = page
        self.words = words

    def button(self, key, **details):
        return self.page.get_by_role("button", name=self.words(key, **details), exact=True)

    def slider(self, key, **details):
        return self.page.get_by_role("slider", name=self.words(key, **details), exact=True)

    def field(self, key, **details):
        return self.page.get_by_role("textbox", name=self.words(key, **details), exact=True)

    def heading(self, key, level=2):
        return self.page.get_by_role("heading", name=self.words(key), exact=True, level=level)

    def text(self, key, **details):
        return self.page.get_by_text(self.words(key, **details), exact=True)

    def step(self, name):
        """The button of a step of the set-up, done or not."""
        steps = self.page.get_by_role("list", name=self.words("wizard.steps"))
        return steps.get_by_role("button", name=self.words(f"wizard.{name}"))

    async def go(self, page):
        link = self.page.get_by_role("navigation").get_by_role("link", name=self.words(f"page.{page}"), exact=True)
        await link.click()
        await expect(self.heading(f"page.{page}", level=1)).to_be_attached()


class Witness:
    """Another page's WebSocket: what the engine and the tray themselves say, whatever the browser shows."""

    def __init__(self, socket):
        self.desk = {}
        self.state = {}
        self.meters = deque(maxlen=500)
        """Newest last, each with the clock's reading when it came: ``(seconds, meters)``."""
        self._socket = socket
        self._changed = asyncio.Condition()
        self._number = 0
        self._answers = {}

    async def read(self):
        async for message in self._socket:
            async with self._changed:
                self._take(json.loads(message.data))
                self._changed.notify_all()

    def _take(self, heard):
        match heard.pop("type"):
            case "desk":
                self.desk = heard
            case "snapshot":
                self.state = heard["state"]
            case "changed":
                self.state = self.state | heard
            case "meters":
                self.meters.append((time.monotonic(), heard))
            case "answer" | "unanswered":
                self._answers[heard["id"]] = heard

    async def until(self, so, seconds=15):
        """Wait until ``so(self)`` holds; returns what it returned."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: so(self))
            return so(self)

    async def call(self, **command):
        """Carry out a command; returns its answer, which may be a refusal."""
        self._number += 1
        number = self._number
        await self._socket.send_json({"type": "call", "id": number, "command": command})
        return await self.until(lambda witness: witness._answers.pop(number, None))

    def talker(self, name):
        return next((each for each in self.state.get("talkers", ()) if each["name"] == name), None)

    def source(self, name):
        return next(each for each in self.state["spec"]["sources"] if each["name"] == name)

    def destination(self):
        return self.state["spec"]["destinations"][0]


def is_heard(witness, since=0.0):
    """Return when sound first reached a destination after ``since``."""
    for came, meters in witness.meters:
        if came > since and any(each["peak_db"] > -60 for each in meters["destinations"]):
            return came
    return None


@asynccontextmanager
async def witness_of(context, address):
    """Watch with a browser's cookie; ``address`` is the panel's."""
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in await context.cookies())
    headers = {"Origin": address, "Cookie": cookie}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/ws", headers=headers) as socket:
        made = Witness(socket)
        tasks = Tasks()
        tasks.start(made.read(), name="witness")
        await made.call(type="subscribe_meters", active=True)
        yield made
        await tasks.close()


def origin(page):
    return page.url.partition("/#")[0].rstrip("/")


class Stage:
    """The program and its browser: ``open`` logs a tab in by the next link."""

    def __init__(self, home, chromium, language, simulator):
        self.chromium = chromium
        self.words = Words(language)
        self.context = None
        self._stack = AsyncExitStack()
        self.running = self._stack.enter_context(program(home, *simulator, LC_ALL=f"{language}.UTF-8"))

    async def open(self, **options):
        """Open the panel in a window of its own, as a person does who follows the link."""
        self.context = await self.chromium.new_context(locale=self.words.language, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        page = await self.context.new_page()
        await page.goto(await asyncio.to_thread(self.running.link))
        return Panel(page, self.words)

    async def watch(self, panel):
        """Have the engine watched until the end."""
        return await self._stack.enter_async_context(witness_of(self.context, origin(panel.page)))

    async def end(self):
        """End the program and its Discord."""
        await self._stack.aclose()
