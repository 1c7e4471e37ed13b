"""What is told once, what again, and what happens when nobody can be told."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode
from common.protocol.messages import Fault
from common.protocol.state import LinkState, Phase, SessionState
from devtools.desktop import running
from tests.tray.face_data import bot, session, sessions
from tests.tray.tray_hosts import Bus, desktop, need, until
from tray.notifications import MOST_PER_MINUTE, WINDOW_SECONDS, DesktopService, Notifier, NotSentError, incidents
from tray.restart_policy import EngineLink

READY = EngineLink.READY
KICKED = session(Phase.DEGRADED, bots=(bot(LinkState.KICKED, ErrorCode.KICKED),))


class Desktop:
    """Where messages arrive, and a clock."""

    def __init__(self):
        self.seen = []
        self.otherwise = []
        self.fails = None
        self.now = 0.0
        self.notifier = Notifier("Relay", self.send, lambda *message: self.otherwise.append(message), lambda: self.now)

    async def send(self, title, text):
        if self.fails is not None:
            raise self.fails
        self.seen.append((title, text))


@pytest.fixture
def desk():
    return Desktop()


async def test_an_incident_is_told_once_and_again_when_it_comes_back(desk):
    for current in ({"a": "A"}, {"a": "A"}, {"a": "other words", "b": "B"}, {}, {"b": "B"}):
        await desk.notifier.follow(current)
    assert [text for _, text in desk.seen] == ["A", "B", "B"]


async def test_too_many_are_left_out_until_the_minute_is_over(desk):
    await desk.notifier.follow({str(number): "x" for number in range(50)})
    assert len(desk.seen) == MOST_PER_MINUTE
    desk.now = WINDOW_SECONDS
    await desk.notifier.follow({"later": "y"})
    assert len(desk.seen) == MOST_PER_MINUTE + 1


async def test_messages_are_shown_one_after_the_other():
    shown, most = 0, 0

    async def send(_title, _text):
        nonlocal shown, most
        shown += 1
        most = max(most, shown)
        await asyncio.sleep(0)
        shown -= 1

    notifier = Notifier("Relay", send, lambda *_: None, lambda: 0.0)
    await asyncio.gather(notifier.follow({"a": "A"}), notifier.follow({"b": "B", "c": "C"}))
    assert most == 1


@pytest.mark.parametrize("error", [OSError(), ValueError(), TimeoutError(), RuntimeError()])
async def test_where_the_service_fails_the_icon_tells(desk, error):
    desk.fails = error
    await desk.notifier.follow({"a": "A"})
    assert desk.otherwise == [("Relay", "A")]


def test_a_kick_a_kill_and_a_lost_engine_are_incidents():
    assert list(incidents(KICKED, READY, None, "en")) == ["bot.a.kicked"]
    assert "A" in incidents(KICKED, READY, None, "en")["bot.a.kicked"]
    assert list(incidents(session(kill=True), READY, None, "ja")) == ["kill"]
    assert list(incidents(session(), EngineLink.RESTARTING, None, "en")) == ["engine"]
    fault = Fault(code=ErrorCode.ENGINE_CRASH_LOOP, details={"count": "5", "seconds": "60"})
    assert "5" in incidents(None, EngineLink.FAILED, fault, "en")["engine.failed"]


def test_off_the_air_nobody_is_disturbed():
    assert not incidents(SessionState(), EngineLink.RESTARTING, None, "en")
    assert not incidents(None, EngineLink.STARTING, None, "en")


@given(sessions, st.sampled_from(EngineLink))
def test_every_incident_has_a_sentence(state, link):
    assert all(incidents(state, link, None, "ja").values())


DUNST = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.dunstproject.cmd0")


@pytest.mark.slow
async def test_a_message_arrives_at_the_desktop_s_service(tmp_path, monkeypatch):
    need("Xvfb", "dbus-daemon", "dunst")
    async with desktop(tmp_path) as env, Bus.join(env) as bus, running("dunst", env=env):
        await until(lambda: bus.has("org.freedesktop.Notifications"), "dunst is there")
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", env["DBUS_SESSION_BUS_ADDRESS"])
        service = DesktopService("Relay")
        await service.prepare()
        for text in ("Bot A に問題があります", "戻りました"):
            await service.send("中継", text)
        await bus.call(*DUNST, "NotificationCloseAll")

        async def history():
            (shown,) = await bus.call(*DUNST, "NotificationListHistory")
            found = [(each["appname"].value, each["summary"].value, each["body"].value) for each in shown]
            return found if len(found) == 2 else None

        told = await until(history, "dunst shows both")
        assert sorted(told) == [("Relay", "中継", "Bot A に問題があります"), ("Relay", "中継", "戻りました")]
        service._notifier._backend.bus.disconnect()


async def test_a_desktop_without_a_service_is_asked_once(tmp_path, monkeypatch):
    need()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    service = DesktopService("Relay")
    with pytest.raises(OSError, match="No such file"):
        await service.send("a", "b")
    with pytest.raises(NotSentError):
        await service.send("a", "b")
    desk = Desktop()
    desk.notifier = Notifier("Relay", service.send, lambda *message: desk.otherwise.append(message), lambda: 0.0)
    await desk.notifier.follow({"a": "A"})
    assert desk.otherwise == [("Relay", "A")]
