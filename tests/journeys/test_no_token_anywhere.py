"""No token is anywhere but in the keychain, from the first start to the end of the program.

The real program, the real keychain, engines that are killed; only Discord is simulated. After every step all files
below the home, what the processes said, their command lines and environments, and what the page was sent are searched
for every token and for each of its longer parts, as they are and as they are usually disguised.
"""

import asyncio
import base64
import binascii
import json
import os
import random
import signal
import string
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
import psutil
import pytest

from common.protocol.messages import StopSession
from common.protocol.state import Role
from common.secret import Secret
from simulator.server import Simulator
from tests.tray.secrets.conftest import desktop, keyring  # noqa: F401 - fixtures
from tray.panel import messages as m

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, and a keychain of Linux")

ROLES = {"relay-red": Role.SOURCE, "relay-blue": Role.SOURCE, "relay-casters": Role.DESTINATION}
PASSPHRASE = "a long passphrase for the pack"
PATIENCE_S = 30
LONG_PART = 20
LETTERS = string.ascii_letters + string.digits + "-_"


# the search


def disguises(text):
    """Return the bytes by which a text may stand somewhere; base64 by what no neighbour of it can change."""
    plain = text.encode()
    found = {plain, quote(text, safe="").encode(), text.encode("utf-16-le"), binascii.hexlify(plain)}
    for before in range(3):
        data = bytes(before) + plain
        whole = base64.b64encode(data[: len(data) // 3 * 3])[4 if before else 0 :]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


class Search:
    """Looks for tokens; ``found`` says which token is where, by their numbers."""

    def __init__(self, tokens):
        self._needles = {
            needle: f"token {number}"
            for number, token in enumerate(tokens)
            for part in {token, *(each for each in token.split(".") if len(each) > LONG_PART)}
            for needle in disguises(part)
        }
        self.found = set()
        self.looked_at = set()

    def look(self, where, data):
        self.looked_at.add(where)
        self.found |= {f"{name} in {where}" for needle, name in self._needles.items() if needle in data}

    def look_below(self, folder):
        """Look into every file, and at the names and the links' targets too."""
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(parent, name)
                self.look(str(path.relative_to(folder)), os.fsencode(path))
                with suppress(FileNotFoundError):  # a file that lived for a moment
                    if path.is_symlink():
                        self.look(str(path.relative_to(folder)), os.fsencode(path.readlink()))
                    elif path.is_file():
                        self.look(str(path.relative_to(folder)), path.read_bytes())

    def look_at_processes(self, root):
        """Look at a process and all below it; return how many there are."""
        tree = [root, *root.children(recursive=True)]
        for process in tree:
            for what in ("cmdline", "environ"):
                with suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
                    self.look(f"{what} of {process.name()}", Path(f"/proc/{process.pid}/{what}").read_bytes())
        return len(tree)


def token_of(user, seed):
    """Invent a token as Discord makes them: the account's id, a time, a proof."""
    chance = random.Random(seed)
    first = base64.urlsafe_b64encode(str(user).encode()).decode().rstrip("=")
    return f"{first}.{''.join(chance.choices(LETTERS, k=6))}.{''.join(chance.choices(LETTERS, k=38))}"


@pytest.fixture
def planted():
    return token_of(1041234567890123456, 0)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda token: token,
        lambda token: quote(token, safe=""),
        lambda token: base64.b64encode(token.encode()).decode(),
        lambda token: base64.b64encode(f"Bot {token}!".encode()).decode(),
        lambda token: base64.urlsafe_b64encode(f"x={token}".encode()).decode(),
        lambda token: token.encode().hex(),
        lambda token: token.split(".")[0],
        lambda token: base64.b64encode(token.split(".")[2].encode()).decode(),
    ],
)
def test_a_token_is_found_in_a_file_in_every_disguise(planted, disguise, tmp_path):
    (tmp_path / "deep" / "folder").mkdir(parents=True)
    (tmp_path / "deep" / "folder" / "log").write_bytes(b"\x00before" + disguise(planted).encode() + b"after")
    search = Search([token_of(1, 1), planted])
    search.look_below(tmp_path)
    assert search.found == {"token 1 in deep/folder/log"}


def test_what_merely_resembles_it_is_not_found(planted, tmp_path):
    (tmp_path / "log").write_text(f"1041234567890123456 {token_of(1041234567890123457, 2)} {planted[:19]}")
    search = Search([planted])
    search.look_below(tmp_path)
    assert search.looked_at == {"log"}
    assert not search.found


