"""What a record looks like, and what is never in one."""

import json
import logging
import os

import pytest

from common.line_writer import LineWriter
from common.logging import LineHandler, LogFormat, formatter
from common.secret import Secret


@pytest.fixture
def written():
    """Give a function that logs one record and returns the line that came out."""

    def write(form, message, *arguments, exc_info=None):
        reading, writing = os.pipe()
        handler = LineHandler(LineWriter(writing, name="test"))
        handler.setFormatter(formatter(form))
        record = logging.LogRecord("room", logging.WARNING, __file__, 1, message, arguments, exc_info)
        handler.handle(record)
        handler.close()
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            return pipe.read().decode()

    return write


def test_json_is_one_line_with_the_arguments_filled_in(written):
    line = written(LogFormat.JSON, "bot %s\nis %s", "選手", "here")
    entry = json.loads(line)
    assert line.count("\n") == 1
    assert entry["message"] == "bot 選手\nis here"
    assert (entry["level"], entry["logger"]) == ("warning", "room")
    assert entry["time"].endswith("+00:00")


def test_an_exception_is_in_the_record(written):
    error = ValueError("no")
    entry = json.loads(written(LogFormat.JSON, "failed", exc_info=(ValueError, error, None)))
    assert "ValueError: no" in entry["exception"]


@pytest.mark.parametrize("form", LogFormat)
def test_a_token_is_never_in_a_record(written, form):
    token = Secret("hunter2")
    assert "hunter2" not in written(form, "token %s %r in %s", token, token, {"t": token})


def test_a_broken_surrogate_does_not_lose_the_record(written):
    assert "name" in written(LogFormat.TEXT, "name %s", "\ud800")
