"""The icon on real desktops: seen, clicked, followed, and missing."""

import signal
import threading

import pytest

from devtools.desktop import running
from tests.tray.tray_hosts import Bus, Colours, desktop, need, popups, program, trayer, until, xfce
from tray.backend import DummyPort, wait_for_place
from tray.face import Face
from tray.icon import COLOURS

IDLE, LIVE, DEGRADED = (COLOURS[face] for face in (Face.IDLE, Face.LIVE, Face.DEGRADED))


@pytest.mark.slow
async def test_in_a_panel_of_the_newer_kind_start_mute_kill_and_quit_work_and_are_followed(tmp_path):
    need("gi", "Xvfb", "dbus-daemon", "xfce4-panel")
    async with desktop(tmp_path) as env, Bus.join(env) as bus, xfce(env, bus), program(env) as lines:
        assert await lines.next() == {"available": True}
        assert await lines.next() == {"ready": True}
        screen = Colours(env)
        await screen.show(IDLE)
        await bus.shows("Off the air", enabled=False)
        assert "Stop" not in await bus.menu()

        await bus.click("Start")
        assert await lines.next() == {"chosen": "Start"}
        await bus.shows("Stop")
        await bus.shows("Mute Team A", toggle_state=0)
        await screen.show(LIVE)
        assert await bus.title() == "On the air"

        await bus.click("Mute Team A")
        assert await lines.next() == {"chosen": "MuteSource"}
        await bus.shows("Mute Team A", toggle_state=1)

        await bus.click("Kill switch")
        assert await lines.next() == {"chosen": "Kill"}
        await bus.shows("Kill switch", toggle_state=1)
        await screen.show(DEGRADED)

        await bus.click("Stop")
        assert await lines.next() == {"chosen": "StopSession"}
        await bus.shows("Start")
        await screen.show(IDLE)
        await bus.click("Quit")
        assert await lines.next() == {"chosen": "Quit"}
        assert await lines.next() == {"ended": True, "threads": 1}
        assert await lines.ended() == 0


@pytest.mark.slow
async def test_in_a_tray_of_the_older_kind_a_click_opens_the_panel_and_the_menu_starts(tmp_path):
    need("gi", "Xvfb", "dbus-daemon", "openbox", "trayer", "xdotool")
    async with desktop(tmp_path) as env, trayer(env), program(env) as lines:
        assert await lines.next() == {"available": True}
        assert await lines.next() == {"ready": True}
        screen = Colours(env)
        x, y = await screen.show(IDLE)
        await press(env, "mousemove", str(x), str(y), "click", "1")
        assert await lines.next() == {"chosen": "OpenPanel"}

        await choose(env, x, y, "Down")  # the first line is the state, which can't be chosen
        assert await lines.next() == {"chosen": "Start"}
        await screen.show(LIVE)
        await choose(env, x, y, "Up")  # the last line is Quit, which asks first on air
        assert await lines.next() == {"chosen": "OpenPanel"}
        await choose(env, x, y, "Down")
        assert await lines.next() == {"chosen": "StopSession"}
        await screen.show(IDLE)
        lines.process.send_signal(signal.SIGINT)  # pystray takes it from the program; here it still ends it in order
        assert await lines.next() == {"ended": True, "threads": 1}
        assert await lines.ended() == 0


async def press(env, *what):
    async with running("xdotool", *what, env=env) as process:
        assert await process.wait() == 0


async def choose(env, x, y, key):
    await until(lambda: not popups(env), "the menu closes")
    await press(env, "mousemove", str(x), str(y), "click", "3")
    await until(lambda: popups(env), "the menu opens")
    await press(env, "key", key, "Return")


@pytest.mark.slow
@pytest.mark.parametrize("bus", [True, False])
async def test_without_a_tray_host_it_says_so_and_ends(tmp_path, bus):
    need("gi", "Xvfb", "dbus-daemon")
    async with desktop(tmp_path, bus=bus) as env, program(env) as lines:
        assert await lines.next() == {"available": False}
        assert await lines.next() == {"unavailable": "no tray host"}
        assert await lines.ended() == 3
        assert not (tmp_path / ".dbus").exists()  # no bus was started for want of one: it would stay


@pytest.mark.slow
async def test_a_toolkit_that_fails_while_it_starts_keeps_nothing_running(tmp_path):
    # pystray's GTK asks the bus for a notification service, and dies of one that can't be started.
    need("gi", "Xvfb", "dbus-daemon", "openbox", "trayer")
    services = tmp_path / "data" / "dbus-1" / "services"
    services.mkdir(parents=True)
    broken = "[D-BUS Service]\nName=org.freedesktop.Notifications\nExec=/bin/false\n"
    (services / "org.freedesktop.Notifications.service").write_text(broken)
    async with desktop(tmp_path) as env, trayer(env), program(env) as lines:
        assert await lines.next() == {"available": True}
        assert "unavailable" in await lines.next()
        assert await lines.ended() == 3


async def test_without_a_display_it_says_so_and_ends(tmp_path):
    need()
    async with program({"HOME": str(tmp_path)}) as lines:
        assert await lines.next() == {"available": False}
        assert await lines.next() == {"unavailable": "no tray host"}
        assert await lines.ended() == 3


def test_no_icon_waits_for_its_end():
    port, ready = DummyPort(), threading.Event()
    waiting = threading.Thread(target=port.run, args=(ready.set,))
    waiting.start()
    assert ready.wait(5)
    port.update(Face.LIVE, "", ())
    port.notify("a", "b")
    port.stop()
    waiting.join(5)
    assert port.available()
    assert not waiting.is_alive()


@pytest.mark.parametrize(("comes_after", "found", "looks"), [(0, True, 1), (3, True, 4), (99, False, 5)])
def test_at_login_a_bar_that_comes_late_is_waited_for(comes_after, found, looks):
    class Late(DummyPort):
        looked = 0

        def available(self):
            self.looked += 1
            return self.looked > comes_after

    port, slept = Late(), []
    assert wait_for_place(port, 2.0, lambda: sum(slept), slept.append) is found
    assert port.looked == looks