def test_a_token_is_found_in_a_file_s_name_and_behind_a_link(planted, tmp_path):
    (tmp_path / f"{planted}.json").touch()
    (tmp_path / "link").symlink_to(f"/nowhere/{planted}")
    search = Search([planted])
    search.look_below(tmp_path)
    assert search.found == {f"token 0 in {planted}.json", "token 0 in link"}


@pytest.mark.parametrize("what", ["cmdline", "environ"])
def test_a_token_is_found_with_a_grandchild(planted, what):
    waiting = "import sys; print(1, flush=True); sys.stdin.read()"
    argument, env = (planted, {}) if what == "cmdline" else ("", {"DISCORD": planted})
    grandchild = [sys.executable, "-c", waiting, argument]
    child = f"import subprocess; subprocess.run({grandchild!r}, env={env!r})"
    if what == "cmdline":  # the child's own command line must not have it, else it would be found there
        child = f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-c', {waiting!r}, sys.stdin.readline()])"
    search = Search([planted])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", child], text=True, **pipes) as process:  # noqa: S603 - ours
        process.stdin.write(f"{planted}\n")
        process.stdin.flush()
        process.stdout.readline()
        assert search.look_at_processes(psutil.Process(process.pid)) == 2
        process.stdin.close()
    assert any(each.startswith(f"token 0 in {what} of") for each in search.found)


# the program


