"""The tray's loop: the desk in the middle, around it panel, icon, notifications, hotkeys.

It runs in a thread of its own; the main thread is the icon's. ``begin_end``, ``open_soon`` and ``do`` may be called
from any thread.
"""

import asyncio
import logging
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from common.errors import RelayError
from common.protocol import messages as engine
from common.sentences import sentences_of, templates
from common.tasks import Tasks
from tray.backend import NAME, TrayPort
from tray.browser import browse
from tray.commands.table import Commands
from tray.desk import TrayDesk
from tray.face import look
from tray.hotkeys import Hotkeys
from tray.menu import Action, OpenPanel, Quit, menu
from tray.notifications import DesktopService, Notifier, incidents
from tray.panel.bridge import Bridge
from tray.panel.messages import PanelCommand
from tray.panel.server import PanelServer
from tray.panel.static_files import built_page, load
from tray.single_instance import SingleInstance

log = logging.getLogger(__name__)


class App:
    """Everything of the tray but the main thread; ``browse`` opens an address in the person's browser."""

    def __init__(
        self,
        desk: TrayDesk,
        port: TrayPort,
        instance: SingleInstance,
        *,
        browse: Callable[[str], object] = browse,
    ) -> None:
        self.desk = desk
        self._port = port
        self._instance = instance
        self._browse = browse
        self._commands = Commands(desk)
        self._server = PanelServer(Bridge(self._commands, desk.client), load(built_page()))
        self._service = DesktopService(NAME)
        self._notifier = Notifier(NAME, self._service.send, self._beside_the_icon, time.monotonic)
        self._hotkeys = Hotkeys({"kill": self._kill_soon, "mute": self._mute_soon})
        self._tasks = Tasks()
        self._ending = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.Handle | None = None
        self._hotkeys_wanted = self._notifying = False

    async def run(self, *, open_panel: bool) -> None:
        """Run until ``begin_end``; ``open_panel`` shows the page at once."""
        self.desk.on_quit = self._ending.set
        remove = self.desk.listen(self._look_soon)
        try:
            await self._server.start()
            await self._instance.listen(lambda: self._open(OpenPanel()))
            self._look()
            if open_panel:
                self._open(OpenPanel())
            await self.desk.start()
            await self._ending.wait()
        finally:
            remove()
            self._hotkeys.stop()
            await self._tasks.close()
            await self._server.close()
            await self.desk.close()
            await self._instance.close()

    # from any thread

    def begin_end(self) -> None:
        """End soon."""
        self._soon(self._ending.set)

    def open_soon(self) -> None:
        """Open the panel soon."""
        self._soon(lambda: self._open(OpenPanel()))

    def do(self, action: Action) -> None:
        """Carry out what was chosen in the menu."""
        self._soon(lambda: self._start(action))

    def without_icon(self, port: TrayPort) -> None:
        """Go on without the icon, which could not be shown: the panel opens instead."""
        self._port = port
        self.open_soon()

    # in the loop's thread

    def _soon(self, call: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(call)

    def _start(self, action: Action) -> None:
        if isinstance(action, OpenPanel):
            self._open(action)
        elif isinstance(action, Quit):
            self._ending.set()
        else:
            self._tasks.start(self._carry_out(action), name="menu")

    async def _carry_out(self, command: "engine.Command | PanelCommand") -> None:
        """Carry out a command; whoever chose it looks at the icon, so an error is shown beside it."""
        try:
            if isinstance(command, engine.Command):
                await self.desk.client().call(command)
            else:
                await self._commands.carry_out(command)
        except RelayError as error:
            self._say(error)

    def _say(self, error: RelayError) -> None:
        for sentence in sentences_of(error, self.desk.settings.language):
            self._port.notify(NAME, sentence)

    def _open(self, wanted: OpenPanel) -> None:
        """Open the panel in the browser, by a link that works once; a browser may take its time."""
        where = f"#/{wanted.page}" if wanted.page else ""
        asking = f"?ask={wanted.ask}" if wanted.ask else ""
        link = self._server.login_link() + where + asking
        self._tasks.start(self._browse_to(link), name="browser")

    async def _browse_to(self, link: str) -> None:
        try:
            await asyncio.to_thread(self._browse, link)
        except (OSError, webbrowser.Error) as error:
            log.warning("no browser could be opened: %s", type(error).__name__)

    def _look_soon(self) -> None:
        """Redraw in this turn of the loop, once for all changes of it."""
        if self._due is None:
            self._due = self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._due = None
        desk, state, language = self.desk.desk(), self.desk.state, self.desk.settings.language
        shown = look(state, desk.engine, rehearsing=desk.rehearsing)
        words = templates(language)
        items = menu(desk, state, shown, words)
        self._port.update(shown.face, f"{NAME} – {words[f'tray.state.{shown.line}']}", items)
        self._switch_hotkeys(wanted=desk.preferences.hotkeys)
        self._switch_notifications(wanted=desk.preferences.notifications)
        if self._notifying:
            now = incidents(state, desk.engine, desk.engine_fault, language)
            self._tasks.start(self._notifier.follow(now), name="notifications")

    def _switch_notifications(self, *, wanted: bool) -> None:
        if wanted and not self._notifying:
            self._tasks.start(self._prepare_notifications(), name="notifications")
        self._notifying = wanted

    async def _prepare_notifications(self) -> None:
        """Let the system ask now whether we may; what hinders it is met again by the first message."""
        try:
            await self._service.prepare()
        except Exception as error:  # noqa: BLE001 - whatever the system's service and its library raise
            log.info("the desktop's notification service can't be used: %s", type(error).__name__)

    def _beside_the_icon(self, title: str, text: str) -> None:
        self._port.notify(title, text)

    # hotkeys

    def _switch_hotkeys(self, *, wanted: bool) -> None:
        """Follow what a person chose; what hinders it is said once, beside the icon."""
        if wanted == self._hotkeys_wanted:
            return
        self._hotkeys_wanted = wanted
        try:
            self._hotkeys.start() if wanted else self._hotkeys.stop()
        except RelayError as error:
            self._say(error)

    def _kill_soon(self) -> None:
        state = self.desk.state
        self.do(engine.Kill(active=state is None or not state.kill))

    def _mute_soon(self) -> None:
        """Mute all sources, or, when all are, none."""
        spec: Any = self.desk.state.spec if self.desk.state is not None else None
        sources = () if spec is None else spec.sources
        muted = not all(source.muted for source in sources)
        for source in sources:
            self.do(engine.MuteSource(source=source.channel, muted=muted))
