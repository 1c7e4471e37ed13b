"""Nobody needs a mouse: everything is reached by Tab, seen there, and operated by keys."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGES = ("mixer", "chain", "setup", "settings", "history", "about")
OPERABLE = """() => {
    const groups = new Set();
    let number = 0;
    for (const each of document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")) {
        if (each.disabled || !each.checkVisibility({visibilityProperty: true})) continue;
        if (each.type === "radio") {  // of a group, one is reached by Tab, the others by arrows
            if (groups.has(each.name)) continue;
            groups.add(each.name);
        }
        number += 1;
    }
    return number;
}"""
"""How many things can be operated."""
FOCUSED = """() => {
    const at = document.activeElement;
    if (at === document.body) return null;
    const drawn = [at, at.nextElementSibling].filter(each => each).map(each => getComputedStyle(each));
    const box = at.getBoundingClientRect();
    const middle = [box.x + box.width / 2, box.y + box.height / 2];
    const top = document.elementFromPoint(...middle);
    return {
        what: `${at.tagName} ${at.getAttribute("aria-label") ?? at.textContent.trim().slice(0, 40) ?? ""} ${at.id}`,
        ring: drawn.some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
        covered: !top || !(at.contains(top) || top.contains(at)),
    };
}"""
"""What has the focus, whether one sees that, and whether something lies over it."""


async def walk(page, key="Tab"):
    """Go through the page once; returns every stop."""
    stops = []
    await page.evaluate("document.activeElement.blur(), getSelection().removeAllRanges()")
    while len(stops) < 400:
        await page.keyboard.press(key)
        stop = await page.evaluate(FOCUSED)
        if stop is None or (stops and stop["what"] == stops[0]["what"]):
            return stops
        stops.append(stop)
    raise AssertionError("Tab goes round without an end")


@pytest.mark.parametrize("name", PAGES)
async def test_tab_reaches_everything_and_shows_where_it_is(rehearsal, name):
    panel = rehearsal.panel
    await panel.go(name)
    await panel.page.reload()  # so that Tab begins at the top
    await expect(panel.heading(f"page.{name}", level=1)).to_be_attached()
    await rehearsal.witness.until(lambda seen: seen.meters)
    stops = await walk(panel.page)
    assert len(stops) >= await panel.page.evaluate(OPERABLE)
    assert [stop["what"] for stop in stops if not stop["ring"]] == []
    assert [stop["what"] for stop in stops if stop["covered"]] == []


async def test_the_first_stop_leads_past_the_pages_of_the_panel(rehearsal):
    panel = rehearsal.panel
    await panel.page.reload()
    await expect(panel.page.get_by_role("navigation")).to_be_visible()
    await panel.page.keyboard.press("Tab")
    skip = panel.page.get_by_role("link", name=panel.words("nav.skip"))
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await panel.page.keyboard.press("Enter")
    await expect(panel.page.get_by_role("main")).to_be_focused()


async def test_digits_open_pages_and_reading_begins_there(rehearsal):
    panel = rehearsal.panel
    for digit, name in enumerate(PAGES, 1):
        await panel.page.keyboard.press(str(digit))
        await expect(panel.heading(f"page.{name}", level=1)).to_be_focused()


async def test_a_dialog_keeps_the_focus_and_gives_it_back(rehearsal):
    panel = rehearsal.panel
    opener = panel.page.get_by_role("navigation").get_by_role("button", name=panel.words("keys.title"))
    await opener.focus()
    await panel.page.keyboard.press("Enter")
    sheet = panel.page.get_by_role("dialog", name=panel.words("keys.title"))
    await expect(sheet).to_be_visible()
    for _ in range(4):
        await panel.page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert await panel.page.evaluate(inside)
    await panel.page.keyboard.press("k")
    await panel.page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await expect(opener).to_be_focused()
    assert not rehearsal.witness.state["kill"], "a key that is typed into a question must not kill the relay"


async def test_choices_follow_the_arrows(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.go("settings")
    system = panel.page.get_by_role("radio", name=panel.words("settings.theme_light"), exact=True)
    await system.check()
    await witness.until(lambda seen: seen.desk["preferences"]["theme"] == "light")
    await panel.page.keyboard.press("ArrowRight")
    await witness.until(lambda seen: seen.desk["preferences"]["theme"] == "dark")
    await expect(panel.page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_single_keys_can_be_switched_off_and_are_text_in_a_field(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.go("settings")
    field = panel.field("settings.preset_name")
    await field.press_sequentially("km1?")
    await expect(field).to_have_value("km1?")
    switch = panel.page.get_by_role("checkbox", name=panel.words("settings.keys"), exact=True)
    await switch.uncheck()
    await switch.press("k")
    await panel.page.keyboard.press("1")
    await expect(panel.heading("page.settings", level=1)).to_be_visible()
    await switch.check()
    await switch.press("1")
    await expect(panel.heading("page.mixer", level=1)).to_be_focused()
    assert not witness.state["kill"]
