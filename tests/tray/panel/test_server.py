"""The panel's door as a browser meets it, and as somebody else's page would have a browser knock."""

import asyncio
import gzip
import os

import aiohttp
import psutil
import pytest

from tray.panel import auth
from tray.panel.server import HEADERS, notice

PATHS = ["/", "/login", "/ws", "/favicon.ico", "/favicon.svg", "/assets/main-a1b2.js", "/nowhere", "/%2e%2e/secret"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"]


def assert_guarded(answer):
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Cache-Control" in answer.headers
    assert "Server" not in answer.headers


async def raw(server, text):
    """Say exactly this and return the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(text.replace("\n", "\r\n").encode())
    try:
        async with asyncio.timeout(10):
            return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
async def test_without_a_cookie_nobody_gets_anything(stranger, path, method):
    async with stranger.ask(path, method) as answer:
        assert answer.status in {401, 403}
        assert_guarded(answer)
    async with stranger.ask(path, method, Origin=stranger.origin) as answer:
        assert answer.status == 401
        assert_guarded(answer)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
async def test_every_answer_carries_the_headers(browser, path, method):
    async with browser.ask(path, method, Origin=browser.origin) as answer:
        assert answer.status in {200, 303, 401, 404, 405, 426}
        assert_guarded(answer)


async def test_nothing_else_than_this_computer_is_listened_on(panel):
    listening = [
        each.laddr
        for each in psutil.Process(os.getpid()).net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == panel.port
    ]
    assert [each.ip for each in listening] == ["127.0.0.1"]


async def test_a_link_opens_the_panel_once(stranger):
    link = stranger.server.login_link()
    for expected in ("/", None):
        async with stranger.session.get(link, allow_redirects=False) as answer:
            assert answer.headers.get("Location") == expected
            assert_guarded(answer)
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


async def test_a_cookie_is_for_the_browser_s_own_eyes_and_for_this_port(stranger):
    answer = await stranger.log_in()
    name, *rest = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith(f"{auth.cookie_name(stranger.server.port)}=")
    assert set(rest) == {"HttpOnly", "Path=/", "SameSite=Strict"}


async def test_a_used_link_leads_who_is_logged_in_to_the_page(stranger):
    link = stranger.server.login_link()
    await stranger.session.get(link, allow_redirects=False)
    await stranger.log_in()
    async with stranger.session.get(link, headers=stranger.headers, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")


async def test_a_link_that_is_too_old_opens_nothing(stranger):
    link = stranger.server.login_link()
    stranger.server.now[0] += auth.LINK_SECONDS
    async with stranger.session.get(link, allow_redirects=False) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch"}),
        ("GET", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", {"Host": "evil.example"}),
    ],
)
async def test_who_may_not_follow_a_link_does_not_use_it_up(stranger, method, headers):
    link = stranger.server.login_link()
    async with stranger.session.request(method, link, headers=headers, allow_redirects=False) as answer:
        assert answer.status in {401, 403, 421, 503}
        assert "Set-Cookie" not in answer.headers
    async with stranger.session.get(link, allow_redirects=False) as answer:
        assert answer.status == 303


@pytest.mark.parametrize("path", ["/", "/assets/main-a1b2.js", "/ws", "/nowhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_a_cookie_does_not_help_somebody_else_s_page(browser, path, headers, status):
    async with browser.ask(path, **headers) as answer:
        assert answer.status == status
        assert await answer.text() == ("" if status == 421 else notice(""))
        assert_guarded(answer)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.open(**headers)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "cookie", ["", "x", "dvc-panel-1=x", "{name}=", "{name}=wrong", "{name}={half}", "other={whole}"]
)
async def test_a_wrong_cookie_is_none(browser, cookie):
    name, _, value = browser.headers["Cookie"].partition("=")
    wrong = cookie.format(name=name, half=value[:20], whole=value)
    async with browser.ask("/", Cookie=wrong) as answer:
        assert answer.status == 401
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.open(Cookie=wrong)
    assert refused.value.status == 401


async def test_a_socket_without_an_origin_is_refused(browser):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.session.ws_connect(f"{browser.origin}/ws", headers=browser.headers)
    assert refused.value.status == 403


async def test_an_expired_cookie_gets_a_page_that_says_what_to_do(browser):
    browser.server.now[0] += auth.COOKIE_SECONDS
    async with browser.ask("/", Accept_Language="ja,en;q=0.8") as answer:
        assert answer.status == 401
        assert answer.content_type == "text/html"
        assert "トレイアイコン" in await answer.text()


@pytest.mark.parametrize(
    ("languages", "language"), [("", "en"), ("fr-FR, ja;q=0.9", "ja"), ("en-GB,ja", "en"), ("xx", "en"), ("JA", "ja")]
)
def test_the_notice_speaks_the_reader_s_language(languages, language):
    page = notice(languages)
    assert f'<html lang="{language}">' in page
    assert "<script" not in page
    assert "style" not in page


async def test_the_page_and_its_assets_are_served(browser):
    async with browser.ask("/") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "The panel" in await answer.text()
    async with browser.ask("/favicon.ico") as answer:
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")


async def test_an_asset_is_compressed_and_kept(browser):
    path = "/assets/main-a1b2.js"
    async with browser.ask(path, Accept_Encoding="identity") as answer:
        plain = await answer.read()
    async with browser.ask(path, Accept_Encoding="gzip") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        assert gzip.decompress(await answer.read()) == plain
        tag = answer.headers["ETag"]
    async with browser.ask(path, Accept_Encoding="gzip", If_None_Match=f'"x", {tag}') as answer:
        assert (answer.status, await answer.read()) == (304, b"")
        assert_guarded(answer)
    async with browser.ask(path, Accept_Encoding="identity", If_None_Match=tag) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/../static_files.py", "/assets/../index.html", "//etc/passwd", "/source.sha256", "/%00"]
)
async def test_no_path_leads_to_another_file(browser, path):
    head = f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{browser.server.port}\nCookie: {browser.headers['Cookie']}\n"
    answer = await raw(browser.server, f"{head}Connection: close\n\n")
    assert answer.startswith("HTTP/1.1 404")


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0\n",
        "GET / HTTP/1.1\nHost: 127.0.0.1:{port}\nHost: 127.0.0.1:{port}\n",
        "GET http://127.0.0.1:{port}/ HTTP/1.1\nHost: evil.example\n",
        "GET http://evil.example/ HTTP/1.1\nHost: evil.example:{port}\n",
        "OPTIONS * HTTP/1.1\nHost: evil.example\n",
        "CONNECT evil.example:80 HTTP/1.1\nHost: evil.example\n",
        "POST / HTTP/1.1\nHost: 127.0.0.1:{port}\nContent-Length: 2\n",
        "POST / HTTP/1.1\nHost: 127.0.0.1:{port}\nExpect: nonsense\nContent-Length: 2\n",
        "noise\n",
    ],
)
async def test_odd_requests_get_nothing_even_with_a_cookie(browser, head):
    spoken = head.format(port=browser.server.port)
    answer = await raw(browser.server, f"{spoken}Cookie: {browser.headers['Cookie']}\nConnection: close\n\nxx")
    status = int(answer.split(" ")[1])
    assert status in {400, 403, 404, 417, 421}
    assert "The panel" not in answer
    assert status == 400 or "frame-ancestors 'none'" in answer


async def test_a_browser_too_many_logs_the_first_one_out(stranger):
    await stranger.log_in()
    first = dict(stranger.headers)
    for _ in range(auth.MOST_COOKIES):
        await stranger.log_in()
    async with stranger.ask("/") as answer:
        assert answer.status == 200
    async with stranger.ask("/", **first) as answer:
        assert answer.status == 401


async def test_ws_without_a_websocket_says_what_it_is_for(browser):
    async with browser.ask("/ws", Origin=browser.origin) as answer:
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")


async def test_the_cookies_of_earlier_starts_do_not_lock_a_browser_out(browser):
    earlier = "; ".join(f"{auth.cookie_name(50000 + number)}={'x' * 43}" for number in range(200))
    async with browser.ask("/", Cookie=f"{earlier}; {browser.headers['Cookie']}") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("head", ["GET / HTTP/1.1\nHost: x\nCookie: {cookie}{padding}\n", "GET / HTTP/1.1\n{cookie}\n"])
async def test_a_request_that_can_not_be_read_leaves_no_cookie_in_the_log(browser, caplog, head):
    cookie = browser.headers["Cookie"]
    answer = await raw(browser.server, head.format(cookie=cookie, padding="x" * (1 << 16)) + "\n")
    assert answer.startswith("HTTP/1.0 400")
    assert "Error handling request" in caplog.text
    assert cookie.partition("=")[2][:12] not in caplog.text
