"""Hotkeys on a real X screen, and why there are none elsewhere."""

import asyncio
import importlib.util
import sys

import pytest

from common.errors import ErrorCode, RelayError
from devtools.desktop import PATIENCE_S, running
from tests.tray.tray_hosts import desktop, need
from tray.hotkeys import KEYS, Hotkeys, hindered

WATCH = """
import sys
from tray.hotkeys import Hotkeys
def tell(word):
    print(word, flush=True)
keys = Hotkeys({"kill": lambda: tell("kill"), "mute": lambda: tell("mute")})
keys.start()
tell(f"on {keys.on}")
sys.stdin.readline()
keys.stop()
tell(f"on {keys.on}")
sys.stdin.readline()
tell("end")
"""


@pytest.mark.slow
async def test_pressed_keys_do_what_they_say_until_they_are_switched_off(tmp_path):
    need("Xvfb", "xdotool")
    if importlib.util.find_spec("pynput") is None:
        pytest.skip("not installed: pynput (pip install -e .[desktop-linux])")
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", WATCH)
    async with desktop(tmp_path, bus=False) as env, running(*command, env=env, stdin=pipe, stdout=pipe) as process:

        async def line():
            return (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()

        assert await line() == "on True"
        for name in ("kill", "mute", "kill"):
            await press(env, name)
            assert await line() == name
        process.stdin.write(b"\n")
        assert await line() == "on False"
        await press(env, "kill")
        process.stdin.write(b"\n")
        assert await line() == "end"


async def press(env, name):
    async with running("xdotool", "key", KEYS[name].replace("<", "").replace(">", ""), env=env) as process:
        assert await process.wait() == 0


def test_wayland_is_told_apart():
    assert hindered("linux", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}) is ErrorCode.HOTKEYS_WAYLAND
    assert hindered("linux", {"XDG_SESSION_TYPE": "wayland"}) is ErrorCode.HOTKEYS_WAYLAND
    assert hindered("linux", {"DISPLAY": ":0"}) is None
    assert hindered("win32", {}) is None


@pytest.mark.skipif(sys.platform != "linux", reason="without a display")
def test_without_a_screen_it_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    keys = Hotkeys({"kill": lambda: None})
    with pytest.raises(RelayError) as caught:
        keys.start()
    assert caught.value.code is ErrorCode.HOTKEYS_UNAVAILABLE
    assert not keys.on
    keys.stop()
