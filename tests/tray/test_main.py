"""``python -m tray`` as a person starts it, without an icon: what opens, what a second start does, how it ends."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import aiohttp
import pytest

from devtools.program import at_home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals and a browser that is a shell script")
START_SECONDS = 20


class Desktop:
    """A person's computer: a home, a browser that only notes what it is told to open."""

    def __init__(self, home, runtime):
        self.home, self.runtime = home, runtime
        self.environment = at_home(home, runtime) | {"LC_ALL": "ja_JP.UTF-8"}
        # Non-blocking and read-write, so that neither side waits for the other to come.
        self._pipe = os.open(home / "links", os.O_RDWR | os.O_NONBLOCK)

    async def start(self, *options):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tray", *options), env=self.environment, stderr=asyncio.subprocess.PIPE
        )

    async def link(self):
        """Return the next address that was opened."""
        loop = asyncio.get_running_loop()
        came = loop.create_future()
        loop.add_reader(self._pipe, lambda: came.done() or came.set_result(os.read(self._pipe, 4096)))
        try:
            return (await asyncio.wait_for(came, START_SECONDS)).decode().strip()
        finally:
            loop.remove_reader(self._pipe)

    def close(self):
        os.close(self._pipe)


@pytest.fixture
def desktop(tmp_path):
    with tempfile.TemporaryDirectory(prefix="relay-") as runtime:  # a socket's path is short
        made = Desktop(tmp_path, Path(runtime))
        yield made
        made.close()


async def page(link):
    """Open a login link as a browser would and return the page's status and text."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http, http.get(link) as answer:
        return answer.status, await answer.text()


async def end(process):
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, said.decode()


async def test_the_panel_opens_once_and_a_second_start_opens_it_again(desktop):
    first = await desktop.start("--no-tray")
    link = await desktop.link()
    assert (await page(link))[0] == 200
    assert (await page(link))[0] == 401
    second = await desktop.start("--no-tray")
    again = await desktop.link()
    _, said = await asyncio.wait_for(second.communicate(), 20)
    assert (second.returncode, said) == (0, b"")
    assert again != link
    assert (await page(again))[0] == 200
    status, said = await end(first)
    assert status == 0, said
    assert link.partition("k=")[2] not in said
    assert not (desktop.runtime / "discord-voice-comm" / "tray.address").exists()


async def test_where_there_is_no_place_for_an_icon_the_panel_opens_instead(desktop):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        desktop.environment.pop(name, None)
    process = await desktop.start()
    assert (await page(await desktop.link()))[0] == 200
    assert (await end(process))[0] == 0


async def test_settings_that_can_t_be_read_are_said_and_it_starts_all_the_same(desktop):
    folder = desktop.home / "config" / "discord-voice-comm"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{broken")
    process = await desktop.start("--no-tray")
    await desktop.link()
    status, said = await end(process)
    assert status == 0
    assert "config.json" in said
    assert list(folder.glob("config.broken-*.json"))
