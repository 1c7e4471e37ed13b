"""Log records as JSON lines or as text for a terminal, written by a thread of their own.

Nothing is redacted afterwards: a token is a :class:`common.secret.Secret`, which prints as ``Secret(…)`` however a
record is formatted. A message is static text with arguments; a person's name or id goes in as an argument.
"""

import datetime as dt
import json
import logging
import sys
from enum import StrEnum

from common.line_writer import LineWriter


class LogFormat(StrEnum):
    """How a record is written."""

    JSON = "json"
    TEXT = "text"


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class LineHandler(logging.Handler):
    """Hands formatted records to a LineWriter, so that a blocked terminal blocks nobody who logs."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self.writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Format here, in the caller's thread: arguments may change afterwards."""
        try:
            self.writer.write(self.format(record).encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001 - logging's own contract: a bad record is handed to handleError
            self.handleError(record)

    def close(self) -> None:
        """Write what is queued, for half a second at most."""
        self.writer.close()
        super().close()


def formatter(form: LogFormat) -> logging.Formatter:
    """Return the formatter of ``form``."""
    if form is LogFormat.JSON:
        return _JsonFormatter()
    return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")


def configure(*, form: LogFormat | None = None, level: int = logging.INFO) -> None:
    """Send everything to standard error; by default as text on a terminal, else as JSON lines."""
    handler = LineHandler(LineWriter(sys.__stderr__.fileno() if sys.__stderr__ else 2, name="log-writer"))
    terminal = bool(sys.__stderr__ and sys.__stderr__.isatty())
    handler.setFormatter(formatter(form or (LogFormat.TEXT if terminal else LogFormat.JSON)))
    logging.basicConfig(handlers=[handler], level=level, force=True)
