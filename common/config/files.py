"""Files that are either the old or the new one, whatever happens in between."""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by a file with ``data`` that only its owner can read; raises OSError and leaves the old file.

    Temporary file beside it, fsync, rename, fsync of the folder: after a power cut there is the old file or the new
    one, never half of one (without the last step the rename itself may be forgotten).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - beside the other calls of this walk
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - likewise
        raise
    _sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what a killed :func:`write_atomically` left beside ``path``; failing does no harm."""
    with suppress(OSError):
        for leftover in path.parent.glob(f".{path.stem}.*.new"):
            leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename durable; Windows has no such call and journals the rename itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
