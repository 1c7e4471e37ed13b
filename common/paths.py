"""Where our files are: settings, state and the runtime folder of this user."""

import os
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs

APP = "discord-voice-comm"

LONGEST_RUNTIME_FOLDER = 82
"""Bytes; what is left of a socket's 103 for the longest name in it, ``engine-12345678.sock``."""


def config_folder() -> Path:
    """Return the folder of the settings; it may not exist yet."""
    return platformdirs.user_config_path(APP, appauthor=False)


def state_folder() -> Path:
    """Return the folder of what is worth keeping but was never set by a person; it may not exist yet."""
    return platformdirs.user_state_path(APP, appauthor=False)


def runtime_folder() -> Path:
    """Make and return the folder of the control socket, which only its owner can enter.

    Not platformdirs': without XDG_RUNTIME_DIR it warns and names a folder that it does not make. A socket's path must
    stay under 104 bytes (macOS), so the folder is near the root. Raises PermissionError when somebody else made it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir() and len(os.fsencode(Path(base) / APP)) <= LONGEST_RUNTIME_FOLDER:
        return private_folder(Path(base) / APP)
    owner = "" if sys.platform == "win32" else f"-{os.getuid()}"
    return private_folder(Path(tempfile.gettempdir()) / f"{APP}{owner}")


def private_folder(folder: Path) -> Path:
    """Make ``folder`` (mode 0700) unless it is there; raises PermissionError when it is not ours alone.

    In a shared temporary folder another user may have made it first, or a link to somewhere else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform != "win32":
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{folder} is not a folder of ours")
        folder.chmod(0o700)
    return folder
