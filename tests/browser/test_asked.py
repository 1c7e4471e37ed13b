"""What the tray's menu asks about first is asked by the page that it opens."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(rehearsal, what):
    panel = rehearsal.panel
    await panel.page.evaluate("what => { location.hash = `#/mixer?ask=${what}` }", what)
    dialog = panel.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return panel, dialog


async def test_quitting_on_air_is_asked_once_and_can_be_taken_back(rehearsal):
    panel, dialog = await asked(rehearsal, "quit")
    await expect(dialog.get_by_role("heading", name=panel.words("quit.title"))).to_be_visible()
    await expect(dialog).to_contain_text(panel.words("quit.running"))
    await dialog.get_by_role("button", name=panel.words("action.cancel")).click()
    await expect(dialog).to_have_count(0)
    assert panel.page.url.endswith("#/mixer")
    assert rehearsal.witness.state["phase"] == "running"


async def test_stopping_is_asked_and_done(rehearsal):
    panel, dialog = await asked(rehearsal, "stop")
    await dialog.get_by_role("button", name=panel.words("action.stop")).click()
    await rehearsal.witness.until(lambda seen: seen.state["phase"] == "idle")
    await expect(dialog).to_have_count(0)
