"""The tray's loop with a real panel and a real engine; the icon is a port that notes what it is shown."""

import asyncio
import threading

import pytest

from common.config.schema import Config, Language
from common.errors import ErrorCode
from common.protocol.messages import MuteTalker
from common.sentences import error_sentence
from tests.tray.desks import make_desk
from tray.app import App
from tray.face import Face
from tray.menu import OpenPanel, Quit, flat
from tray.panel.messages import Preferences, SetPreferences, StartRehearsal
from tray.restart_policy import EngineLink
from tray.single_instance import SingleInstance


class Port:
    """Notes what would be shown; ``news`` is set from the loop's thread."""

    def __init__(self):
        self.face, self.title, self.menu, self.said = None, "", (), []
        self.news = asyncio.Event()

    def update(self, face, title, menu):
        self.face, self.title, self.menu = face, title, menu
        self.news.set()

    def notify(self, _title, text):
        self.said.append(text)
        self.news.set()

    async def until(self, holds):
        async with asyncio.timeout(20):
            while not holds():
                self.news.clear()
                await self.news.wait()


class Computer:
    def __init__(self, folder):
        self.port, self.opened = Port(), []
        self.came = threading.Event()
        desk = make_desk(folder, config=Config(language=Language.JA, notifications=False))
        instance = SingleInstance(folder)
        assert instance.acquire()
        self.app = App(desk, self.port, instance, browse=self.browse)

    def browse(self, link):
        self.opened.append(link)
        self.came.set()

    async def browsed(self):
        assert await asyncio.to_thread(self.came.wait, 10)
        self.came.clear()
        return self.opened[-1]


@pytest.fixture
async def computer(tmp_path, monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    made = Computer(tmp_path)
    running = asyncio.ensure_future(made.app.run(open_panel=False))
    await made.port.until(lambda: made.app.desk.engines.link is EngineLink.READY and made.port.face is Face.IDLE)
    yield made
    made.app.begin_end()
    await asyncio.wait_for(running, 20)


async def test_icon_and_menu_follow_and_speak_the_language_in_force(computer):
    texts = [item.text for item in flat(computer.port.menu)]
    assert "パネルを開く" in texts
    computer.app.do(SetPreferences(preferences=Preferences(language=Language.EN, notifications=False)))
    await computer.port.until(lambda: "Open panel" in [item.text for item in flat(computer.port.menu)])


async def test_a_rehearsal_from_the_menu(computer):
    computer.app.do(StartRehearsal())
    await computer.port.until(lambda: computer.port.face is Face.REHEARSING and computer.app.desk.on_air)


async def test_an_error_is_said_beside_the_icon(computer):
    computer.app.do(MuteTalker(user="1", muted=True))
    await computer.port.until(lambda: computer.port.said)
    assert computer.port.said == [error_sentence(ErrorCode.NOT_RUNNING, {}, "ja")]


async def test_the_panel_opens_where_it_is_wanted_by_a_link_of_its_own(computer):
    computer.app.open_soon()
    first = await computer.browsed()
    computer.app.do(OpenPanel("mixer", ask="quit"))
    second = await computer.browsed()
    assert second.endswith("#/mixer?ask=quit")
    assert first.startswith("http://127.0.0.1:")
    assert first.partition("#")[0] != second.partition("#")[0]


async def test_quit_ends_everything(tmp_path, monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr("common.paths.runtime_folder", lambda: tmp_path)
    computer = Computer(tmp_path)
    running = asyncio.ensure_future(computer.app.run(open_panel=True))
    await computer.browsed()
    computer.app.do(Quit())
    await asyncio.wait_for(running, 20)
    computer.app.do(Quit())  # a click that comes too late
    again = SingleInstance(tmp_path)
    assert again.acquire()
    await again.close()
