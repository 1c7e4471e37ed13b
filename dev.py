#!/usr/bin/env python3
"""The one door for people: demo, test, lint, bench.

Runs on a bare Python 3.11 or newer: makes ``.venv`` beside this file, installs what the command needs, then hands
over to :mod:`devtools` inside it. Standard library only, since nothing else is there yet.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
COMMANDS = {
    "demo": ("", "relay two simulated teams to a caster channel and show every hop"),
    "test": ("dev", "run the tests"),
    "lint": ("dev", "ruff, mypy --strict, import-linter"),
    "web": ("dev", "build the panel's page into tray/panel/static: web [build|check|test]"),
    "screenshots": ("dev", "take the pictures of the guides anew, into docs/images"),
    "bench": ("bench", "run benchmarks: bench [NAME] [--json FILE] [--page]"),
}
"""Command → (extra of pyproject.toml that it needs, what it does)."""


def venv_python() -> Path:
    """Return the interpreter of our own environment, whether or not it exists yet."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(extra: str) -> str:
    """Return a digest of all that decides what must be installed."""
    parts = (sys.version, extra, (ROOT / "pyproject.toml").read_text("utf-8"), str(ROOT))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def has_pip() -> bool:
    """Tell whether the environment is whole; one that was interrupted while being made is not."""
    return (
        venv_python().exists()
        and subprocess.run(
            [str(venv_python()), "-m", "pip", "--version"],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
        == 0
    )


def create_venv() -> None:
    """Make ``.venv``; Debian splits the part that puts pip into it into a package of its own, so fetch that first."""
    try:
        import ensurepip  # noqa: F401, PLC0415  its absence is what we ask about
    except ImportError:
        install_debian_venv()
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=os.name != "nt").create(VENV)


def install_debian_venv() -> None:
    """Install Debian's venv package where we may, else say what is missing."""
    install_debian(f"python3.{sys.version_info.minor}-venv", "This Python can't make virtual environments.")


def install_debian(package: str, lack: str) -> None:
    """Install a Debian package where we may; else end with ``lack``, a sentence about what is missing without it."""
    apt = shutil.which("apt-get")
    if apt is None or os.name == "nt" or os.geteuid() != 0:
        sys.exit(f"{lack} Install it with: sudo apt-get install {package}")
    subprocess.run([apt, "update", "-q"], check=False, stdout=subprocess.DEVNULL)
    subprocess.run([apt, "install", "-y", "-q", package], check=True, stdout=subprocess.DEVNULL)


def prepare(extra: str) -> None:
    """Bring ``.venv`` to what ``extra`` needs; a stamp per extra makes the second call cost nothing."""
    stamp = VENV / f".ready-{extra or 'base'}"
    if stamp.exists() and stamp.read_text("utf-8") == fingerprint(extra):
        return
    if not has_pip():
        print("Preparing .venv (only the first time) ...", file=sys.stderr)
        create_venv()
    target = f".[{extra}]" if extra else "."
    pip = [str(venv_python()), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", target]
    if subprocess.run(pip, cwd=ROOT, check=False).returncode:
        sys.exit("The packages could not be installed: see pip's message above.")
    stamp.write_text(fingerprint(extra), "utf-8")


def usage() -> str:
    """Return the help text."""
    lines = [f"  {name:11} {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(["usage: python3 dev.py COMMAND [OPTION ...]", "", *lines])


def main(arguments: list[str]) -> int:
    """Prepare the environment and run the command inside it; its exit status is ours."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("Python 3.11 or newer is needed.")
    if not arguments or arguments[0] not in COMMANDS:
        print(usage())
        return 0 if arguments[:1] in (["--help"], ["-h"]) else 2
    prepare(COMMANDS[arguments[0]][0])
    command = [str(venv_python()), "-m", f"devtools.{arguments[0]}", *arguments[1:]]
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
