"""Every system gets its own way."""

import sys
from types import SimpleNamespace

import pytest

from tray.autostart import choosing
from tray.autostart.linux import DesktopEntry
from tray.autostart.macos import LaunchAgent
from tray.autostart.windows import RunKey


@pytest.mark.parametrize(
    ("platform", "kind"),
    [("linux", DesktopEntry), ("freebsd14", DesktopEntry), ("darwin", LaunchAgent), ("win32", RunKey)],
)
def test_every_system_has_its_own(platform, kind):
    assert isinstance(choosing.of_this_system(platform), kind)


def test_from_a_checkout_it_is_a_module_of_python_s(monkeypatch):
    assert choosing.login_command() == (sys.executable, "-m", "tray", "--at-login")
    monkeypatch.setattr(choosing, "sys", SimpleNamespace(frozen=True, executable="/opt/relay/relay-tray"))
    assert choosing.login_command() == ("/opt/relay/relay-tray", "--at-login")
