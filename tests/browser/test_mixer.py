"""The mixer in a rehearsal: what a person does with hand and keyboard is what the engine does.

One show for all of them: every test leaves things as it found them, except the last, which stops it.
"""

import re
import time

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")
AKARI = "RED Akari"
TEAMS = ("Team Red", "Team Blue")


async def gain_is(witness, name, gain):
    await witness.until(lambda seen: seen.talker(name)["strip"]["gain"] == pytest.approx(gain, abs=0.001))


def peaks(witness, since):
    """Return the destinations' newest levels, none if they are older than ``since``."""
    came, meters = witness.meters[-1]
    return [each["peak_db"] for each in meters["destinations"]] if came > since else []


async def silent(witness):
    """Wait until nothing is sent to the casters that could be heard."""
    since = time.monotonic() + 0.2  # what the change has not reached yet
    await witness.until(lambda seen: (now := peaks(seen, since)) and max(now) < -90)


async def sounding(witness):
    """Wait until the casters hear somebody again."""
    since = time.monotonic()
    await witness.until(lambda seen: (now := peaks(seen, since)) and max(now) > -50)


async def test_a_fader_by_keyboard_says_percent_and_decibels(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    fader = panel.slider("mixer.gain", name=AKARI)
    await expect(fader).to_have_attribute("aria-valuetext", "100 % (0.0 dB)")
    await fader.focus()
    for _ in range(15):
        await fader.press("ArrowLeft")
    await expect(fader).to_have_attribute("aria-valuetext", "85 % (−1.4 dB)")
    await gain_is(witness, AKARI, 0.85)
    await fader.press("Home")
    await expect(fader).to_have_attribute("aria-valuetext", "0 % (−∞ dB)")
    await gain_is(witness, AKARI, 0)
    await fader.press("End")
    await expect(fader).to_have_attribute("aria-valuetext", "200 % (+6.0 dB)")
    await gain_is(witness, AKARI, 2)
    await fader.dblclick(position={"x": 20, "y": 8})
    await gain_is(witness, AKARI, 1)


async def test_a_fader_follows_the_mouse_and_a_double_click_brings_it_back(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    fader = panel.slider("mixer.gain", name="BLUE Alice")
    await fader.scroll_into_view_if_needed()
    box = await fader.bounding_box()
    middle = box["y"] + box["height"] / 2
    await panel.page.mouse.move(box["x"] + box["width"] / 2, middle)
    await panel.page.mouse.down()
    await panel.page.mouse.move(box["x"] + box["width"] * 0.25, middle, steps=10)
    await panel.page.mouse.up()
    await witness.until(lambda seen: 0.35 < seen.talker("BLUE Alice")["strip"]["gain"] < 0.6)
    await expect(fader).to_have_attribute("aria-valuetext", re.compile(r"^(4|5)\d % \(−[567]\.\d dB\)$"))
    await fader.dblclick()
    await gain_is(witness, "BLUE Alice", 1)


async def test_undo_takes_changes_back_one_after_the_other(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.button("mixer.mute", name=AKARI).click()
    await witness.until(lambda seen: seen.talker(AKARI)["strip"]["muted"])
    fader = panel.slider("mixer.gain", name="RED Haruto")
    for _ in range(5):
        await fader.press("ArrowRight")
    await gain_is(witness, "RED Haruto", 1.05)
    await panel.page.keyboard.press("Control+z")
    await gain_is(witness, "RED Haruto", 1)
    assert witness.talker(AKARI)["strip"]["muted"]
    await panel.button("action.undo").click()
    await witness.until(lambda seen: not seen.talker(AKARI)["strip"]["muted"])


async def test_a_muted_team_is_not_heard(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    for name in TEAMS:
        await panel.button("mixer.mute", name=name).click()
        await expect(panel.button("mixer.mute", name=name)).to_have_attribute("aria-pressed", "true")
    await silent(witness)
    assert all(witness.source(name)["muted"] for name in TEAMS)
    for name in TEAMS:
        await panel.button("mixer.mute", name=name).click()
    await sounding(witness)


async def test_keys_act_on_the_strip_that_has_the_focus(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.slider("mixer.gain", name="RED Mei").focus()
    for muted in (True, False):
        await panel.page.keyboard.press("m")
        await witness.until(lambda seen, muted=muted: seen.talker("RED Mei")["strip"]["muted"] is muted)
        await expect(panel.button("mixer.mute", name="RED Mei")).to_have_attribute("aria-pressed", str(muted).lower())
    assert not witness.talker(AKARI)["strip"]["muted"]


async def test_solo_is_for_the_monitor(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    monitor = panel.page.get_by_role("checkbox", name=panel.words("destination.monitor"), exact=True)
    await monitor.check()
    await witness.until(lambda seen: seen.destination()["monitor"])
    await panel.button("mixer.solo", name="RED Sora").click()
    await witness.until(lambda seen: seen.talker("RED Sora")["solo"])
    for name in TEAMS:
        await expect(panel.button("mixer.solo", name=name)).to_have_attribute("aria-pressed", "false")
    await panel.button("mixer.solo", name="RED Sora").click()
    await monitor.uncheck()
    await witness.until(lambda seen: not seen.talker("RED Sora")["solo"] and not seen.destination()["monitor"])


async def test_what_a_strip_has_more(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    strip = panel.page.get_by_role("listitem", name="BLUE Ben", exact=True)
    more = panel.button("strip.more", name="BLUE Ben")
    await more.click()
    await expect(more).to_have_attribute("aria-expanded", "true")
    for key in ("levelling", "high_pass", "priority"):
        switch = strip.get_by_role("checkbox", name=panel.words(f"strip.{key}"), exact=True)
        was = witness.talker("BLUE Ben")["strip"][key]
        await switch.set_checked(not was)
        await witness.until(lambda seen, key=key, was=was: seen.talker("BLUE Ben")["strip"][key] is not was)
        await switch.set_checked(was)
        await witness.until(lambda seen, key=key, was=was: seen.talker("BLUE Ben")["strip"][key] is was)
    for grade in ("standard", "off"):
        await strip.get_by_role("radio", name=panel.words(f"suppression.{grade}"), exact=True).check()
        await witness.until(lambda seen, grade=grade: seen.talker("BLUE Ben")["strip"]["suppression"] == grade)
    await more.click()


async def test_a_tone_preset_and_an_own_setting(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.button("mixer.tone", name="Team Red").click()
    preset = panel.page.get_by_role("combobox", name=panel.words("tone.preset"), exact=True)
    await preset.select_option(label=panel.words("preset.clear_voice"))
    await witness.until(lambda seen: seen.source("Team Red")["equalizer"] == {"low_db": -3, "mid_db": 2, "high_db": 3})
    low = panel.page.get_by_role("slider", name=f"{panel.words('tone.low')}, Team Red", exact=True)
    await expect(low).to_have_attribute("aria-valuetext", "−3 dB")
    await low.press("ArrowRight")
    await expect(low).to_have_attribute("aria-valuetext", "−2.5 dB")
    await witness.until(lambda seen: seen.source("Team Red")["equalizer"]["low_db"] == -2.5)
    await expect(preset.locator("option:checked")).to_have_text(panel.words("tone.own"))
    pan = panel.page.get_by_role("slider", name=f"{panel.words('tone.pan')}, Team Red", exact=True)
    await pan.press("ArrowLeft")
    await expect(pan).to_have_attribute("aria-valuetext", panel.words("tone.left", percent=5))
    await witness.until(lambda seen: seen.source("Team Red")["pan"] == pytest.approx(-0.05))
    await pan.dblclick()
    await preset.select_option(label=panel.words("preset.flat"))
    await witness.until(lambda seen: seen.source("Team Red")["equalizer"]["low_db"] == 0)
    await panel.button("mixer.tone", name="Team Red").click()


async def test_a_closed_route_is_not_heard(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness

    def gains(seen):
        """Both teams'; without any named route everything is open."""
        named = {each["source"]: each["gain"] for each in seen.state["spec"]["routes"]}
        return [named.get(seen.source(name)["channel"], 0 if named else 1) for name in TEAMS]

    routes = [panel.words("matrix.route", source=name, destination="Casters") for name in TEAMS]
    for route in routes:
        await panel.page.get_by_role("checkbox", name=route, exact=True).uncheck()
    await witness.until(lambda seen: gains(seen) == [0, 0])
    await silent(witness)
    for route in routes:
        await panel.page.get_by_role("checkbox", name=route, exact=True).check()
    await witness.until(lambda seen: gains(seen) == [1, 1])
    fader = panel.slider("matrix.gain", route=routes[0])
    await fader.press("ArrowLeft")
    await witness.until(lambda seen: gains(seen)[0] == pytest.approx(0.99))
    await fader.press("ArrowRight")
    await sounding(witness)


async def test_ducking_and_delay(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    ducking = panel.page.get_by_role("slider", name=f"{panel.words('destination.ducking')}, Casters", exact=True)
    was = witness.destination()["duck_db"]
    await ducking.press("ArrowRight")
    await witness.until(lambda seen: seen.destination()["duck_db"] == was + 1)
    await ducking.press("ArrowLeft")
    await witness.until(lambda seen: seen.destination()["duck_db"] == was)
    field = panel.field("destination.delay")
    await field.fill("0.5")
    await field.press("Enter")
    await witness.until(lambda seen: seen.destination()["delay_s"] == 0.5)
    await field.fill("-1")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(panel.button("action.set")).to_be_disabled()
    await field.fill("0")
    await panel.button("action.set").click()
    await witness.until(lambda seen: seen.destination()["delay_s"] == 0)


async def test_one_key_kills_the_relay_and_says_so(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await panel.page.get_by_role("main").focus()
    await panel.page.keyboard.press("k")
    await witness.until(lambda seen: seen.state["kill"])
    await silent(witness)
    await expect(panel.text("banner.kill")).to_be_visible()
    await expect(panel.button("kill.label")).to_have_attribute("aria-pressed", "true")
    await panel.page.keyboard.press("k")
    await witness.until(lambda seen: not seen.state["kill"])
    await expect(panel.text("banner.kill")).to_be_hidden()
    await sounding(witness)


async def test_levels_are_told_to_who_cannot_see_them(rehearsal):
    panel = rehearsal.panel
    meter = panel.page.get_by_role("meter", name=panel.words("mixer.level", name="Casters"), exact=True)
    await expect(meter).to_have_attribute("aria-valuetext", re.compile(r"^−\d+ dB$"))
    assert -60 <= int(await meter.get_attribute("aria-valuenow")) <= 0


async def test_a_live_match_is_stopped_only_by_who_means_it(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    match = panel.page.get_by_role("group", name=panel.words("match.label"))
    await expect(match.get_by_role("button", name=panel.words("match.live"))).to_be_disabled()
    for phase in ("ready", "live", "break", "live"):
        await match.get_by_role("button", name=panel.words(f"match.{phase}"), exact=True).click()
        await witness.until(lambda seen, phase=phase: seen.state["match"] == phase)
    await expect(panel.page.get_by_role("banner").get_by_text(panel.words("phase.live"), exact=True)).to_be_visible()
    await panel.button("action.stop").click()
    dialog = panel.page.get_by_role("dialog", name=panel.words("stop.title"))
    await dialog.get_by_role("button", name=panel.words("action.cancel")).click()
    await expect(dialog).to_be_hidden()
    assert witness.state["phase"] == "running"
    await panel.button("action.stop").click()
    await dialog.get_by_role("button", name=panel.words("action.stop"), exact=True).click()
    await witness.until(lambda seen: seen.state["phase"] == "idle")
