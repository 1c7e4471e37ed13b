"""``dev.py test``: the whole test suite, on both cores; what is given after it goes to pytest.

Journeys, and the browser's test of an engine that is killed, measure gaps in real time and would spoil each other's
figures, so they run one after another once the rest is done.
"""

import subprocess
import sys

from devtools import debian

ALONE = ("tests/journeys", "tests/browser/test_engine_away.py")


def pytest(*arguments: str) -> int:
    """Run pytest in this environment and return its exit status."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def main(arguments: list[str]) -> int:
    """Run what was asked for, or everything in two rounds."""
    if arguments:
        return pytest(*arguments)
    debian.prepare()
    rooms = pytest("-q", "-n", "2", "--dist", "loadgroup", *(f"--ignore={each}" for each in ALONE), "tests")
    alone = pytest("-q", *ALONE)
    return rooms or alone


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
