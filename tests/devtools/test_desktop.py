import asyncio
import importlib.util
import os
import shutil
import sys

import psutil
import pytest

from devtools import desktop


async def test_what_a_program_started_ends_with_it():
    pipe = asyncio.subprocess.PIPE
    async with desktop.running("sh", "-c", "sleep 60 & echo $!; wait", env=os.environ, stdout=pipe) as process:
        child = psutil.Process(int(await desktop.first_line(process)))
        assert child.is_running()
    assert process.returncode is not None
    gone, left = await asyncio.to_thread(psutil.wait_procs, [child], timeout=10)
    assert (gone, left) == ([child], [])


@pytest.mark.skipif(shutil.which("Xvfb") is None or shutil.which("dbus-daemon") is None, reason="no Xvfb, no D-Bus")
async def test_a_screen_and_a_bus_are_told_to_those_on_them(tmp_path):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    async with desktop.screen(env), desktop.session_bus(env):
        assert env["DISPLAY"].removeprefix(":").isdecimal()
        assert env["DBUS_SESSION_BUS_ADDRESS"].startswith("unix:")


def test_programs_find_pygobject_and_nothing_else_of_the_system(tmp_path):
    folders = desktop.gi_path(tmp_path).split(":")
    assert folders[0] == str(desktop.ROOT)
    if importlib.util.find_spec("gi") is None:
        assert os.listdir(folders[1]) == ["gi"]  # noqa: PTH208 - names only


@pytest.mark.skipif(sys.platform != "linux", reason="Linux")
def test_the_system_s_pygobject_counts_only_for_its_own_python(monkeypatch, tmp_path):
    monkeypatch.setattr(desktop, "_GI_OF_DEBIAN", tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    (tmp_path / "_gi.cpython-20-x86_64-linux-gnu.so").touch()
    assert not desktop.has_gi()
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    (tmp_path / f"_gi.cpython-{version}-x86_64-linux-gnu.so").touch()
    assert desktop.has_gi()
