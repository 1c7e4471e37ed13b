"""``python -m tray``: tokens in, engine up, clean end."""

import asyncio
import datetime as dt
import json
import os
import signal
import sys

import pytest

from common.config.schema import Config, Language
from common.config.store import ConfigStore
from common.errors import ErrorCode, RelayError
from common.protocol.spec import SessionSpec, StripSpec
from common.secret import Secret
from common.sentences import error_sentence, notice_sentence
from tray.__main__ import Keeper, read_tokens, run
from tray.resume import Memory
from tray.settings import Settings


def test_tokens_are_lines_up_to_an_empty_one():
    lines = ["A=one\n", " B = two=2 \n", "\n", "C=three\n"]
    assert read_tokens(lines) == {"A": Secret("one"), "B": Secret("two=2")}


@pytest.mark.skipif(sys.platform == "win32", reason="Unix signals")
async def test_it_ends_cleanly_with_its_engine(tmp_path):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tray",
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
    )
    process.stdin.write(b"A=invented\n\n")
    async with asyncio.timeout(20):
        while b"is connected" not in (line := await process.stderr.readline()):
            assert line, "it ended too early"
    process.send_signal(signal.SIGTERM)
    said = b"".join(await asyncio.wait_for(process.communicate(), 10))
    assert process.returncode == 0, said
    assert b"invented" not in said


def opened(path):
    return Settings(ConfigStore(path, lambda: dt.datetime.now(dt.UTC)))


async def test_strips_outlast_the_program(tmp_path):
    settings = opened(tmp_path / "config.json")
    Keeper(settings)(Memory(strips={"7": StripSpec(gain=0.5)}))
    await settings.close()
    assert opened(tmp_path / "config.json").config == Config(strips={"7": StripSpec(gain=0.5)})


async def test_sentences_are_in_the_language_that_was_chosen(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    settings, spec = opened(tmp_path / "config.json"), SessionSpec(guild="1", sources=(), destinations=())
    settings.change(Config(language=Language.JA))
    Keeper(settings)(Memory(spec=spec, kill=True))
    assert capsys.readouterr().err == notice_sentence("kill_on", "ja") + "\n"
    await settings.close()


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"language": "ja"}, error_sentence(ErrorCode.ENGINE_LOST, {}, "ja")),
        ({"language": "en"}, error_sentence(ErrorCode.ENGINE_LOST, {}, "en")),
        ({"language": "auto"}, error_sentence(ErrorCode.ENGINE_LOST, {}, "ja")),
    ],
)
async def test_why_it_ends_is_told_in_that_language_too(tmp_path, monkeypatch, capsys, written, sentence):
    async def fails(_self):
        raise RelayError(ErrorCode.ENGINE_LOST)

    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    monkeypatch.setattr("common.paths.config_folder", lambda: tmp_path)
    monkeypatch.setattr("tray.__main__.EngineSupervisor.start", fails)
    monkeypatch.setattr("tray.__main__.on_signals", lambda _loop, _done: None)
    (tmp_path / "config.json").write_text(json.dumps({"version": 1, **written}))
    assert await run({}) == 1
    assert capsys.readouterr().err == f"{sentence}\n"


async def test_the_kill_switch_is_told_once_each_way(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    settings, spec = opened(tmp_path / "config.json"), SessionSpec(guild="1", sources=(), destinations=())
    keeper = Keeper(settings)
    for memory in (Memory(), *[Memory(spec=spec, kill=True)] * 2, Memory(spec=spec), Memory(spec=spec, kill=True)):
        keeper(memory)
    keeper(Memory())  # stopped: nobody hears anything again
    assert [line[:22] for line in capsys.readouterr().err.splitlines()] == [
        "The kill switch is on:",
        "The kill switch is off",
        "The kill switch is on:",
    ]
    await settings.close()
