"""A tray for the page alone: the built files under the real headers, and a WebSocket that says what a test wants.

It runs in a thread with a loop of its own, so that a browser can be driven from the test's.
"""

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from common.protocol.messages import Changed, Meters, Snapshot
from common.protocol.meters import DestinationMeter, EngineMeter, SourceMeter, TalkerMeter
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec, StripSpec
from common.protocol.state import (
    BotState,
    DestinationState,
    LinkState,
    MatchPhase,
    OutageState,
    Phase,
    Role,
    SessionState,
    SourceState,
    TalkerState,
)
from tray.panel import messages as panel
from tray.panel.server import HEADERS
from tray.panel.static_files import built_page, load

SOURCES = ("100", "101")
CASTERS = "200"
NAMES = ("Aoi", "Ren", "Haruto_JP", "結衣", "陽菜", "Sora", "Kaito", "蓮", "Mei", "Yuki", "大和", "Rin")


def encode(message: Any) -> Any:
    """Turn a message into what JSON has."""
    return msgspec.to_builtins(message)


def setup() -> panel.Setup:
    """Two teams and the casters."""
    return panel.Setup(
        guild="1",
        guild_name="春の大会 2027",
        sources=(
            SourceSpec(channel="100", bot="team-1", name="チーム レッド"),
            SourceSpec(channel="101", bot="team-2", name="Team Blue"),
        ),
        destinations=(DestinationSpec(channel="200", bot="casters-1", name="実況席"),),
    )


def bots() -> tuple[panel.BotInfo, ...]:
    roles = {"team-1": Role.SOURCE, "team-2": Role.SOURCE, "casters-1": Role.DESTINATION}
    return tuple(
        panel.BotInfo(
            bot=bot,
            role=role,
            standing=panel.TokenStanding.GOOD,
            user=str(number),
            application=str(number),
            name=f"Relay {bot}",
            invite=f"https://discord.com/oauth2/authorize?client_id={number}",
        )
        for number, (bot, role) in enumerate(roles.items(), 900)
    )


def desk(**other: Any) -> panel.Desk:
    """What a tray with a finished set-up knows."""
    values: dict[str, Any] = {
        "version": "0.1.0",
        "engine": panel.EngineLink.READY,
        "engine_fault": None,
        "restarts": 0,
        "rehearsing": False,
        "shown": "en",
        "preferences": panel.Preferences(),
        "secrets": panel.SecretsInfo(kind=panel.SecretsKind.KEYCHAIN),
        "bots": bots(),
        "setup": setup(),
        "presets": ("春の大会", "Weekly cup"),
        "wizard": panel.WizardInfo(step="done", done=("welcome", "bots", "invite", "channels", "check", "sound")),
    }
    return panel.Desk(**(values | other))


def session(talkers: int = 10, **other: Any) -> SessionState:
    """A running session with so many talkers, half of them in each team."""
    chosen = setup()
    values: dict[str, Any] = {
        "phase": Phase.RUNNING,
        "match": MatchPhase.READY,
        "spec": SessionSpec(guild="1", sources=chosen.sources, destinations=chosen.destinations),
        "bots": tuple(
            BotState(
                bot=bot.bot,
                user=bot.user,
                name=bot.name,
                role=bot.role,
                channel=channel,
                link=LinkState.CONNECTED,
                encryption=1,
            )
            for bot, channel in zip(bots(), (*SOURCES, CASTERS), strict=True)
        ),
        "talkers": tuple(
            TalkerState(
                user=str(500 + number),
                name=NAMES[number % len(NAMES)],
                source=SOURCES[number % 2],
                strip=StripSpec(gain=1.0 if number % 3 else 0.85, muted=number == 4, priority=number == 1),
            )
            for number in range(talkers)
        ),
        "sources": tuple(SourceState(source=source, solo=False) for source in SOURCES),
        "destinations": (DestinationState(destination=CASTERS, silent_until_ms=None),),
    }
    return SessionState(**(values | other))


def meters(state: SessionState, seconds: float) -> Meters:
    """Levels that move as voices do, and counters of everything going well."""

    def level(number: int) -> float:
        return round(-34 + 20 * math.sin(seconds * (2 + number % 5) + number) + 8 * math.sin(seconds * 9 + number), 1)

    count = int(seconds * 50)
    return Meters(
        at_ms=int(seconds * 1000),
        talkers=tuple(
            TalkerMeter(
                user=talker.user,
                peak_db=level(number),
                loudness_lufs=-22.0,
                levelling_db=0.0,
                talking=level(number) > -30,
                talk_ms=1000,
                delay_ms=42.0,
                target_ms=40.0,
                jitter_ms=4.0,
                loss_percent=6.2 if number == 3 else 0.1,
                concealed_percent=0.0,
                quality=99.0,
                counts={},
            )
            for number, talker in enumerate(state.talkers)
        ),
        sources=tuple(
            SourceMeter(
                source=source,
                peak_db=level(number),
                loudness_lufs=-20.0,
                received=count,
                decrypted=count,
                decoded=count,
                mixed=count,
                drops={},
            )
            for number, source in enumerate(SOURCES)
        ),
        destinations=(
            DestinationMeter(
                destination=CASTERS,
                peak_db=min(0.0, level(1) + 12),
                loudness_lufs=-18.0,
                reduction_db=-1.2,
                ducking_db=0.0,
                held_ms=0.0,
                sent=count,
                drops={},
            ),
        ),
        engine=EngineMeter(
            ticks=count, residence_p50_ms=14.2, residence_p99_ms=31.0, lateness_p50_ms=0.3, lateness_p99_ms=1.9
        ),
    )


