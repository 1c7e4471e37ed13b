"""Settings survive crashes, broken files, full disks and newer versions."""

import contextlib
import datetime as dt
import os
import stat

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config.schema import CONFIG_VERSION, Config, Language
from common.config.store import ConfigStore
from common.errors import ConfigError, ErrorCode
from common.protocol.spec import StripSpec

OLD, NEW = Config(language=Language.JA, strips={"1": StripSpec(gain=0.5)}), Config(language=Language.EN, guild="7")
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def store(tmp_path):
    return ConfigStore(tmp_path / "settings" / "config.json", lambda: NOW)


def reopened(store):
    return ConfigStore(store.path, lambda: NOW)


def test_without_a_file_there_are_defaults(store):
    loaded = store.load()
    assert loaded.config == Config()
    assert loaded.problem is None
    assert not store.path.exists()


def test_what_was_saved_is_loaded(store):
    store.save(OLD)
    assert reopened(store).load().config == OLD
    if os.name != "nt":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def broken_at(monkeypatch, call, nth, fault):
    """Have the ``nth`` and every later such call fail; a dead process cleans nothing up either."""
    original, calls = getattr(os, call), 0

    def fails(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls > nth:
            raise fault
        return original(*arguments, **options)

    def dead(*_arguments, **_options):
        raise fault

    monkeypatch.setattr(f"os.{call}", fails)
    monkeypatch.setattr("os.unlink", dead)


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("nth", range(4))
def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_settings(store, monkeypatch, call, nth):
    store.save(OLD)
    with monkeypatch.context() as broken:
        broken_at(broken, call, nth, Killed())
        with contextlib.suppress(Killed):
            store.save(NEW)
    loaded = reopened(store).load()
    assert loaded.config in (OLD, NEW)
    assert loaded.problem is None
    assert [path.name for path in store.path.parent.iterdir() if path.name.endswith(".new")] == []


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_full_disk_is_told_and_leaves_the_old_settings(store, monkeypatch, call):
    store.save(OLD)
    with monkeypatch.context() as broken:
        broken_at(broken, call, 0, OSError(28, "No space left on device"))
        with pytest.raises(ConfigError) as refused:
            store.save(NEW)
    assert refused.value.code is ErrorCode.CONFIG_NOT_SAVED
    assert reopened(store).load().config == OLD


def test_the_file_is_on_the_disk_before_it_takes_the_old_ones_place(store, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(f"os.{name}", lambda *a, name=name, original=original: (order.append(name), original(*a)))
    store.save(NEW)
    assert order[:3] == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "sources": 5}', b"\xff\xfe", b'{"version": 0}'])
def test_a_broken_file_is_put_aside_and_the_last_good_one_used(store, content):
    store.save(OLD)
    store.path.write_bytes(content)
    loaded = reopened(store).load()
    assert loaded.config == OLD
    assert loaded.problem is not None
    assert loaded.problem.code is ErrorCode.CONFIG_INVALID
    aside = store.path.with_name("config.broken-20261124T120000000000Z.json")
    assert loaded.problem.details["aside"] == str(aside)
    assert aside.read_bytes() == content
    again = reopened(store).load()
    assert (again.config, again.problem) == (OLD, None)


def test_a_broken_file_without_a_copy_gives_defaults(store):
    store.path.parent.mkdir()
    store.path.write_bytes(b'{"version": 1, "language": "xx"}')
    loaded = store.load()
    assert loaded.config == Config()
    assert loaded.problem is not None
    assert loaded.problem.details["path"] == "$.language"


def test_a_broken_copy_does_no_harm(store):
    store.save(OLD)
    store.path.write_bytes(b"{")
    store.last_good.write_bytes(b"{")
    assert store.load().config == Config()


def test_what_can_not_be_read_is_no_reason_not_to_start(store):
    store.path.mkdir(parents=True)
    loaded = store.load()
    assert loaded.config == Config()
    assert loaded.problem is not None
    assert loaded.problem.code is ErrorCode.CONFIG_UNREADABLE


def test_a_file_edited_by_hand_becomes_the_last_good_one(store):
    store.save(OLD)
    store.path.write_bytes(msgspec.json.encode(NEW))
    assert store.load().config == NEW
    store.path.write_bytes(b"{")
    assert store.load().config == NEW


@pytest.mark.parametrize("content", [None, b"{"])
def test_a_newer_versions_copy_is_told_and_never_written_over(store, content):
    newer = msgspec.json.encode({"version": CONFIG_VERSION + 1, "invention": True})
    store.path.parent.mkdir()
    store.last_good.write_bytes(newer)
    if content is not None:
        store.path.write_bytes(content)
    loaded = store.load()
    assert loaded.config == Config()
    assert loaded.problem is not None
    assert loaded.problem.code is ErrorCode.CONFIG_NEWER
    assert loaded.problem.details["file"] == str(store.last_good)
    assert ("aside" in loaded.problem.details) == (content is not None)
    store.save(OLD)
    assert store.last_good.read_bytes() == newer
    again = reopened(store).load()
    assert (again.config, again.problem) == (OLD, None)
    assert store.last_good.read_bytes() == newer


def test_a_newer_version_is_never_written_over(store):
    content = msgspec.json.encode({"version": CONFIG_VERSION + 1, "invention": True})
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    loaded = store.load()
    assert loaded.config == Config()
    assert loaded.problem is not None
    assert loaded.problem.code is ErrorCode.CONFIG_NEWER
    for each in (store, reopened(store)):
        with pytest.raises(ConfigError) as refused:
            each.save(OLD)
        assert refused.value.code is ErrorCode.CONFIG_NEWER
    assert store.path.read_bytes() == content


@given(st.binary(max_size=300) | st.builds(lambda cut: msgspec.json.encode(OLD)[:cut], st.integers(0, 200)))
@settings(max_examples=200, deadline=None)
def test_no_content_stops_a_start(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "config.json"
    path.write_bytes(content)
    loaded = ConfigStore(path, lambda: NOW).load()
    assert isinstance(loaded.config, Config)
    assert loaded.problem is not None or loaded.config == OLD
