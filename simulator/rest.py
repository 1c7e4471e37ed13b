"""The door of the REST API v10: who asks, how often, and Discord's form of every answer. ``routes`` does the work.

Every answer is ``application/json`` without a charset (discord.py compares exactly) and carries ``Via``: discord.py
takes a 429 without it for a ban by the front door.
"""

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator import api_errors
from simulator.api_errors import ApiError
from simulator.limits import RequestLimits, Verdict
from simulator.routes import OPEN_ROUTES, Answer, Asked, Routes
from simulator.world import Account, World

BASE = "/api/v10"

Action = Callable[[Asked], Awaitable[Answer]]


class Rest:
    """Serves the routes on an aiohttp application and counts what it refuses."""

    def __init__(self, world: World, routes: Routes, limits: RequestLimits) -> None:
        self._world = world
        self._routes = routes
        self._limits = limits
        self.invalid_requests = 0
        """Answers 401, 403 and 429 so far: Discord bans an address after 10 000 in ten minutes."""
        self.requests: dict[str, int] = {}
        """Requests so far by method and route."""

    def attach(self, app: web.Application) -> None:
        """Put every route below ``/api/v10``; anything else there is a 404 in Discord's form."""
        for (method, path), action in self._routes.table().items():
            app.router.add_route(method, BASE + path, self._handler(f"{method} {path}", action))
        app.router.add_route("*", "/api/{rest:.*}", self._handler("unknown", _not_found))

    def _handler(self, route: str, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self.requests[route] = self.requests.get(route, 0) + 1
            verdict = Verdict({})
            try:
                account = self._authenticate(request, route)
                verdict = self._limits.judge(_token(request), _bucket(route, request), request.path.removeprefix(BASE))
                if verdict.retry_after is not None:
                    raise api_errors.too_many_requests(verdict.retry_after, is_global=verdict.is_global)
                body = await action(Asked(account, dict(request.match_info), await _read_body(request)))
                return _answer(204 if body is None else 200, body, verdict.headers)
            except ApiError as error:
                return self._refuse(error, verdict)

        return handle

    def _authenticate(self, request: web.Request, route: str) -> Account:
        account = self._world.bot_with_token(_token(request))
        if account is None and route in OPEN_ROUTES:
            return _NOBODY
        if account is None:
            raise api_errors.unauthorized()
        return account

    def _refuse(self, error: ApiError, verdict: Verdict) -> web.Response:
        self.invalid_requests += error.status in (401, 403, 429)
        headers = dict(verdict.headers)
        if verdict.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(verdict.retry_after))
        return _answer(error.status, error.body, headers)


_NOBODY = Account(id=0, name="")  # type: ignore[arg-type]  # stands for a caller without a token, never stored


async def _not_found(_asked: Asked) -> Answer:
    raise ApiError(404, 0, "404: Not Found")


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bot" else ""


def _bucket(route: str, request: web.Request) -> str:
    major = request.match_info.get("guild_id") or request.match_info.get("channel_id") or ""
    return f"{route} {major}"


async def _read_body(request: web.Request) -> dict[str, Any]:
    data = await request.read()
    if not data:
        return {}
    try:
        body = json.loads(data)
    except ValueError:
        raise api_errors.invalid_json() from None
    if not isinstance(body, dict):
        raise api_errors.invalid_json()
    return body


def _answer(status: int, body: Answer, headers: dict[str, str]) -> web.Response:
    common = {"Via": "1.1 simulator"} | headers
    if body is None:
        return web.Response(status=status, headers=common)
    text = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(status=status, body=text, content_type="application/json", headers=common)
