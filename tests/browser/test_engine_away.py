"""The engine is killed in the middle of a match: the page says so and has everything back within five seconds."""

import time

import psutil
import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")
AKARI = "RED Akari"
BACK_SECONDS = 5.0
NOTE = """
(text) => {
    window.noted = false;
    const look = () => { window.noted ||= document.body.innerText.includes(text); };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""
"""Notes whether a text was ever shown: it may be short, and a locator looks only now and then."""
SMOOTH = """
() => document.getAnimations()
    .filter(each => each.effect.getKeyframes().some(frame => !/^steps/.test(frame.easing)))
    .length
"""
"""How many things move smoothly."""


def engine_of(tray):
    """Find the engine among the tray's processes."""
    children = psutil.Process(tray.pid).children(recursive=True)
    return next(each for each in children if "engine" in each.cmdline())


async def go_live(panel, witness):
    match = panel.page.get_by_role("group", name=panel.words("match.label"))
    for phase in ("ready", "live"):
        await match.get_by_role("button", name=panel.words(f"match.{phase}"), exact=True).click()
        await witness.until(lambda seen, phase=phase: seen.state["match"] == phase)


async def set_faders(panel, witness):
    """Give a volume, a mute and a team's volume."""
    for _ in range(20):
        await panel.slider("mixer.gain", name=AKARI).press("ArrowLeft")
    await panel.button("mixer.mute", name="RED Haruto").click()
    for _ in range(10):
        await panel.slider("mixer.gain", name="Team Blue").press("ArrowRight")
    await witness.until(as_set)


def as_set(seen):
    akari, haruto = seen.talker(AKARI), seen.talker("RED Haruto")
    return (
        bool(akari and haruto)
        and akari["strip"]["gain"] == pytest.approx(0.8)
        and haruto["strip"]["muted"]
        and seen.source("Team Blue")["gain"] == pytest.approx(1.1)
    )


def ticks(meters):
    return meters["engine"]["ticks"]


def next_sound(seen, ticked):
    """Return when the next engine's sound first reached a destination: it has not ticked as often as the last one."""
    fresh = ((came, meters) for came, meters in seen.meters if ticks(meters) < ticked)
    return next((came for came, meters in fresh if any(each["peak_db"] > -60 for each in meters["destinations"])), None)


async def test_everything_is_back_within_five_seconds(rehearsal):
    panel, witness = rehearsal.panel, rehearsal.witness
    await set_faders(panel, witness)
    await go_live(panel, witness)
    await witness.until(lambda seen: ticks(seen.meters[-1][1]) > 500)  # more than the next one has at its first sound
    ticked = ticks(witness.meters[-1][1])
    witness.meters.clear()
    await panel.page.evaluate(NOTE, panel.words("banner.engine_restarting"))
    engine_of(rehearsal.running.process).kill()
    killed = time.monotonic()
    back = await witness.until(lambda seen: next_sound(seen, ticked))
    assert back - killed < BACK_SECONDS
    assert await panel.page.evaluate("window.noted")
    assert witness.state["match"] == "live"
    await witness.until(as_set)
    assert witness.desk["restarts"] == 1
    await expect(panel.text("banner.engine_restarting")).to_be_hidden()
    await expect(panel.slider("mixer.gain", name=AKARI)).to_have_attribute("aria-valuetext", "80 % (−1.9 dB)")
    await expect(panel.button("mixer.mute", name="RED Haruto")).to_have_attribute("aria-pressed", "true")
    await expect(panel.slider("mixer.gain", name="Team Blue")).to_have_attribute("aria-valuetext", "110 % (+0.8 dB)")
    live = panel.page.get_by_role("group", name=panel.words("match.label")).get_by_role("button", pressed=True)
    await expect(live).to_have_text(panel.words("match.live"))
    await expect(panel.page.get_by_role("alert").get_by_role("paragraph")).to_have_count(0)


async def test_a_page_without_its_program_says_so(rehearsal):
    """It says what goes on and what to do; the wheel beside it moves in steps for those whom motion makes ill."""
    panel = rehearsal.panel
    rehearsal.running.process.kill()
    await expect(panel.text("banner.tray_away")).to_be_visible()
    assert await panel.page.evaluate(SMOOTH) > 0
    await panel.page.emulate_media(reduced_motion="reduce")
    assert await panel.page.evaluate(SMOOTH) == 0
