"""``python -m tray``: the program as a person starts it. A second start opens the panel of the first one.

The icon comes first: what everything else needs is imported in the loop's thread, once the icon can be seen.
"""

import argparse
import asyncio
import datetime as dt
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from common import paths
from common.errors import RelayError
from common.logging import configure
from common.sentences import sentences_of, system_language, templates
from tray.backend import NAME, DummyPort, PystrayPort, TrayPort, TrayUnavailable, wait_for_place
from tray.face import Face
from tray.menu import Action, Item
from tray.single_instance import SingleInstance, hand_over

if TYPE_CHECKING:
    from tray.app import App
    from tray.desk import TrayDesk
    from tray.engine_process import Place

LOGIN_SECONDS: Final = 30.0
"""For the desktop's bar, which comes up beside us when the system starts us."""


class DiscordFile(msgspec.Struct):
    """Another Discord than the real one, as the simulator describes itself."""

    api_base: str
    gateway_url: str
    ca_file: str


def main(arguments: Sequence[str]) -> int:
    """Run until somebody quits; 0 for a clean end, also when another start was there first."""
    options = _parser().parse_args(arguments)
    configure()
    folder = paths.runtime_folder()
    instance = SingleInstance(folder)
    try:
        if not instance.acquire():
            hand_over(folder)
            return 0
        return Program(options, instance).run()
    except RelayError as error:
        say(*sentences_of(error, system_language()))
        return 1


def say(*sentences: str) -> None:
    """Write sentences for a person at the terminal."""
    sys.stderr.write("".join(f"{sentence}\n" for sentence in sentences))
    sys.stderr.flush()


class Program:
    """The two threads: the main one shows the icon, the other one does everything else."""

    def __init__(self, options: argparse.Namespace, instance: SingleInstance) -> None:
        self._options = options
        self._instance = instance
        self._app: App | None = None
        self._loop = threading.Thread(target=self._run_loop, name="loop")
        self._port: TrayPort = DummyPort() if options.no_tray else PystrayPort(NAME, self._chosen)
        patience = LOGIN_SECONDS if options.at_login else 0.0
        self._no_icon = options.no_tray or not wait_for_place(self._port, patience, time.monotonic, time.sleep)
        if self._no_icon:
            self._port = DummyPort()
        self._heard, self._told = socket.socketpair()
        self._failed = False

    def run(self) -> int:
        """Hold the main thread until the end."""
        self._listen_to_signals()
        self._show_icon()
        self._loop.join()
        signal.set_wakeup_fd(-1)
        self._heard.close()
        self._told.close()
        return 1 if self._failed else 0

    def _listen_to_signals(self) -> None:
        """Have signals tell the loop by a socket.

        Python runs a handler only when the main thread gets to it, which waits for the end; GLib wakes it, but takes
        the socket for itself while it runs. So both ways lead there.
        """
        for each in (self._heard, self._told):
            each.setblocking(False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._end())
        signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)

    def _end(self) -> None:
        with suppress(BlockingIOError):  # it has been told often enough
            self._told.send(b"\0")

    def _show_icon(self) -> None:
        words = templates(system_language())
        line = words["tray.state.getting_ready"]
        # Bars of the newer kind show no icon that has no menu.
        self._port.update(Face.IDLE, f"{NAME} – {line}", (Item("state", line, enabled=False),))
        try:
            self._port.run(self._begin)
        except TrayUnavailable as error:
            say(*sentences_of(error, system_language()))
            self._port, icon = DummyPort(), self._port
            icon.stop()
            self._no_icon = True
            if self._app is not None:
                self._app.without_icon(self._port)
            self._port.run(self._begin)

    def _begin(self) -> None:
        """Start the rest, once."""
        if self._loop.ident is None:
            self._loop.start()

    def _run_loop(self) -> None:
        try:
            asyncio.run(self._run_app())
        except BaseException:
            self._failed = True
            raise
        finally:
            self._port.stop()

    async def _run_app(self) -> None:
        from tray.app import App  # noqa: PLC0415 - after the icon, see above

        self._app = App(self._desk(), self._port, self._instance)
        async with asyncio.TaskGroup() as group:
            signals = group.create_task(self._end_by_signal(self._app), name="signals")
            await self._app.run(open_panel=self._no_icon or not self._options.at_login)
            signals.cancel()

    async def _end_by_signal(self, app: "App") -> None:
        await asyncio.get_running_loop().sock_recv(self._heard, 1)
        app.begin_end()

    def _desk(self) -> "TrayDesk":
        from common.config.store import ConfigStore  # noqa: PLC0415 - likewise
        from tray.desk import TrayDesk  # noqa: PLC0415 - likewise
        from tray.operations.history import HistoryFile  # noqa: PLC0415 - likewise
        from tray.operations.session_log import SessionLog  # noqa: PLC0415 - likewise
        from tray.secrets.asking import Secrets  # noqa: PLC0415 - likewise
        from tray.settings import Settings  # noqa: PLC0415 - likewise

        store = ConfigStore(paths.config_folder() / "config.json", lambda: dt.datetime.now(dt.UTC))
        settings = Settings(store)
        if settings.problem is not None:
            say(*sentences_of(settings.problem, settings.language))
        secrets = Secrets(paths.config_folder() / "vault.json")
        history = SessionLog(lambda: HistoryFile(paths.state_folder() / "history.sqlite"), _now_ms)
        return TrayDesk(settings, secrets, history, _place(self._options.discord))

    def _chosen(self, action: Action) -> None:
        if self._app is not None:
            self._app.do(action)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _place(file: Path | None) -> "Place":
    from tray.engine_process import Place  # noqa: PLC0415 - likewise

    if file is None:
        return Place()
    found = msgspec.json.decode(file.read_bytes(), type=DiscordFile)
    return Place(found.api_base, found.gateway_url, Path(found.ca_file))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tray", description="Lets casters hear the players, one way.")
    parser.add_argument("--no-tray", action="store_true", help="no icon: the panel opens in the browser instead")
    parser.add_argument("--at-login", action="store_true", help="started by the system: show the icon only")
    parser.add_argument("--discord", type=Path, metavar="FILE", help="another Discord, as the simulator describes it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
