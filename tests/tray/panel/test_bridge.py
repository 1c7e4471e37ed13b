"""Pages come and go, engines too, and neither takes the other along."""

import asyncio

import aiohttp
import pytest

from tray.panel import bridge


async def test_a_page_too_many_is_sent_away_and_its_place_is_free_again_afterwards(browser, monkeypatch):
    monkeypatch.setattr(bridge, "MOST_PAGES", 1)
    first = await browser.open()
    assert (await first.hear())["type"] == "desk"
    second = await browser.open()
    assert await second.hear() is None
    assert second.socket.close_code == aiohttp.WSCloseCode.TRY_AGAIN_LATER
    await first.socket.close()
    async with asyncio.timeout(10):
        while browser.server._bridge.pages:  # noqa: ASYNC110 - the other end notices by itself
            await asyncio.sleep(0)
    third = await browser.open()
    assert (await third.hear())["type"] == "desk"


async def test_the_end_of_the_program_is_told_to_every_page(browser, desk):
    pages = [await browser.open() for _ in range(3)]
    for page in pages:
        await page.hear("desk")
    closing = asyncio.ensure_future(browser.server.close())
    for page in pages:
        assert await page.hear() is None
        assert page.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
    await closing
    assert desk.callbacks == set()


async def test_a_page_stays_while_engines_come_and_go(browser, engines):
    page = await browser.open()
    assert (await page.hear())["type"] == "desk"
    assert (await page.answer(1, {"type": "ping"}))["faults"] == [{"code": "engine_lost", "details": {}}]
    for number in (2, 4):
        await engines.start()
        assert (await page.hear("snapshot"))["state"]["match"] == "idle"
        assert (await page.answer(number, {"type": "set_match", "phase": "ready"}))["type"] == "answer"
        await engines.lose()
        assert (await page.hear("desk"))["engine"] in {"ready", "restarting"}
        assert (await page.answer(number + 1, {"type": "ping"}))["faults"][0]["code"] == "engine_lost"
    assert not page.socket.closed


async def test_a_page_that_opens_while_no_engine_is_there_gets_no_invented_state(browser, engines):
    await engines.start()
    await engines.lose()
    page = await browser.open()
    assert (await page.hear())["type"] == "desk"
    assert (await page.answer(1, {"type": "get_snapshot"}))["type"] == "unanswered"
    await engines.start()
    assert (await page.hear("snapshot", "changed"))["type"] == "snapshot"


@pytest.mark.parametrize("command", ["shutdown", "start_session", "set_token"])
async def test_what_is_not_a_page_s_business_is_refused(browser, engines, command):
    await engines.start()
    page = await browser.open()
    fields = {
        "start_session": {"spec": {"guild": "1", "sources": [], "destinations": []}},
        "set_token": {"bot": "A", "token": "x"},
    }
    refused = await page.answer(1, {"type": command, **fields.get(command, {})})
    assert refused["faults"] == [
        {"code": "protocol_malformed", "details": {"path": "$.command.type", "reason": "not for pages"}}
    ]
    assert (await page.answer(2, {"type": "ping"}))["payload"]["type"] == "pong"


async def test_nothing_is_compressed_on_the_way_to_this_computer_s_own_browser(browser):
    page = await browser.session.ws_connect(
        f"{browser.origin}/ws", headers={**browser.headers, "Origin": browser.origin}, compress=15
    )
    assert page.compress == 0
    await page.close()


async def test_a_page_that_went_to_sleep_is_noticed(browser, monkeypatch):
    monkeypatch.setattr(bridge, "HEARTBEAT_SECONDS", 0.02)
    deaf = await browser.session.ws_connect(
        f"{browser.origin}/ws", headers={**browser.headers, "Origin": browser.origin}, autoping=False
    )
    assert (await deaf.receive()).type is aiohttp.WSMsgType.TEXT
    async with asyncio.timeout(10):
        while browser.server._bridge.pages:  # noqa: ASYNC110 - the server notices by itself
            await asyncio.sleep(0.005)
