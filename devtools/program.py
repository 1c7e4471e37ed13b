"""The program in a home of its own, without an icon, beside a simulated Discord: for pictures and browser tests."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtools.demo import first_line, running, stop

Json = dict[str, Any]


class Program:
    """A running tray; ``link`` logs a browser in once, ``discord`` is what the simulator says of itself."""

    def __init__(self, home: Path, runtime: Path, discord: Json, environment: Mapping[str, str]) -> None:
        self.home = home
        self.discord = discord
        (home / "discord.json").write_text(json.dumps(discord), "utf-8")
        self._environment = {**at_home(home, runtime), **environment}
        self.process = self.start()

    def start(self) -> "subprocess.Popen[str]":
        """Start it, or start it once more, which opens another link."""
        command = [sys.executable, "-m", "tray", "--no-tray", "--discord", str(self.home / "discord.json")]
        return subprocess.Popen(command, env=self._environment, text=True, cwd=self.home)

    def restart(self) -> None:
        """End it as the system does, and start it anew."""
        stop(self.process)
        self.process = self.start()

    def link(self) -> str:
        """Return the next link that is opened; waits for it."""
        return (self.home / "links").read_text("utf-8").strip()


def at_home(home: Path, runtime: Path) -> dict[str, str]:
    """Return the environment of a person whose browser only notes what it is told, in the pipe ``home/links``."""
    browser = home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{home}/links"\n', "utf-8")
    browser.chmod(0o755)
    os.mkfifo(home / "links")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DBUS", "DVC_"))},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(runtime),
        "BROWSER": str(browser),
    }


@contextmanager
def program(home: Path, *simulator: str, **environment: str) -> Iterator[Program]:
    """Run a simulator, with its own options, and the program until the block ends."""
    # A socket's path is short, which a test's home is not.
    with (
        tempfile.TemporaryDirectory(prefix="relay-") as runtime,
        running(["simulator", "--folder", str(home), *simulator]) as discord_process,
    ):
        made = Program(home, Path(runtime), first_line(discord_process), environment)
        try:
            yield made
        finally:
            stop(made.process)
