"""``~/Library/LaunchAgents``: a property list for launchd (man launchd.plist)."""

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tray.autostart import entry


def folder() -> Path:
    """Return where launchd looks for what to start at login; it may not exist."""
    return Path.home() / "Library" / "LaunchAgents"


def content(label: str, command: Sequence[str]) -> dict[str, Any]:
    """Return the property list: started once at login, treated as what a person uses, not kept alive."""
    return {
        "Label": label,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": False,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": "Aqua",
    }


class LaunchAgent:
    """Our file among those of launchd; it holds from the next login on."""

    def __init__(self, label: str) -> None:
        self._label = f"{label}.login"
        self._path = folder() / f"{self._label}.plist"

    def is_on(self) -> bool:
        """Whether it is there and asks to be started."""
        try:
            found = plistlib.loads(self._path.read_bytes())
        except (OSError, ValueError, plistlib.InvalidFileException):
            return False
        return isinstance(found, dict) and bool(found.get("RunAtLoad"))

    def switch(self, on: bool, command: Sequence[str]) -> None:
        """Write or remove it."""
        if on:
            entry.write(self._path, plistlib.dumps(content(self._label, command)))
        else:
            entry.remove(self._path)
