"""Settings are on the disk soon after they change, once for many changes, and at the latest at the end."""

import asyncio
import datetime as dt

import pytest

from common.config.schema import Config, Language
from common.config.store import ConfigStore
from common.errors import ConfigError, ErrorCode
from common.protocol.spec import StripSpec
from tray.settings import SAVE_SECONDS, Settings


class CountingStore(ConfigStore):
    def __init__(self, path):
        super().__init__(path, lambda: dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
        self.saves = []
        self.refusal = None

    def save(self, config):
        if self.refusal is not None:
            raise self.refusal
        super().save(config)
        self.saves.append(config)


class Pause:
    """Sleeps that end when the test says so."""

    def __init__(self):
        self.asked = []
        self.over = asyncio.Event()

    async def __call__(self, seconds):
        self.asked.append(seconds)
        await self.over.wait()
        self.over.clear()


@pytest.fixture
def store(tmp_path):
    return CountingStore(tmp_path / "config.json")


def quieter(gain):
    return Config(language=Language.JA, strips={"7": StripSpec(gain=gain)})


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_changes_are_saved_once(store):
    pause = Pause()
    settings = Settings(store, sleep=pause)
    for gain in (0.9, 0.8, 0.7):
        settings.change(quieter(gain))
        await turns()
    assert store.saves == []
    pause.over.set()
    await turns()
    assert store.saves == [quieter(0.7)]
    assert pause.asked == [SAVE_SECONDS]
    settings.change(quieter(0.6))
    await turns()
    pause.over.set()
    await turns()
    assert store.saves[1:] == [quieter(0.6)]
    await settings.close()
    assert Settings(CountingStore(store.path)).config == quieter(0.6)


async def test_what_waits_is_saved_at_the_end(store):
    settings = Settings(store, sleep=Pause())
    settings.change(quieter(0.5))
    await turns()
    await settings.close()
    assert store.saves == [quieter(0.5)]


async def test_what_did_not_change_is_not_written(store):
    settings = Settings(store, sleep=Pause())
    settings.change(Config())
    await settings.close()
    assert not store.path.exists()


async def test_a_full_disk_is_told_and_the_next_change_tries_again(store):
    pause = Pause()
    settings = Settings(store, sleep=pause)
    store.refusal = ConfigError(ErrorCode.CONFIG_NOT_SAVED, file="x", reason="full")
    settings.change(quieter(0.5))
    await turns()
    pause.over.set()
    await turns()
    assert settings.problem is store.refusal
    assert settings.config == quieter(0.5)
    store.refusal = None
    settings.change(quieter(0.4))
    await turns()
    pause.over.set()
    await turns()
    assert (store.saves, settings.problem) == ([quieter(0.4)], None)
    await settings.close()


def test_a_broken_file_is_told(store):
    store.path.write_bytes(b"{")
    settings = Settings(store)
    assert settings.problem is not None
    assert settings.problem.code is ErrorCode.CONFIG_INVALID