def history() -> panel.History:
    outage = OutageState(
        bot="Relay team-1",
        cause="udp",
        started_ms=1_700_000_100_000,
        duration_ms=4200,
        actions=("reconnect",),
        recovered=True,
    )
    past = panel.PastSession(
        started_ms=1_700_000_000_000,
        ended_ms=1_700_007_400_000,
        guild_name="春の大会 2027",
        sources=("チーム レッド", "Team Blue"),
        destinations=("実況席",),
        outages=(outage,),
        restarts=1,
    )
    return panel.History(sessions=(past,))


Answering = Callable[["FakeTray", dict[str, Any]], Any]


class FakeTray:
    """Serves between ``start`` and ``close``; ``calls`` are the commands that came, oldest first."""

    def __init__(
        self, known: panel.Desk, state: SessionState | None, answers: dict[str, Answering] | None = None
    ) -> None:
        self.known = known
        self.state = state or SessionState()
        self.answers = answers or {}
        self.calls: list[dict[str, Any]] = []
        self.port = 0
        self._files = load(built_page())
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def start(self, port: int = 0) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        self._wait(self._listen(port))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def drop(self) -> None:
        """Be gone, as a tray that died."""
        self._wait(self._close())

    def close(self) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def tell(self, message: Any) -> None:
        """Send an event to every page."""
        if isinstance(message, panel.Desk):
            self.known = message
        self._wait(self._tell(encode(message)))

    def change(self, **fields: Any) -> None:
        """Change the session and tell."""
        self.state = msgspec.structs.replace(self.state, **fields)
        self.tell(Changed(revision=2, **fields))

    def wait_for(
        self, kind: str, like: Callable[[dict[str, Any]], bool] = lambda _call: True, seconds: float = 10.0
    ) -> dict[str, Any]:
        """Return the newest command of a kind that looks like it, once there is one."""
        with self._came:
            found = self._came.wait_for(
                lambda: [call for call in self.calls if call["type"] == kind and like(call)], seconds
            )
        if not found:
            raise AssertionError(f"no {kind} within {seconds} s, only {[call['type'] for call in self.calls]}")
        return found[-1]

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self, port: int) -> None:
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        app.router.add_get("/{path:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port or self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        for socket in tuple(self._sockets):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.path)
        if file is None:
            return web.Response(status=404)
        body = file.variant("").body
        return web.Response(body=body, headers={**HEADERS, "Content-Type": file.content_type})

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        self._sockets.add(socket)
        meters_task: asyncio.Task[None] | None = None
        try:
            await socket.send_json(encode(self.known))
            await socket.send_json(encode(Snapshot(revision=1, state=self.state)))
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                call = json.loads(message.data)
                if call["command"]["type"] == "subscribe_meters" and meters_task is None:
                    meters_task = asyncio.ensure_future(self._meter(socket))
                await self._answer(socket, call)
        finally:
            self._sockets.discard(socket)
            if meters_task is not None:
                meters_task.cancel()
        return socket

    async def _answer(self, socket: web.WebSocketResponse, call: dict[str, Any]) -> None:
        command = call["command"]
        make = self.answers.get(command["type"])
        payload = make(self, command) if make else None
        with self._came:
            self.calls.append(command)
            self._came.notify_all()
        if isinstance(payload, list):
            await socket.send_json({"type": "unanswered", "id": call["id"], "faults": encode(payload)})
            return
        if isinstance(payload, panel.Desk):
            self.known, payload = payload, None
            await self._tell(encode(self.known))
        answer = {"type": "answer", "id": call["id"], "payload": None if payload is None else encode(payload)}
        await socket.send_json(answer)

    async def _tell(self, message: Any) -> None:
        for socket in tuple(self._sockets):
            await socket.send_json(message)

    async def _meter(self, socket: web.WebSocketResponse) -> None:
        begin = time.monotonic()
        while True:
            if self.state.phase is not Phase.IDLE:
                await socket.send_json(encode(meters(self.state, time.monotonic() - begin)))
            await asyncio.sleep(0.04)
