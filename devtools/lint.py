"""``dev.py lint``: ruff, mypy --strict, import-linter; all run, the worst result is the exit status."""

import shutil
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(sys.executable).parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)


def run(check: tuple[str, ...]) -> int:
    """Run one check from our own environment and return its exit status."""
    print(f"--- {' '.join(check)}", flush=True)
    program = shutil.which(check[0], path=str(SCRIPTS))
    if program is None:
        print(f"{check[0]} is not installed in {SCRIPTS}", file=sys.stderr)
        return 1
    return subprocess.run([program, *check[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(max(map(run, CHECKS)))
