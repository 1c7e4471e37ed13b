"""The panel's server in front of a real engine without bots, and a browser's raw requests."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import msgspec
import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.address import Address
from common.protocol.client import ControlClient
from common.protocol.messages import Meters
from common.protocol.meters import EngineMeter
from common.secret import Secret
from engine.app import Engine
from engine.control.publisher import MeterStream
from engine.control.server import ControlServer
from engine.gateway.endpoint import Endpoint
from tray.panel.bridge import Bridge
from tray.panel.messages import Desk, EngineLink, Preferences, SecretsInfo, SecretsKind, Setup, WizardInfo
from tray.panel.server import PanelServer
from tray.panel.static_files import load

TOKEN = Secret("control-token")


def knowing(**what):
    known = {
        "version": "1",
        "engine": EngineLink.READY,
        "engine_fault": None,
        "restarts": 0,
        "rehearsing": False,
        "shown": "en",
        "preferences": Preferences(),
        "secrets": SecretsInfo(SecretsKind.KEYCHAIN),
        "bots": (),
        "setup": Setup(),
        "presets": (),
        "wizard": WizardInfo(step="welcome"),
    }
    return Desk(**(known | what))


class ScriptedDesk:
    """Carries out what ``handle`` does, an async function of the command."""

    def __init__(self):
        self.known = knowing()
        self.callbacks = set()
        self.handle = None

    def desk(self):
        return self.known

    async def carry_out(self, command):
        return await self.handle(command)

    def listen(self, callback):
        self.callbacks.add(callback)
        return lambda: self.callbacks.discard(callback)

    def change(self, **what):
        self.known = knowing(**what)
        for callback in self.callbacks:
            callback()


class Engines:
    """Engines one after the other, as a supervisor has them."""

    def __init__(self, desk):
        self._desk = desk
        self._server = None
        self._client = None

    @property
    def client(self):
        if self._client is None:
            raise RelayError(ErrorCode.ENGINE_LOST)
        return self._client

    async def start(self):
        self.engine = Engine(Endpoint())
        self.meters = self.engine.meters = MeterStream(
            lambda: Meters(at_ms=1, talkers=(), sources=(), destinations=(), engine=EngineMeter()), hz=1000
        )
        self._server = ControlServer(self.engine.desk({}), TOKEN)
        self._client = await ControlClient.connect(await self._server.start(Address()), TOKEN, client="test")
        self._desk.change()

    async def lose(self):
        if self._client is None:
            return
        client, self._client = self._client, None
        await client.close()
        await self._server.close()
        await self.engine.close()
        self._desk.change(engine=EngineLink.RESTARTING)


@dataclass
class Browser:
    """Somebody with a browser, logged in or not."""

    server: PanelServer
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server.port}"

    def ask(self, path, method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, f"{self.origin}{path}", headers=self.headers | named, allow_redirects=False)

    async def log_in(self):
        async with self.session.get(self.server.login_link(), allow_redirects=False) as answer:
            self.headers = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
            return answer

    async def open(self, **headers):
        named = {name.replace("_", "-"): value for name, value in ({"Origin": self.origin} | headers).items()}
        socket = await self.session.ws_connect(f"{self.origin}/ws", headers=self.headers | named)
        return Wire(socket)


@dataclass
class Wire:
    """A page's end of the WebSocket, JSON as it is."""

    socket: aiohttp.ClientWebSocketResponse

    async def send(self, message):
        await self.socket.send_str(msgspec.json.encode(message).decode())

    async def call(self, number, command):
        await self.send({"type": "call", "id": number, "command": command})

    async def hear(self, *kinds):
        """Return the next message of these kinds; of any without kinds, ``None`` at the end."""
        async with asyncio.timeout(10):
            while True:
                message = await self.socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return None
                heard = msgspec.json.decode(message.data)
                if not kinds or heard["type"] in kinds:
                    return heard

    async def answer(self, number, command):
        await self.call(number, command)
        while True:
            heard = await self.hear("answer", "unanswered")
            if heard["id"] == number:
                return heard


@pytest.fixture
def desk():
    return ScriptedDesk()


@pytest.fixture
async def engines(desk, tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.state_folder", lambda: tmp_path)
    made = Engines(desk)
    yield made
    await made.lose()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "static"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_text("<!doctype html><title>The panel</title>", "utf-8")
    (made / "favicon.svg").write_text("<svg/>", "utf-8")
    (made / "source.sha256").write_text("x", "utf-8")
    (made / "assets" / "main-a1b2.js").write_text("export const x = 1;\n" * 100, "utf-8")
    return made


@pytest.fixture
async def panel(desk, engines, folder):
    now = [0.0]
    made = PanelServer(Bridge(desk, lambda: engines.client), load(folder), clock=lambda: now[0])
    made.now = now
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def stranger(panel):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:
        yield Browser(panel, session)


@pytest.fixture
async def browser(stranger):
    await stranger.log_in()
    return stranger
