"""``~/.config/autostart``: a desktop entry (freedesktop.org, Desktop Entry Specification 1.5)."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tray.autostart import entry

_OURS: Final = "discord-voice-comm.desktop"
_HIDDEN: Final = re.compile(r"^(Hidden=true|X-GNOME-Autostart-enabled=false)$", re.MULTILINE)


def folder() -> Path:
    """Return where desktops look for what to start; it may not exist."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "autostart"


def content(label: str, command: Sequence[str]) -> str:
    """Return the entry; ``command`` is the program and its arguments, any characters but newlines."""
    lines = (
        "[Desktop Entry]",
        "Type=Application",
        f"Name={label}",
        f"Exec={' '.join(map(_argument, command))}",
        "Terminal=false",
        "X-GNOME-Autostart-enabled=true",
    )
    return "\n".join(lines) + "\n"


def _argument(text: str) -> str:
    """Quote one argument of Exec.

    Inside quotes four characters take a backslash; then the whole value is a string, in which a backslash takes
    another one; a percent sign would begin a field code.
    """
    quoted = re.sub(r'(["`$\\])', r"\\\1", text).replace("%", "%%")
    return '"' + quoted.replace("\\", "\\\\") + '"'


class DesktopEntry:
    """Our file among those that a desktop starts."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._path = folder() / _OURS

    def is_on(self) -> bool:
        """Whether it is there, and not switched off by the desktop's own settings."""
        try:
            return _HIDDEN.search(self._path.read_text("utf-8")) is None
        except (OSError, UnicodeDecodeError):
            return False

    def switch(self, on: bool, command: Sequence[str]) -> None:
        """Write or remove it."""
        if on:
            entry.write(self._path, content(self._label, command).encode())
        else:
            entry.remove(self._path)