class Program:
    """The program as a person starts it, and the page in front of them."""

    def __init__(self, home, discord, desktop_env):
        self.home = home
        self.opened = home / "opened"
        os.mkfifo(self.opened)
        self._pipe = os.open(self.opened, os.O_RDWR | os.O_NONBLOCK)  # so that neither side waits for the other
        browser = home / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" > {self.opened}\n')
        browser.chmod(0o755)
        (home / "tmp").mkdir()
        self.env = desktop_env | {
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home / "tmp"),
            "BROWSER": str(browser),
        }
        self._discord = home / "discord.json"
        self._discord.write_text(
            json.dumps(
                {"api_base": discord.api_base, "gateway_url": discord.gateway_url, "ca_file": str(discord.ca_file)}
            )
        )
        self.process = None
        self.sent = b""
        """All that the page was sent."""
        self.state, self.desk = {}, {}
        self._answers = {}
        self._number = 0
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def running(self):
        command = (sys.executable, "-m", "tray", "--no-tray", "--discord", str(self._discord))
        self.state, self.desk = {}, {}
        with (self.home / "stdout").open("ab") as out, (self.home / "stderr").open("ab") as err:
            self.process = await asyncio.create_subprocess_exec(*command, env=self.env, stdout=out, stderr=err)
        try:
            async with self._page(await self._link()):
                yield self
        finally:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()

    def close(self):
        os.close(self._pipe)

    async def _link(self):
        loop = asyncio.get_running_loop()
        came = loop.create_future()
        loop.add_reader(self._pipe, lambda: came.done() or came.set_result(os.read(self._pipe, 4096)))
        try:
            return (await asyncio.wait_for(came, PATIENCE_S)).decode().strip()
        finally:
            loop.remove_reader(self._pipe)

    @asynccontextmanager
    async def _page(self, link):
        origin = link.partition("/login")[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            async with http.get(link) as answer:
                assert answer.status == 200
            async with http.ws_connect(f"{origin}/ws", headers={"Origin": origin}) as socket:
                self._socket = socket
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(self._read())
                    await self.until(lambda: self.desk)
                    yield
                    reading.cancel()

    async def _read(self):
        async for message in self._socket:
            self.sent += message.data.encode()
            self._hear(json.loads(message.data))
            async with self._news:
                self._news.notify_all()

    def _hear(self, heard):
        match heard.pop("type"):
            case "desk":
                self.desk = heard
            case "snapshot":
                self.state = heard["state"]
            case "changed":
                self.state |= heard
            case "answer" | "unanswered":
                self._answers[heard["id"]] = heard

    async def until(self, holds):
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(holds)

    async def ask(self, command):
        """Send a command as the page does, tokens and all; return the answer."""
        self._number += 1
        number = self._number
        call = msgspec.json.encode(m.Call(id=number, command=command), enc_hook=Secret.reveal)
        await self._socket.send_str(call.decode())
        await self.until(lambda: number in self._answers)
        return self._answers.pop(number)

    async def do(self, command):
        """Have it carried out; return what it gave."""
        answer = await self.ask(command)
        assert "faults" not in answer, answer
        return answer.get("payload")

    async def refused(self, command):
        (fault,) = (await self.ask(command))["faults"]
        return fault["code"]

    def engine(self):
        """Return the engine's process."""
        (found,) = [
            each for each in psutil.Process(self.process.pid).children() if each.cmdline()[1:3] == ["-m", "engine"]
        ]
        return found

    async def on_air(self):
        await self.until(
            lambda: (
                self.state.get("phase") == "running" and all(bot["link"] == "connected" for bot in self.state["bots"])
            )
        )


class Searching:
    """The search after every step of a program's life."""

    def __init__(self, program, tokens):
        self._program = program
        self.search = Search(tokens)

    def look(self):
        program = self._program
        self.search.look_below(program.home)
        self.search.look("what the page was sent", program.sent)
        if program.process.returncode is None:
            self.search.look_at_processes(psutil.Process(program.process.pid))
        assert not self.search.found


@pytest.mark.slow
async def test_from_the_first_start_to_the_end_no_token_is_anywhere(keyring, tmp_path):  # noqa: F811 - the fixture
    home = keyring.folder
    async with Simulator(folder=tmp_path) as discord:
        for seed, account in enumerate(discord.cast.bots.values()):
            account.token = token_of(account.id, seed)
        tokens = {name: account.token for name, account in discord.cast.bots.items()}
        program = Program(home, discord, keyring.env)
        searching = Searching(program, [*tokens.values(), broken(tokens), PASSPHRASE])
        for evening in (first_evening, next_evening):
            async with program.running():
                await evening(program, discord, tokens, searching.look)
                assert await asyncio.wait_for(program.process.wait(), PATIENCE_S) == 0
            searching.look()
        program.close()
    places = searching.search.looked_at
    assert {"stderr", "config/discord-voice-comm/config.json", "state/discord-voice-comm/history.sqlite"} <= places
    assert any(each.startswith("keyrings/") for each in places)
    assert {"cmdline of python", "environ of python"} <= {each.rstrip("0123456789.") for each in places}


def broken(tokens):
    """Return a token with a typing error."""
    return f"{tokens['relay-red'][:-3]}xyz"


async def first_evening(program, discord, tokens, look):
    """Do all that a person does with tokens; ``look`` after every step."""
    look()
    await program.until(lambda: program.desk["secrets"]["kind"] == "keychain" and program.desk["engine"] == "ready")
    wrong = Secret(broken(tokens))
    for refused in (m.CheckToken(token=wrong), m.SaveBot(bot="relay-red", role=Role.SOURCE, token=wrong)):
        assert await program.refused(refused) == "token_invalid"
        look()
    for name, role in ROLES.items():
        assert (await program.do(m.CheckToken(token=Secret(tokens[name]))))["name"] == name
        await program.do(m.SaveBot(bot=name, role=role, token=Secret(f"Bot {tokens[name]} ")))
        look()
    await set_up(program, discord)
    look()
    await program.do(m.DressBot(bot="relay-red", name="Red ears"))
    look()
    await program.do(m.Start())
    await program.on_air()
    look()
    killed = program.engine().pid
    os.kill(killed, signal.SIGKILL)
    await program.until(lambda: program.desk["restarts"] == 1 and program.desk["engine"] == "ready")
    await program.on_air()
    assert program.engine().pid != killed
    look()
    await program.do(m.SaveBot(bot="relay-blue", role=Role.SOURCE, token=Secret(tokens["relay-blue"])))
    await program.do(m.SavePreset(name="Cup"))
    packed = await program.do(m.ExportPack(passphrase=Secret(PASSPHRASE)))
    (program.home / packed["file_name"]).write_bytes(base64.b64decode(packed["data"]))
    look()
    await program.do(StopSession())
    await program.do(m.GetHistory())
    look()
    await program.do(m.ImportPack(data=packed["data"], passphrase=Secret(PASSPHRASE)))
    look()
    await program.do(m.QuitProgram(sure=True))


async def next_evening(program, _discord, _tokens, look):
    """Start what was kept, with tokens out of the keychain, and end it as a system does that shuts down."""
    await program.until(lambda: program.desk["secrets"]["kind"] == "keychain" and program.desk["engine"] == "ready")
    await program.do(m.Start())
    await program.on_air()
    look()
    program.process.terminate()


async def set_up(program, discord):
    guild = str(discord.cast.guild.id)
    await program.do(m.FindGuilds())
    found = await program.do(m.FindChannels(guild=guild))
    places = {name: found[name] for name in ("guild", "guild_name", "sources", "destinations")}
    await program.do(m.SaveSetup(setup=msgspec.convert(places, m.Setup)))
    checked = await program.do(m.CheckPlaces())
    assert len(checked["places"]) == 3
