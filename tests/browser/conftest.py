"""The whole program beside a simulated Discord, and a real Chromium in front of it."""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from devtools.browser import FLAGS, PROGRAM
from tests.browser.looking import Stage

HERE = Path(__file__).parent
CHROMIUM = shutil.which(PROGRAM)
REBOUND = "panel.evil.example"
"""A stranger's name that leads to this computer."""
STRANGER = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"


def pytest_collection_modifyitems(items):
    """Keep a file's tests on one worker: they share a show, and some build upon those before."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """A browser; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; devtools/debian.py does it on Debian")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=(STRANGER, *FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage_in(chromium, tmp_path_factory):
    """Make a stage in a language: a program of its own in a home of its own."""
    async with AsyncExitStack() as stack:

        async def make(language, *simulator):
            made = Stage(tmp_path_factory.mktemp("home"), chromium, language, simulator)
            stack.push_async_callback(made.end)
            return made

        yield make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rehearsal(stage_in):
    """An English panel in a running rehearsal, its mixer open, and its witness."""
    stage = await stage_in("en")
    panel = await stage.open()
    await panel.button("rehearsal.start").click()
    witness = await stage.watch(panel)
    await witness.until(lambda seen: seen.state.get("phase") == "running" and len(seen.state["talkers"]) >= 10, 30)
    await expect(panel.slider("mixer.gain", name="RED Akari")).to_be_visible()
    stage.panel, stage.witness = panel, witness
    return stage
