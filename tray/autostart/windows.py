"""The current user's Run key: a command line per program, started at login."""

import importlib
import subprocess
from collections.abc import Sequence
from typing import Any, Final

from tray.autostart.entry import failed

RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"


def content(command: Sequence[str]) -> str:
    """Return the command line, quoted as Windows programs take theirs apart."""
    return subprocess.list2cmdline(command)


class RunKey:
    """Our value under the Run key."""

    def __init__(self, label: str) -> None:
        self._label = label

    def is_on(self) -> bool:
        """Whether it is there."""
        registry = _registry()
        try:
            with registry.OpenKey(registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                registry.QueryValueEx(key, self._label)
        except OSError:
            return False
        return True

    def switch(self, on: bool, command: Sequence[str]) -> None:
        """Set or delete it; raises AUTOSTART_FAILED."""
        registry = _registry()
        try:
            with registry.CreateKey(registry.HKEY_CURRENT_USER, RUN_KEY) as key:
                if on:
                    registry.SetValueEx(key, self._label, 0, registry.REG_SZ, content(command))
                elif self.is_on():
                    registry.DeleteValue(key, self._label)
        except OSError as error:
            raise failed(error) from error


def _registry() -> Any:  # noqa: ANN401 - the module exists, and has types, on Windows only
    return importlib.import_module("winreg")
