"""Meters flow while somebody wants them, whatever becomes of pages and engines."""

import asyncio

from common.protocol.messages import SetMatch
from common.protocol.state import MatchPhase


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nothing tells when the engine has taken it in
            await asyncio.sleep(0.005)


async def test_every_page_sees_what_one_of_them_did_before_that_one_gets_its_answer(browser, engines):
    await engines.start()
    pages = [await browser.open() for _ in range(2)]
    for page in pages:
        assert [(await page.hear())["type"] for _ in range(2)] == ["desk", "snapshot"]
    await pages[0].call(1, {"type": "set_match", "phase": "ready"})
    assert [(await pages[0].hear())["type"] for _ in range(2)] == ["changed", "answer"]
    assert (await pages[1].hear())["match"] == "ready"


async def test_a_page_that_comes_later_gets_the_state_as_it_is_now(browser, engines):
    await engines.start()
    await (await browser.open()).hear("snapshot")
    await engines.client.call(SetMatch(phase=MatchPhase.READY))
    late = await (await browser.open()).hear("snapshot")
    assert late["state"]["match"] == "ready"
    assert late["revision"] >= 1


async def test_meters_go_to_those_who_want_them_and_are_made_while_somebody_does(browser, engines):
    await engines.start()
    wanting, other = await browser.open(), await browser.open()
    assert not engines.meters.running
    assert (await wanting.answer(1, {"type": "subscribe_meters", "active": True}))["type"] == "answer"
    assert (await wanting.hear("meters"))["at_ms"] == 1
    await other.call(1, {"type": "ping"})
    assert [(await other.hear())["type"] for _ in range(3)] == ["desk", "snapshot", "answer"]
    await wanting.answer(2, {"type": "subscribe_meters", "active": False})
    assert not engines.meters.running


async def test_meters_stay_while_one_of_several_wants_them_and_end_with_the_last_page(browser, engines):
    await engines.start()
    pages = [await browser.open() for _ in range(2)]
    for page in pages:
        await page.answer(1, {"type": "subscribe_meters", "active": True})
    await pages[0].answer(2, {"type": "subscribe_meters", "active": False})
    assert engines.meters.running
    await pages[1].socket.close()
    await until(lambda: not engines.meters.running)


async def test_who_wanted_meters_gets_them_of_the_next_engine_too(browser, engines):
    page = await browser.open()
    assert (await page.answer(1, {"type": "subscribe_meters", "active": True}))["type"] == "answer"
    for _ in range(2):
        await engines.start()
        assert (await page.hear("snapshot", "meters"))["type"] == "snapshot"
        assert (await page.hear("meters"))["at_ms"] == 1
        await engines.lose()
        await page.answer(2, {"type": "ping"})
