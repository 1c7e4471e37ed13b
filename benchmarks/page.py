"""What the mixer costs the browser while everybody talks: 24 strips whose meters move 25 times a second.

The program in one piece beside a simulated Discord with 24 talkers who never pause, and a Chromium without a window or
a graphics card that shows all of it. ``page_cpu_percent`` is the processor time of the page's own process, of one
core; ``browser_cpu_percent`` that of the whole browser, which draws on the processor here what a graphics card draws
elsewhere. ``meters_hz`` says that the meters came meanwhile.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.desktop import AbsentError
from benchmarks.latency import CASTERS, SOURCES, scene
from benchmarks.metric import Metric
from benchmarks.start import chromium
from devtools.program import Json, Program, program

TALKERS: Final = 24
WARM_UP_SECONDS: Final = 5.0
SECONDS: Final = 10.0
WINDOW: Final = {"width": 1920, "height": 1200}
PATIENCE_MS: Final = 30_000

SET_UP: Final = """
async (commands) => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    await new Promise(open => { socket.onopen = open; });
    const answers = [];
    for (const [id, command] of commands.entries()) {
        const answer = new Promise(tell => {
            socket.onmessage = event => {
                const heard = JSON.parse(event.data);
                if (heard.id === id) tell(heard);
            };
        });
        socket.send(JSON.stringify({type: "call", id, command}));
        answers.push(await answer);
    }
    socket.close();
    return answers.flatMap(each => each.faults ?? []);
}
"""
"""Sends commands one after the other, as the page does; returns what went wrong."""

COUNT: Final = """
(seconds) => new Promise(tell => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    let heard = 0;
    const subscribe = {type: "subscribe_meters", active: true};
    socket.onopen = () => socket.send(JSON.stringify({type: "call", id: 0, command: subscribe}));
    socket.onmessage = event => { heard += event.data.startsWith('{"type":"meters"'); };
    setTimeout(() => { socket.close(); tell(heard / seconds); }, seconds * 1000);
})
"""
"""Counts the meters that come in a second, on a connection of its own."""


def commands(discord: Json) -> list[Json]:
    """Return what sets the relay up and starts it."""
    seats = [*((name, bot, "source") for name, bot in SOURCES.items()), (*CASTERS, "destination")]
    places: dict[str, list[Json]] = {"source": [], "destination": []}
    for name, bot, role in seats:
        places[role].append({"channel": discord["channels"][name], "bot": bot, "name": name})
    setup = {"guild": discord["guild"], "sources": places["source"], "destinations": places["destination"]}
    return [
        {"type": "unlock_secrets", "passphrase": "only for a benchmark"},
        *({"type": "save_bot", "bot": bot, "role": role, "token": discord["tokens"][bot]} for _, bot, role in seats),
        {"type": "save_setup", "setup": setup},
        {"type": "start"},
    ]


def processes() -> list[psutil.Process]:
    """Return the browser's processes, all of them ours."""
    return [each for each in psutil.Process().children(recursive=True) if "chromium" in each.name()]


def spent(found: list[psutil.Process]) -> dict[int, float]:
    """Return the processor seconds of each so far."""
    return {each.pid: sum(each.cpu_times()[:2]) for each in found}


async def watch(page: Any) -> tuple[float, float]:  # noqa: ANN401 - playwright is imported late
    """Return the share of a core that the page and the whole browser take, in percent."""
    await page.bring_to_front()
    await asyncio.sleep(WARM_UP_SECONDS)
    found = processes()
    before, began = spent(found), time.perf_counter()
    await asyncio.sleep(SECONDS)
    after, seconds = spent(found), time.perf_counter() - began
    shares = {pid: 100 * (after[pid] - before[pid]) / seconds for pid in after}
    renderers = {each.pid for each in found if "--type=renderer" in each.cmdline()}
    # Chromium keeps a spare renderer; the page's is the one that works.
    return max(shares[pid] for pid in renderers), sum(shares.values())


async def show(running: Program) -> list[Metric]:
    """Set the program up, look at its mixer, and measure."""
    async with chromium() as browser:
        context = await browser.new_context(locale="en", viewport=WINDOW)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(running.link())
        faults = await page.evaluate(SET_UP, commands(running.discord))
        if faults:
            raise RuntimeError(f"the relay did not start: {faults}")
        await page.get_by_role("navigation").get_by_role("link", name="Mixer", exact=True).click()
        await page.get_by_role("slider", name=f"Volume of player-{TALKERS - 1}", exact=True).wait_for()
        hertz = await page.evaluate(COUNT, 4)
        own, whole = await watch(page)
    return [
        Metric("page_cpu_percent", own, "%"),
        Metric("browser_cpu_percent", whole, "%"),
        Metric("meters_hz", hertz, "Hz"),
    ]


def run() -> list[Metric]:
    """Return the shares; nothing without a browser."""
    with tempfile.TemporaryDirectory(prefix="page-") as name:
        (Path(name) / "scene.toml").write_text(scene(TALKERS, busy=False), "utf-8")
        with program(Path(name), "--scene", f"{name}/scene.toml", LC_ALL="en_US.UTF-8") as running:
            try:
                return asyncio.run(show(running))
            except AbsentError as error:
                print(f"page: nothing without {error}", file=sys.stderr)
                return []
