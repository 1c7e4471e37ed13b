"""Every page and dialog under axe (WCAG 2.2 AA), in both languages and both themes, zoomed, and in a narrow window."""

import contextlib

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
LOOKS = (("en", "light"), ("ja", "dark"))
PAGES = ("mixer", "chain", "settings", "about")
STEPS = ("welcome", "vault", "bots", "invite", "channels", "check", "sound", "done", "history")
ZOOMED = {"width": 640, "height": 400}  # 1280 × 800 at 200 %
WINDOWS = ({"width": 1024, "height": 768}, ZOOMED, {"width": 320, "height": 480})
SIDEWAYS = """() => {
    const framed = element => element.getAttribute("role") === "region";
    const scrolls = element => /auto|scroll/.test(getComputedStyle(element).overflowX) && !framed(element);
    const root = document.scrollingElement;
    return [...document.querySelectorAll("body *")]
        .filter(each => each.scrollWidth > each.clientWidth + 1 && scrolls(each))
        .map(each => `${each.tagName}.${each.className}`)
        .concat(root.scrollWidth > innerWidth ? [`page ${root.scrollWidth}`] : []);
}"""
"""What has to be scrolled sideways, besides tables in a frame of their own."""


async def violations(panel):
    found = await Axe().run(panel.page, options=RULES)
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages(rehearsal, stage_in):
    """A running rehearsal, and a set-up whose every step can be opened, with a session that runs."""
    setting_up = await stage_in("en")
    panel = await setting_up.open()
    witness = await setting_up.watch(panel)
    tokens = setting_up.running.discord["tokens"]
    await witness.call(type="unlock_secrets", passphrase="correct horse battery")
    for bot, role in (("relay-red", "source"), ("relay-blue", "source"), ("relay-casters", "destination")):
        await witness.call(type="save_bot", bot=bot, role=role, token=tokens[bot])
    await panel.page.reload()
    await panel.go("setup")
    await expect(panel.button("wizard.action.confirm_channels")).to_be_visible()
    await panel.button("wizard.action.confirm_channels").click()
    await expect(panel.heading("wizard.check")).to_be_visible()
    await witness.call(type="start")
    await witness.until(lambda seen: seen.state["phase"] == "running")
    setting_up.panel, setting_up.witness = panel, witness
    return rehearsal, setting_up


async def dress(stage, language, theme):
    """Choose language and theme as the settings do."""
    preferences = stage.witness.desk["preferences"] | {"language": language, "theme": theme}
    await stage.witness.call(type="set_preferences", preferences=preferences)
    stage.panel.words = type(stage.words)(language)
    html = stage.panel.page.locator("html")
    await expect(html).to_have_attribute("lang", language)
    await expect(html).to_have_attribute("data-theme", theme)


async def open_page(panel, name):
    """Open a page and everything on it that can be opened."""
    await panel.go(name)
    if name == "mixer":
        for key, who in (("strip.more", "RED Akari"), ("mixer.tone", "Team Blue")):
            more = panel.button(key, name=who)
            if await more.get_attribute("aria-expanded") == "false":
                await more.click()
    if name == "about":
        await expect(panel.page.get_by_role("table")).to_be_visible()
    if name == "history":
        await expect(panel.page.get_by_role("main").get_by_role("heading", level=2).first).to_be_visible()


async def open_step(stage, step):
    """Open a step of the set-up, or the history, which a rehearsal has not."""
    if step == "history":
        return await open_page(stage.panel, step)
    await stage.panel.go("setup")
    await stage.witness.call(type="wizard_go", step=step)
    await expect(stage.panel.heading(f"wizard.{step}")).to_be_visible()
    if step == "channels":
        await expect(stage.panel.page.get_by_role("combobox").first).to_be_visible()
    if step == "check":
        await expect(stage.panel.button("wizard.check_again")).to_be_enabled()
    return None


@contextlib.asynccontextmanager
async def dialog(panel, key, **details):
    """Have a dialog open for a while."""
    shown = panel.page.get_by_role("dialog", name=panel.words(key, **details), exact=True)
    await expect(shown).to_be_visible()
    yield
    await panel.page.keyboard.press("Escape")
    await expect(shown).to_be_hidden()


@pytest.mark.parametrize(("language", "theme"), LOOKS)
async def test_no_page_keeps_anybody_out(stages, language, theme):
    stage, _ = stages
    await dress(stage, language, theme)
    found = {}
    for name in PAGES:
        await open_page(stage.panel, name)
        found[name] = await violations(stage.panel)
    assert found == {name: [] for name in PAGES}


@pytest.mark.parametrize(("language", "theme"), LOOKS)
async def test_no_step_of_the_set_up_keeps_anybody_out(stages, language, theme):
    _, stage = stages
    await dress(stage, language, theme)
    found = {}
    for step in STEPS:
        await open_step(stage, step)
        found[step] = await violations(stage.panel)
    assert found == {step: [] for step in STEPS}


@pytest.mark.parametrize(("language", "theme"), LOOKS)
async def test_no_dialog_keeps_anybody_out(stages, language, theme):
    stage, setting_up = stages
    for each in stages:
        await dress(each, language, theme)
    panel, found = stage.panel, {}
    await panel.go("mixer")
    await panel.page.keyboard.press("?")
    async with dialog(panel, "keys.title"):
        found["keys"] = await violations(panel)
    for phase in ("ready", "live"):
        await stage.witness.call(type="set_match", phase=phase)
    await expect(panel.page.get_by_role("button", name=panel.words("match.live"), pressed=True)).to_be_visible()
    await panel.button("action.stop").click()
    async with dialog(panel, "stop.title"):
        found["stop"] = await violations(panel)
    for phase in ("break", "idle"):
        await stage.witness.call(type="set_match", phase=phase)
    await setting_up.panel.go("settings")
    remove = setting_up.panel.button("settings.remove_bot", name="relay-red")
    await remove.click()
    async with dialog(setting_up.panel, "settings.remove_bot", name="relay-red"):
        found["remove"] = await violations(setting_up.panel)
    await expect(remove).to_be_focused()
    await setting_up.panel.go("setup")
    assert found == {"keys": [], "stop": [], "remove": []}


async def sideways(page):
    """Return what has to be scrolled sideways in any of the windows."""
    found = []
    for window in WINDOWS:
        await page.set_viewport_size(window)
        found += [(window["width"], each) for each in await page.evaluate(SIDEWAYS)]
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_nothing_has_to_be_scrolled_sideways(stages, language):
    for stage in stages:
        await dress(stage, language, "light")
    shown, setting_up = stages
    found = {}
    for name in PAGES:
        await open_page(shown.panel, name)
        found[name] = await sideways(shown.panel.page)
    for step in STEPS:
        await open_step(setting_up, step)
        found[step] = await sideways(setting_up.panel.page)
    assert {name: what for name, what in found.items() if what} == {}


async def test_zoomed_pages_keep_nobody_out_either(stages):
    stage, _ = stages
    await stage.panel.page.set_viewport_size(ZOOMED)
    found = {}
    for name in PAGES:
        await open_page(stage.panel, name)
        found[name] = await violations(stage.panel)
    assert found == {name: [] for name in PAGES}
