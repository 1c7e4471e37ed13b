"""A file that makes a desktop start us: there or not there."""

from contextlib import suppress
from pathlib import Path

from common.config.files import write_atomically
from common.errors import ErrorCode, RelayError


def failed(error: OSError) -> RelayError:
    """Return what to tell the person of a refusal by the system."""
    return RelayError(ErrorCode.AUTOSTART_FAILED, reason=error.strerror or type(error).__name__)


def write(path: Path, content: bytes) -> None:
    """Have exactly ``content`` there; a file that is right already is left alone. Raises AUTOSTART_FAILED."""
    try:
        with suppress(FileNotFoundError):
            if path.read_bytes() == content:
                return
        write_atomically(path, content)
    except OSError as error:
        raise failed(error) from error


def remove(path: Path) -> None:
    """Have nothing there. Raises AUTOSTART_FAILED."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise failed(error) from error
