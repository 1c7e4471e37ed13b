"""The panel's address: 127.0.0.1, a random port, and nobody gets anything without a cookie.

Who may come in is decided in :mod:`tray.panel.auth`, what they talk about in :mod:`tray.panel.bridge`.
"""

import html
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from common.protocol.address import LOOPBACK
from common.sentences import DEFAULT_LANGUAGE, LANGUAGES, templates
from tray.panel import auth
from tray.panel.auth import Asked, Refusal
from tray.panel.bridge import CLOSE_SECONDS, Bridge
from tray.panel.static_files import PAGE, StaticFile

SOCKET: Final = "/ws"
LOGIN: Final = "/login"

MOST_HEADER_BYTES: Final = 1 << 15
"""Longest header. A browser that is never closed sends a cookie for every port the panel ever had, up to some 200."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NOTICE: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


log = logging.getLogger(__name__)


def _without_what_was_said(record: logging.LogRecord) -> bool:
    """Keep a request that could not be read out of the log: aiohttp quotes it, and its cookie may be ours."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.exc_info = None
    return True


log.addFilter(_without_what_was_said)


class PanelServer:
    """Serves the built page and its WebSocket. ``clock`` is in seconds. Belongs to one event loop."""

    def __init__(
        self, bridge: Bridge, files: Mapping[str, StaticFile], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.port = 0
        """Where it listens; 0 until :meth:`start`."""
        self._bridge = bridge
        self._files = files
        self._clock = clock
        self._links = auth.login_links()
        self._cookies = auth.cookies()
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            logger=log,
            max_field_size=MOST_HEADER_BYTES,
            shutdown_timeout=CLOSE_SECONDS,
        )

    async def start(self) -> None:
        """Listen on a free port; raises OSError when there is none."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, LOOPBACK, 0).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._bridge.start()

    async def close(self) -> None:
        """Say goodbye to every page, stop listening."""
        await self._bridge.close()
        await self._runner.cleanup()

    def login_link(self) -> str:
        """Return an address that opens the panel once, within a minute; for the browser only, never for a log."""
        return f"http://{LOOPBACK}:{self.port}{LOGIN}?k={self._links.issue(self._clock()).reveal()}"

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get(LOGIN, self._login, allow_head=False)
        app.router.add_get(SOCKET, self._socket, allow_head=False)
        app.router.add_get("/{path:.*}", self._file)
        app.on_response_prepare.append(_add_headers)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let a request through to its handler only if it is ours, also to those of wrong paths and methods."""
        refused = auth.refusal(_asked(request), self.port)
        if refused is not None:
            return _refused(refused, request)
        logging_in = request.method == "GET" and request.path == LOGIN
        if not logging_in and not self._known(request):
            return _refused(Refusal.NO_COOKIE, request)
        return await handler(request)

    def _known(self, request: web.Request) -> bool:
        return self._cookies.valid(request.cookies.get(auth.cookie_name(self.port), ""), self._clock())

    async def _login(self, request: web.Request) -> web.StreamResponse:
        """Exchange a link for a cookie; a browser that only looks ahead does not use the link up."""
        if "Sec-Purpose" in request.headers:
            return web.Response(status=503)
        now = self._clock()
        if not self._links.redeem(request.query.get("k", ""), now):
            return _to_page() if self._known(request) else _refused(Refusal.NO_COOKIE, request)
        response = _to_page()
        cookie = self._cookies.issue(now).reveal()
        response.set_cookie(auth.cookie_name(self.port), cookie, httponly=True, samesite="Strict", path="/")
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=426, headers={"Upgrade": "websocket"})
        return await self._bridge.serve(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._files.get(request.path)
        if file is None:
            return web.Response(status=404)
        variant = file.variant(request.headers.get("Accept-Encoding", ""))
        headers = {"ETag": f'"{variant.tag}"', "Cache-Control": file.caching, "Vary": "Accept-Encoding"}
        if any(each.value in {variant.tag, "*"} for each in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        if variant.encoding is not None:
            headers["Content-Encoding"] = variant.encoding
        return web.Response(body=variant.body, headers={**headers, "Content-Type": file.content_type})


def _to_page() -> web.Response:
    return web.Response(status=303, headers={"Location": PAGE})


def _asked(request: web.Request) -> Asked:
    return Asked(
        method=request.method,
        hosts=tuple(request.headers.getall("Host", ())),
        origins=tuple(request.headers.getall("Origin", ())),
        sites=tuple(request.headers.getall("Sec-Fetch-Site", ())),
        socket=request.path == SOCKET or "Upgrade" in request.headers,
    )


def _refused(refused: Refusal, request: web.Request) -> web.Response:
    """Say no; to a person whose cookie has expired, or who came by a link on another page, how to open the panel."""
    if refused is Refusal.MISDIRECTED:
        return web.Response(status=refused)
    text = notice(request.headers.get("Accept-Language", ""))
    return web.Response(status=refused, text=text, content_type="text/html", charset="utf-8")


def notice(languages: str) -> str:
    """Return the page that says how to open the panel, in the first of these languages (Accept-Language) we speak."""
    wanted = (each.partition(";")[0].strip().lower()[:2] for each in languages.split(","))
    language = next((each for each in wanted if each in LANGUAGES), DEFAULT_LANGUAGE)
    known = templates(language)
    title, text = html.escape(known["panel.closed_title"]), html.escape(known["panel.closed"])
    return _NOTICE.format(language=language, title=title, text=text)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.pop("Server", None)
