"""Which system's way of starting at login is ours, and by what command."""

import sys
from collections.abc import Sequence
from typing import Final, Protocol

from tray.autostart import linux, macos, windows

LABEL: Final = "DiscordVoiceComm"


class Autostart(Protocol):
    """Whether and how the program starts when the person logs in."""

    def is_on(self) -> bool:
        """Whether it does."""

    def switch(self, on: bool, command: Sequence[str]) -> None:
        """Have it start by ``command`` (program and arguments), or not; doing it twice is no mistake.

        Raises AUTOSTART_FAILED with the system's reason.
        """


def of_this_system(platform: str = sys.platform) -> Autostart:
    """Return what fits ``platform`` (``sys.platform``)."""
    if platform == "win32":
        return windows.RunKey(LABEL)
    if platform == "darwin":
        return macos.LaunchAgent(LABEL)
    return linux.DesktopEntry(LABEL)


def login_command() -> tuple[str, ...]:
    """Return what to start at login: a bundle is its own program, else it is a module of Python's."""
    own = (sys.executable,) if getattr(sys, "frozen", False) else (sys.executable, "-m", "tray")
    return (*own, "--at-login")
