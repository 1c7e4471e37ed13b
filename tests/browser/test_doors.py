"""Who may not come in, tried with a real browser and by hand: only the person who followed the program's own link."""

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Error, expect

from tests.browser.conftest import REBOUND
from tests.browser.looking import origin

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRY_SOCKET = """
async (address) => {
    const socket = new WebSocket(address);
    return new Promise((tell) => {
        socket.onopen = () => tell("open");
        socket.onerror = () => tell("refused");
    });
}
"""
TRY_FETCH = """
async (address) => {
    const answer = await fetch(address, {mode: "no-cors", credentials: "include"});
    return answer.type + answer.status;
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(stage_in):
    made = await stage_in("en")
    made.panel = await made.open()
    await expect(made.panel.heading("page.setup", level=1)).to_be_visible()
    made.cookie = "; ".join(f"{each['name']}={each['value']}" for each in await made.context.cookies())
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evil():
    """Somebody else's page on this computer, the nearest that an attacker comes: same site, another port."""

    async def page(_request):
        return web.Response(text="<!doctype html><title>Free skins</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def status(address, path="/", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.get(f"{address}{path}", headers=named) as answer:
        return answer.status


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


async def test_raw_requests_are_refused(stage):
    address = origin(stage.panel.page)
    cookie = stage.cookie
    name = cookie.partition("=")[0]
    assert await status(address, Cookie=cookie) == 200
    assert await status(address) == 401
    assert await status(address, Cookie=f"{name}={'A' * 43}") == 401
    assert await status(address, "/login?k=wrong") == 401
    assert await status(address, Cookie=cookie, Host="panel.evil.example") == 421
    assert await status(address, Cookie=cookie, Host=f"evil.example:{address.rpartition(':')[2]}") == 421
    assert await status(address, Cookie=cookie, Sec_Fetch_Site="cross-site") == 403
    assert await status(address, Cookie=cookie, Sec_Fetch_Site="same-site") == 403
    assert await status(address, "/ws", Cookie=cookie, Origin="https://evil.example", **UPGRADE) == 403
    assert await status(address, "/ws", Cookie=cookie, **UPGRADE) == 403
    assert await status(address, "/ws", Origin=address, **UPGRADE) == 401


async def test_a_link_works_once(stage, chromium):
    """Whoever finds it later, in a history or over a shoulder, is told how to open the panel."""
    second = stage.running.start()
    link = stage.running.link()
    assert second.wait(15) == 0
    mine = await chromium.new_page()
    await mine.goto(link)
    await expect(mine.get_by_role("navigation")).to_be_visible()
    await mine.context.close()
    theirs = await chromium.new_page()
    answer = await theirs.goto(link)
    assert answer.status == 401
    await expect(theirs.get_by_role("navigation")).to_have_count(0)
    await expect(theirs.get_by_role("heading")).to_have_text(stage.words("panel.closed_title"))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_another_page_in_the_same_browser_gets_nothing(stage, evil, name):
    """The browser has the cookie, and would send it along from the same site."""
    address = origin(stage.panel.page)
    page = await stage.context.new_page()
    await page.goto(f"http://{evil.replace('127.0.0.1', name)}/")
    assert await page.evaluate(TRY_SOCKET, f"{address.replace('http', 'ws')}/ws") == "refused"
    with pytest.raises(Error, match="Failed to fetch"):
        await page.evaluate(TRY_FETCH, f"{address}/")
    await page.set_content(f'<iframe src="{address}/"></iframe>')
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_role("navigation")).to_have_count(0)


async def test_a_rebound_name_gets_nothing(stage):
    """A name of the attacker's that leads to this computer: a browser takes our answers for the attacker's own."""
    port = origin(stage.panel.page).rpartition(":")[2]
    page = await stage.context.new_page()
    with pytest.raises(Error, match="ERR_HTTP_RESPONSE_CODE_FAILURE"):  # 421 with nothing in it
        await page.goto(f"http://{REBOUND}:{port}/")
