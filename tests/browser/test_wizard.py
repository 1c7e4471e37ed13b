"""From nothing to a running relay, as a person does it who has never seen the program, in both languages."""

import json

import pytest
from playwright.async_api import expect

from tests.browser.looking import is_heard

pytestmark = pytest.mark.asyncio(loop_scope="module")
PASSPHRASE = "correct horse battery"
WRONG = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.nobodys-token-but-it-looks-like-one-of-them"
BOTS = ("relay-red", "relay-blue", "relay-casters")
PLACES = ("Team Red", "Team Blue", "Casters")
ROLES = ("source", "source", "destination")


async def make_passphrase(panel):
    """There is no keychain here."""
    await panel.field("secrets.passphrase").fill(PASSPHRASE)
    await panel.field("secrets.repeat").fill(f"{PASSPHRASE}?")
    await expect(panel.text("secrets.differ")).to_be_visible()
    await expect(panel.button("secrets.make")).to_be_disabled()
    await panel.field("secrets.repeat").fill(PASSPHRASE)
    await panel.button("secrets.make").click()


def token_field(panel):
    return panel.field("wizard.action.paste_token")


async def enter_first_tokens(panel, tokens):
    """A wrong one, two right ones, and one twice."""
    await expect(panel.heading("wizard.bots")).to_be_visible()
    await token_field(panel).fill(WRONG)
    await expect(
        panel.page.get_by_role("alert").get_by_text(panel.words("error.token_invalid", bot=panel.words("bot.*new*")))
    ).to_be_visible()
    await token_field(panel).fill(tokens["relay-red"])
    await expect(panel.page.get_by_role("heading", level=3, name="relay-red")).to_be_visible()
    await expect(token_field(panel)).to_have_value("")
    await token_field(panel).fill(tokens["relay-red"])
    await expect(panel.text("token.same_as", bot="relay-red")).to_be_visible()
    await token_field(panel).fill(tokens["relay-blue"])
    await expect(panel.page.get_by_role("heading", level=3, name="relay-blue")).to_be_visible()


async def leave_and_come_back(stage, panel):
    """The window is reloaded, then the tab closed, the program ended and started: all is there but the passphrase."""
    await panel.page.reload()
    await expect(panel.page.get_by_role("heading", level=3, name="relay-blue")).to_be_visible()
    await panel.page.context.close()
    stage.running.restart()
    panel = await stage.open()
    await panel.field("secrets.passphrase").fill(PASSPHRASE)
    await panel.button("secrets.open").click()
    await expect(panel.heading("wizard.bots")).to_be_visible()
    await expect(panel.page.get_by_role("heading", level=3, name="relay-red")).to_be_visible()
    return panel


async def see_proposed_channels(panel):
    """Every bot's channel stands there already, proposed by name."""
    await expect(panel.heading("wizard.channels")).to_be_visible()
    for bot, place, role in zip(BOTS, PLACES, ROLES, strict=True):
        label = panel.words("wizard.channel_of", name=bot, role=panel.words(f"role.{role}"))
        chosen = panel.page.get_by_label(label, exact=True).locator("option:checked")
        await expect(chosen).to_contain_text(place)


async def go_back_and_find_everything(panel):
    """Steps that are done can be opened; nothing is lost by that."""
    await panel.step("vault").click()
    await expect(panel.heading("wizard.vault")).to_be_visible()
    await panel.step("bots").click()
    for bot in BOTS:
        await expect(panel.page.get_by_role("heading", level=3, name=bot)).to_be_visible()
    await panel.step("channels").click()
    await see_proposed_channels(panel)


async def pass_the_check(panel):
    """Permissions are good but a user limit is worth reading, so the step waits for a person."""
    await expect(panel.heading("wizard.check")).to_be_visible()
    for place in PLACES:
        await expect(panel.page.get_by_role("listitem").filter(has_text=place)).to_be_visible()
    await panel.button("action.next").click()


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_from_nothing_to_a_running_relay(stage_in, tmp_path, language):
    report = tmp_path / "heard.json"
    stage = await stage_in(language, "--report", str(report))
    tokens = stage.running.discord["tokens"]
    panel = await stage.open()
    await expect(panel.page.locator("html")).to_have_attribute("lang", language)
    await panel.button("wizard.have_bots").click()
    await make_passphrase(panel)
    await enter_first_tokens(panel, tokens)
    panel = await leave_and_come_back(stage, panel)
    await token_field(panel).fill(tokens["relay-casters"])
    await see_proposed_channels(panel)
    await go_back_and_find_everything(panel)
    await panel.button("wizard.action.confirm_channels").click()
    await pass_the_check(panel)
    await expect(panel.heading("wizard.sound")).to_be_visible()
    witness = await stage.watch(panel)
    await panel.page.get_by_role("main").get_by_role("button", name=panel.words("wizard.action.start")).click()
    await witness.until(lambda seen: seen.state["phase"] == "running")
    await panel.button("sound.check").click()
    await expect(panel.text("sound.good")).to_be_visible(timeout=30_000)
    await panel.go("mixer")
    for person in ("RED Akari", "BLUE Alice"):
        await expect(panel.slider("mixer.gain", name=person)).to_be_visible()
    await witness.until(is_heard)
    await panel.button("action.stop").click()
    await witness.until(lambda seen: seen.state["phase"] == "idle")
    await stage.end()
    heard = json.loads(report.read_text("utf-8"))
    assert heard["listeners"]
    assert all(listener["heard"] > 0 for listener in heard["listeners"].values())
