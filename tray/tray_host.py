"""Whether somebody on this Linux desktop shows tray icons, and in which of the two ways.

A StatusNotifierHost on the session bus (KDE, Xfce, GNOME with an extension) or the older XEmbed tray of the X screen.
Without either an icon would be made and never seen.
"""

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final


class Host(StrEnum):
    """Who shows icons."""

    STATUS_NOTIFIER = "status_notifier"
    XEMBED = "xembed"
    NONE = "none"


_WATCHER: Final = "org.kde.StatusNotifierWatcher"
_ANSWER_MS: Final = 1000
"""Patience with a bus that hangs."""
_AYATANA: Final = (("AyatanaAppIndicator3", "0.1"), ("AppIndicator3", "0.1"))


def find_host(environ: Mapping[str, str]) -> Host:
    """Return the better host there is; asks the bus and the X server, so it takes some milliseconds. Never raises."""
    if not environ.get("DISPLAY") and not environ.get("WAYLAND_DISPLAY"):
        return Host.NONE
    if _bus_announced(environ) and _bus_reachable():
        if _notifier_host() and _indicator_library():
            return Host.STATUS_NOTIFIER
        if environ.get("DISPLAY") and _xembed_host():
            return Host.XEMBED
    return Host.NONE


def _bus_announced(environ: Mapping[str, str]) -> bool:
    """Whether there is a session bus to ask: GLib would start one of its own on the X screen, which nobody else is on.

    It would also stay when we end.
    """
    folder = environ.get("XDG_RUNTIME_DIR", "")
    return bool(environ.get("DBUS_SESSION_BUS_ADDRESS")) or bool(folder and (Path(folder) / "bus").exists())


def _bus_reachable() -> bool:
    """Both ways need the session bus: pystray's GTK backends connect to it for notifications."""
    with contextlib.suppress(Exception):  # no gi, no bus, a bus that refuses us
        return _bus() is not None
    return False


def _bus() -> Any:  # noqa: ANN401 - gi has no types
    from gi.repository import Gio  # noqa: PLC0415 - only where there is a desktop

    return Gio.bus_get_sync(Gio.BusType.SESSION, None)


def _notifier_host() -> bool:
    with contextlib.suppress(Exception):  # nobody has the name, or it does not answer
        from gi.repository import GLib  # noqa: PLC0415 - likewise

        wanted = GLib.Variant("(ss)", (_WATCHER, "IsStatusNotifierHostRegistered"))
        where = (_WATCHER, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties", "Get")
        answer = _bus().call_sync(*where, wanted, GLib.VariantType("(v)"), 0, _ANSWER_MS, None)
        return bool(answer.unpack()[0])
    return False


def _indicator_library() -> bool:
    """Whether the library that speaks with such hosts is installed."""
    import gi  # noqa: PLC0415 - asked after the bus, so it is there

    for name, version in _AYATANA:
        with contextlib.suppress(ValueError):
            gi.require_version(name, version)
            return True
    return False


def _xembed_host() -> bool:
    with contextlib.suppress(Exception):  # no X server, or it refuses us
        from Xlib.display import Display  # noqa: PLC0415 - likewise

        display = Display()
        try:
            selection = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
            return bool(display.get_selection_owner(selection) != 0)
        finally:
            display.close()
    return False
