"""Global hotkeys, off unless a person wants them: kill and mute while another program has the keyboard.

pynput watches the whole keyboard in a thread of its own, which Wayland has no way for and macOS allows only by hand.
"""

import os
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from common.errors import ErrorCode, RelayError

KEYS: Final[Mapping[str, str]] = MappingProxyType({"kill": "<ctrl>+<alt>+<shift>+k", "mute": "<ctrl>+<alt>+<shift>+m"})
"""What is pressed for what, as pynput writes it; three modifiers, so that nobody does it by accident."""


class Hotkeys:
    """Watches the keyboard while it is on.

    ``actions``, by the names of KEYS, are called in pynput's thread: they return at once and raise nothing.
    """

    def __init__(self, actions: Mapping[str, Callable[[], None]]) -> None:
        self._actions = actions
        self._listener: Any = None

    @property
    def on(self) -> bool:
        """Whether the keyboard is watched now."""
        return self._listener is not None and self._listener.is_alive()

    def start(self) -> None:
        """Watch the keyboard; raises HOTKEYS_WAYLAND, HOTKEYS_PERMISSION or HOTKEYS_UNAVAILABLE with the reason."""
        if self.on:
            return
        hindrance = hindered(sys.platform, os.environ)
        if hindrance is not None:
            raise RelayError(hindrance)
        try:
            self._listener = self._listen()
        except RelayError:
            raise
        except Exception as error:  # no display, no library, no right: whatever the toolkit raises
            raise RelayError(ErrorCode.HOTKEYS_UNAVAILABLE, reason=type(error).__name__) from error

    def stop(self) -> None:
        """Leave the keyboard alone."""
        if self._listener is not None:
            self._listener.stop()  # nothing comes after that; on X11 its thread ends with the next key only
            self._listener = None

    def _listen(self) -> Any:  # noqa: ANN401 - pynput has no types
        from pynput import keyboard  # noqa: PLC0415 - without a display the import itself fails

        listener = keyboard.GlobalHotKeys({KEYS[name]: action for name, action in self._actions.items()})
        listener.daemon = True
        listener.start()
        listener.wait()
        if not getattr(listener, "IS_TRUSTED", True):  # macOS says it only after the start
            listener.stop()
            raise RelayError(ErrorCode.HOTKEYS_PERMISSION)
        return listener


def hindered(platform: str, environ: Mapping[str, str]) -> ErrorCode | None:
    """Return why this system can't have them, as far as it is known beforehand."""
    wayland = environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland"
    if platform == "linux" and wayland:
        return ErrorCode.HOTKEYS_WAYLAND
    return None
