"""What the tests need besides Python packages, where Debian's packages can be had: tray hosts, a keyring, a browser.

Elsewhere, or without the right to install, the tests that need them skip and say what is missing.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final

PACKAGES: Final = (
    # a desktop on a screen that nobody sees
    "dbus",
    "dunst",
    "gir1.2-ayatanaappindicator3-0.1",
    "gir1.2-gtk-3.0",
    "gir1.2-notify-0.7",
    "openbox",
    "python3-gi",
    "trayer",
    "xdotool",
    "xfce4-panel",
    "xfconf",
    "xvfb",
    # a keychain, and what asks for its password
    "gcr",
    "gnome-keyring",
    # a browser that shows Japanese
    "chromium",
    "fonts-noto-cjk",
)

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a program, its output kept."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def missing(run: Run = run) -> list[str]:
    """Return the packages that are not installed."""
    listed = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES]).stdout
    there = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return [package for package in PACKAGES if package not in there]


def may_install() -> bool:
    """Whether this is Debian, or near enough, and we are root."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-query") is not None and os.geteuid() == 0


def prepare(run: Run = run, *, may: Callable[[], bool] = may_install) -> list[str]:
    """Install what is missing, if that may be; return what is still missing and say so."""
    if not may():
        return []
    lacking = missing(run)
    if lacking:
        print(f"Installing {len(lacking)} Debian packages for the tests ...", file=sys.stderr)
        run(["apt-get", "update", "-q"])
        run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking])
        lacking = missing(run)
    if lacking:
        print(f"Not installed, so some tests will be skipped: {' '.join(lacking)}", file=sys.stderr)
    return lacking
