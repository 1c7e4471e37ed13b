"""The page with a tray that says what a test wants: open to everybody, cheap, honest when something is away."""

import asyncio
import re

import msgspec
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from common.errors import ErrorCode
from common.protocol.state import LinkState
from tests.browser.fake_tray import FakeTray, desk, history, session
from tray.panel import messages as panel

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = ("mixer", "chain", "settings", "history", "about")
STEPS = ("welcome", "bots", "invite", "channels", "check", "sound", "done")
WATCHED_S = 2
MOST_CHANGES = 8
"""Of a strip in a second: level, delay and loss in words, twice a second; drawing 25 times would be 25 at least."""
CHANGES = """
(seconds) => new Promise(tell => {
    let changes = 0;
    const watcher = new MutationObserver(seen => { changes += seen.length; });
    const everything = {subtree: true, attributes: true, childList: true, characterData: true};
    watcher.observe(document.querySelector("main"), everything);
    setTimeout(() => { watcher.disconnect(); tell(changes); }, seconds * 1000);
})
"""
ANSWERS = {
    "get_history": lambda _tray, _command: history(),
    "get_about": lambda _tray, _command: panel.About(
        version="0.1.0", ingredients=(panel.Ingredient(name="aiohttp", version="3.14", licence="Apache-2.0"),)
    ),
    "find_guilds": lambda _tray, _command: panel.Guilds(guilds=(panel.GuildInfo(guild="1", name="春の大会"),)),
    "find_channels": lambda _tray, _command: panel.Channels(
        guild="1", guild_name="春の大会", channels=(panel.ChannelInfo(channel="100", name="チーム1"),)
    ),
    "check_places": lambda _tray, _command: panel.PlaceChecks(places=()),
}


@pytest_asyncio.fixture(loop_scope="module")
async def tray_of():
    """Make trays; ends them."""
    made = []

    def make(known, state):
        tray = FakeTray(known, state, ANSWERS)
        tray.start()
        made.append(tray)
        return tray

    yield make
    for tray in made:
        await asyncio.to_thread(tray.close)


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium):
    # axe is put into the page, which the policy would not allow
    context = await chromium.new_context(bypass_csp=True, viewport={"width": 1280, "height": 800})
    yield await context.new_page()
    await context.close()


async def violations(page):
    found = await Axe().run(page, options=RULES)
    return [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "language"), [("light", "ja"), ("dark", "en")])
@pytest.mark.parametrize("runs", [True, False])
async def test_nobody_is_shut_out(page, tray_of, theme, language, runs):
    look = {"shown": language, "preferences": panel.Preferences(theme=panel.Theme(theme))}
    legacy = panel.LegacyInfo(path="C:\\dvc\\.env", bots=("speaker1",), tokens=2)
    tray = tray_of(desk(**look, rehearsing=runs, legacy=legacy), session(6, kill=True) if runs else None)
    for name in PAGES:
        await page.goto(f"{tray.address}#/{name}")
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await expect(page.locator(".loading")).to_have_count(0)
        for more in await page.locator(".toggle.more").all():
            await more.click()
        assert await violations(page) == [], name
    for step in STEPS:
        known = desk(**look, wizard=panel.WizardInfo(step=step), **({"bots": ()} if step == "bots" else {}))
        await asyncio.to_thread(tray.tell, known)
        await page.goto(f"{tray.address}#/setup")
        await expect(page.locator("li button[aria-current=step]")).to_have_count(1)
        assert await violations(page) == [], step


@pytest.mark.parametrize("width", [1024, 512])  # 512 is what 200 % zoom leaves of 1024
async def test_nothing_is_cut_off_beside(page, tray_of, width):
    tray = tray_of(desk(shown="ja"), session(24))
    await page.set_viewport_size({"width": width, "height": 768})
    for name in (*PAGES, "setup"):
        await page.goto(f"{tray.address}#/{name}")
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


async def test_meters_move_25_times_a_second_and_the_page_stays_as_it_is(page, tray_of):
    """What it costs is measured by benchmark ``page``; this is why it is little: only canvases are drawn."""
    tray = tray_of(desk(), session(24))
    await page.goto(f"{tray.address}#/mixer")
    await expect(page.locator(".strip")).to_have_count(24)
    assert await page.evaluate(CHANGES, WATCHED_S) <= MOST_CHANGES * 24 * WATCHED_S


async def test_a_keyboard_is_enough(page, tray_of):
    tray = tray_of(desk(), session(4))
    await page.goto(f"{tray.address}#/mixer")
    fader = page.get_by_role("slider", name="Volume of Aoi")
    await fader.focus()
    await page.keyboard.press("ArrowLeft")
    assert (await asyncio.to_thread(tray.wait_for, "set_talker_gain"))["gain"] == pytest.approx(0.84)
    await expect(fader).to_have_attribute("aria-valuetext", "84 % (−1.5 dB)")
    await page.keyboard.press("m")
    assert (await asyncio.to_thread(tray.wait_for, "mute_talker"))["muted"] is True
    await page.keyboard.press("Control+z")
    await asyncio.to_thread(tray.wait_for, "mute_talker", lambda call: not call["muted"])
    await page.keyboard.press("k")
    assert (await asyncio.to_thread(tray.wait_for, "kill"))["active"] is True
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_tray_that_is_gone_is_said_and_found_again(page, tray_of):
    tray = tray_of(desk(), session(4))
    await page.goto(f"{tray.address}#/mixer")
    await expect(page.locator(".strip")).to_have_count(4)
    await asyncio.to_thread(tray.drop)
    banner = page.get_by_text(re.compile("A running relay goes on meanwhile"))
    await expect(banner).to_be_visible()
    await expect(page.get_by_role("button", name="Kill switch")).to_be_disabled()
    await expect(page.get_by_role("meter").first).to_have_attribute("aria-valuenow", "-60")
    await asyncio.to_thread(tray.start)
    await expect(banner).to_have_count(0, timeout=10_000)
    await expect(page.get_by_role("button", name="Kill switch")).to_be_enabled()


async def test_the_chain_names_who_stops_the_sound(page, tray_of):
    state = session(4)
    kicked = msgspec.structs.replace(state.bots[0], link=LinkState.KICKED, cause=ErrorCode.KICKED)
    tray = tray_of(desk(), msgspec.structs.replace(state, bots=(kicked, *state.bots[1:])))
    await page.goto(f"{tray.address}#/chain")
    cause = page.get_by_role("alert").filter(has_text="Somebody disconnected bot Relay team-1")
    await expect(cause).to_be_visible()
    await page.get_by_role("button", name="Send back to its channel").click()
    assert (await asyncio.to_thread(tray.wait_for, "rejoin_bot"))["bot"] == "team-1"
