"""Who shows icons, asked of real desktops; in a process of its own, since GTK's bus is kept for the process."""

import asyncio
import sys

import pytest

from devtools.desktop import PATIENCE_S, running
from tests.tray.tray_hosts import Bus, desktop, need, trayer, xfce
from tray.tray_host import Host, find_host

ASK = "import os, sys, tray.tray_host as t; sys.stdout.write(t.find_host(os.environ))"


async def found(env):
    async with running(sys.executable, "-c", ASK, env=env, stdout=asyncio.subprocess.PIPE) as process:
        return (await asyncio.wait_for(process.stdout.read(), PATIENCE_S)).decode()


def test_without_a_screen_nobody_is_asked():
    assert find_host({}) is Host.NONE


@pytest.mark.slow
async def test_the_newer_kind_is_preferred(tmp_path):
    need("gi", "Xvfb", "dbus-daemon", "xfce4-panel", "openbox", "trayer")
    async with desktop(tmp_path) as env, Bus.join(env) as bus, xfce(env, bus), trayer(env):
        assert await found(env) == Host.STATUS_NOTIFIER


@pytest.mark.slow
async def test_the_older_kind_is_found_and_nobody_is_nobody(tmp_path):
    need("gi", "Xvfb", "dbus-daemon", "openbox", "trayer")
    async with desktop(tmp_path) as env:
        assert await found(env) == Host.NONE
        async with trayer(env):
            assert await found(env) == Host.XEMBED
            without = {name: text for name, text in env.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
            assert await found(without | {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}) == Host.NONE
