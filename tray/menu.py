"""The tray's menu as a tree of plain items, made anew from what the tray and the engine know. Decisions only.

An item's action is a command as the panel page sends it, or one of the two things that only the tray does: open a page
of the panel, and quit. What could end a show by accident opens the panel, which asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from common.config.schema import Language
from common.protocol.messages import Command, Kill, MuteSource, StopSession
from common.protocol.spec import SourceSpec
from common.protocol.state import Phase, SessionState
from tray.face import Look, match_is_live, on_air
from tray.panel.messages import (
    Desk,
    LoadPreset,
    PanelCommand,
    SetPreferences,
    Start,
    StartRehearsal,
    StopRehearsal,
)
from tray.restart_policy import EngineLink

MOST_LISTED: Final = 20
"""Sources or presets in a submenu; the panel shows the others."""
LONGEST_TEXT: Final = 60
"""Characters of an item; names come from other people."""
LANGUAGE_NAMES: Final = {Language.EN: "English", Language.JA: "日本語"}
"""Each in its own language, so that whoever got lost finds the way back."""


@dataclass(frozen=True, slots=True)
class OpenPanel:
    """Open a page of the panel (a hash route, empty is where it starts); ``ask`` = what it should ask at once."""

    page: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Quit:
    """End the whole program."""


Action = Command | PanelCommand | OpenPanel | Quit
"""What choosing an item does."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line; ``checked`` is ``None`` where there is nothing to check, ``default`` is what a click on the icon does.

    An item with ``children`` opens a submenu and has no action. ``id`` is unique in the menu.
    """

    id: str
    text: str = ""
    action: Action | None = None
    checked: bool | None = None
    enabled: bool = True
    default: bool = False
    radio: bool = False
    children: tuple["Item", ...] = ()

    @property
    def separator(self) -> bool:
        """Whether it is a line between groups."""
        return not self.text


Menu = tuple[Item, ...]


def menu(desk: Desk, state: SessionState | None, shown: Look, words: Mapping[str, str]) -> Menu:
    """Return the whole menu; ``words`` are the templates of the language in force (``common.sentences.templates``)."""
    make = _Maker(desk, state, words)
    groups = (
        (make.state_line(shown), make.start_or_stop()),
        (*make.mutes(), make.kill(), make.presets()),
        (make.panel(), make.sound_check(), make.rehearsal()),
        (make.language(), make.start_at_login(), make.version(), make.diagnostics()),
        (make.quit(),),
    )
    return tuple(_joined(groups))


def flat(items: Menu) -> Iterator[Item]:
    """Return every item, those of submenus too."""
    for item in items:
        yield item
        yield from flat(item.children)


def tidy(text: str) -> str:
    """Return a name as it may stand in a menu: one line, no control characters, not longer than fits."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


