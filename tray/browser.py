"""Opens an address in the person's browser.

Python's own ``webbrowser`` does it on Windows and macOS. On Linux that asks ``xdg-settings`` first and looks for a
score of browsers, which takes half a second, and then calls ``xdg-open`` all the same.
"""

import os
import shlex
import shutil
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping

Find = Callable[[str], str | None]
"""Finds a program, as ``shutil.which``."""


def browse(link: str) -> None:
    """Open it, and return while the browser may still be starting; raises ``webbrowser.Error`` if there is none."""
    if sys.platform != "linux":
        if not webbrowser.open(link):
            raise webbrowser.Error("none of the system")
        return
    for command in commands(link, os.environ, shutil.which):
        try:
            _start(command)
        except OSError:
            continue
        return
    raise webbrowser.Error("neither $BROWSER nor xdg-open")


def commands(link: str, environ: Mapping[str, str], find: Find) -> Iterator[tuple[str, ...]]:
    """Yield what opens it on Linux, the best first: the commands in $BROWSER, a ``%s`` in them is the link; xdg-open.

    Those whose program is not there, or that can't be read, are left out.
    """
    for wanted in (*environ.get("BROWSER", "").split(os.pathsep), "xdg-open"):
        try:
            words = shlex.split(wanted)
        except ValueError:
            continue
        if words and find(words[0]) is not None:
            filled = tuple(word.replace("%s", link) for word in words)
            yield filled if "%s" in wanted else (*filled, link)


def _start(command: tuple[str, ...]) -> None:
    """Start it apart from us: it may live longer, and what it writes is not ours."""
    process = subprocess.Popen(  # noqa: S603 - what the person chose as their browser
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, name="browser", daemon=True).start()  # else it stays a zombie
