"""The runtime folder belongs to one user and nobody else gets in."""

import socket
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from common import paths

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix permissions")


@pytest.fixture
def near_the_root():
    with tempfile.TemporaryDirectory(prefix="relay-") as folder:
        yield Path(folder)


def test_it_is_made_for_its_owner_alone(near_the_root, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(near_the_root))
    folder = paths.runtime_folder()
    assert folder.parent == near_the_root
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_a_runtime_folder_of_the_system_it_is_a_temporary_one_of_this_user(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert paths.runtime_folder().parent == tmp_path


def test_a_folder_too_deep_for_a_socket_s_path_is_not_used(near_the_root, tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", str(near_the_root))
    folder = paths.runtime_folder()
    assert folder.parent == near_the_root
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "engine-12345678.sock"))


def test_an_open_folder_is_shut(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    paths.private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_in_its_place_is_refused(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        paths.private_folder(link)


def test_somebody_elses_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(PermissionError):
        paths.private_folder(Path(tmp_path) / "theirs")