class _Maker:
    """Makes the items of one moment."""

    def __init__(self, desk: Desk, state: SessionState | None, words: Mapping[str, str]) -> None:
        self._desk = desk
        self._state = state
        self._words = words
        self._reachable = desk.engine is EngineLink.READY

    def state_line(self, shown: Look) -> Item:
        text = self._word(f"state.{shown.line}")
        if self._desk.rehearsing and shown.line != "rehearsing":
            text = f"{self._word('state.rehearsing')}: {text}"
        return Item("state", text, enabled=False)

    def start_or_stop(self) -> Item:
        """Start what is set up, lead to the set-up, or stop; a match that is live is stopped in the panel."""
        phase = self._state.phase if self._state is not None else Phase.IDLE
        if phase is not Phase.IDLE:
            asked = match_is_live(self._state)
            action: Action = OpenPanel("mixer", ask="stop") if asked else StopSession()
            text = self._word("stop_asking" if asked else "stop")
            return Item("stop", text, action, enabled=self._reachable and phase is not Phase.STOPPING)
        setup = self._desk.setup
        if setup.guild is None or not setup.sources or not setup.destinations:
            return Item("set_up", self._word("set_up"), OpenPanel("setup"))
        given_up = self._desk.engine is EngineLink.FAILED  # a person who starts gets another engine
        return Item("start", self._word("start"), Start(), enabled=self._reachable or given_up)

    def mutes(self) -> Menu:
        """One checkable item per source, while a session runs."""
        spec = self._state.spec if on_air(self._state) and self._state is not None else None
        if spec is None:
            return ()
        return tuple(self._mute(source) for source in spec.sources[:MOST_LISTED])

    def kill(self) -> Item:
        active = self._state is not None and self._state.kill
        usable = self._reachable and self._state is not None and self._state.phase is not Phase.IDLE
        return Item("kill", self._word("kill"), Kill(active=not active), checked=active, enabled=usable)

    def presets(self) -> Item:
        """Submenu of the presets; a running session keeps its channels, so it is closed then."""
        idle = self._state is None or self._state.phase is Phase.IDLE
        names = self._desk.presets[:MOST_LISTED]
        listed = tuple(Item(f"preset.{name}", tidy(name) or "…", LoadPreset(name=name)) for name in names)
        more = (Item("presets.more", self._word("more"), OpenPanel("settings")),)
        children = (*listed, *more) if len(self._desk.presets) > MOST_LISTED else listed
        return Item("presets", self._word("presets"), enabled=idle and bool(children), children=children)

    def panel(self) -> Item:
        return Item("panel", self._word("panel"), OpenPanel(), default=True)

    def sound_check(self) -> Item:
        live = match_is_live(self._state)
        return Item("sound_check", self._word("sound_check"), OpenPanel("setup", ask="sound"), enabled=not live)

    def rehearsal(self) -> Item:
        """Rehearse, or end the rehearsal; not while a real session runs."""
        if self._desk.rehearsing:
            return Item("rehearsal", self._word("end_rehearsal"), StopRehearsal())
        idle = self._state is None or self._state.phase is Phase.IDLE
        return Item("rehearsal", self._word("rehearse"), StartRehearsal(), enabled=idle)

    def language(self) -> Item:
        children = tuple(self._language(each) for each in Language)
        return Item("language", self._word("language"), children=children)

    def start_at_login(self) -> Item:
        wanted = self._desk.preferences.start_at_login
        changed = structs.replace(self._desk.preferences, start_at_login=not wanted)
        return Item("login", self._word("login"), SetPreferences(preferences=changed), checked=wanted)

    def version(self) -> Item:
        text = self._word("version").format(version=tidy(self._desk.version))
        return Item("version", text, OpenPanel("about"))

    def diagnostics(self) -> Item:
        return Item("diagnostics", self._word("diagnostics"), OpenPanel("chain"))

    def quit(self) -> Item:
        """Quit; the panel asks first while a real session runs."""
        asked = on_air(self._state) and not self._desk.rehearsing
        action: Action = OpenPanel("mixer", ask="quit") if asked else Quit()
        return Item("quit", self._word("quit_asking" if asked else "quit"), action)

    def _mute(self, source: SourceSpec) -> Item:
        text = self._word("mute").format(name=tidy(source.name) or source.channel)
        action = MuteSource(source=source.channel, muted=not source.muted)
        return Item(f"mute.{source.channel}", text, action, checked=source.muted, enabled=self._reachable)

    def _language(self, language: Language) -> Item:
        preferences = structs.replace(self._desk.preferences, language=language)
        chosen = self._desk.preferences.language is language
        text = LANGUAGE_NAMES.get(language) or self._word("language_auto")
        action = SetPreferences(preferences=preferences)
        return Item(f"language.{language}", text, action, checked=chosen, radio=True)

    def _word(self, key: str) -> str:
        return self._words[f"tray.{key}"]


def _joined(groups: Sequence[Menu]) -> Iterator[Item]:
    line = Item("line")
    for number, group in enumerate(groups):
        if number:
            yield replace(line, id=f"line.{number}")
        yield from group
