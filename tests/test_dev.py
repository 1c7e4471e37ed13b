import subprocess
import sys
from types import SimpleNamespace

import pytest

import dev


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A checkout of nothing but pyproject.toml, with an environment that looks whole."""
    (tmp_path / "pyproject.toml").write_text("[project]\n", "utf-8")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "has_pip", lambda: True)
    return tmp_path


@pytest.fixture
def ran(monkeypatch):
    """Every command that would have run; they end with ``status``."""
    commands = SimpleNamespace(all=[], status=0)

    def run(command, **_options):
        commands.all.append(command)
        return subprocess.CompletedProcess(command, commands.status)

    monkeypatch.setattr(dev.subprocess, "run", run)
    return commands


def test_help_and_mistakes_name_every_command_but_only_help_is_a_success(capsys, ran):
    assert dev.main(["--help"]) == 0
    assert dev.main([]) == dev.main(["demoo"]) == 2
    out = capsys.readouterr().out
    assert all(out.count(f"  {command} ") == 3 for command in dev.COMMANDS)
    assert ran.all == []


def test_every_command_is_a_module_of_devtools():
    assert all((dev.ROOT / "devtools" / f"{command}.py").exists() for command in dev.COMMANDS)


def test_the_fingerprint_changes_with_all_that_decides_what_is_installed(folder, monkeypatch):
    first = dev.fingerprint("dev")
    assert dev.fingerprint("dev") == first
    assert dev.fingerprint("") != first
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    changed = dev.fingerprint("dev")
    assert changed != first
    monkeypatch.setattr(sys, "version", "4.0")
    assert dev.fingerprint("dev") != changed


def test_packages_are_installed_once_and_again_when_the_fingerprint_changes(folder, ran):
    dev.prepare("dev")
    dev.prepare("dev")
    assert [command[-1] for command in ran.all] == [".[dev]"]
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    dev.prepare("dev")
    assert len(ran.all) == 2


def test_an_installation_that_failed_leaves_no_stamp(folder, ran):
    ran.status = 1
    with pytest.raises(SystemExit, match="could not be installed"):
        dev.prepare("")
    ran.status = 0
    dev.prepare("")
    assert len(ran.all) == 2
    assert (folder / ".venv" / ".ready-base").exists()


def test_the_command_s_status_and_options_are_passed_on(folder, ran, monkeypatch):
    monkeypatch.setattr(dev, "prepare", lambda _extra: None)
    ran.status = 3
    assert dev.main(["test", "tests/engine", "-x"]) == 3
    assert ran.all == [[str(dev.venv_python()), "-m", "devtools.test", "tests/engine", "-x"]]
    assert folder in dev.venv_python().parents


def test_a_missing_debian_package_is_installed_only_where_we_may(ran, monkeypatch):
    monkeypatch.setattr(dev.shutil, "which", lambda _name: "/usr/bin/apt-get")
    monkeypatch.setattr(dev.os, "name", "posix")
    monkeypatch.setattr(dev.os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(SystemExit, match=r"No speech\. Install it with: sudo apt-get install words"):
        dev.install_debian("words", "No speech.")
    assert ran.all == []
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0, raising=False)
    dev.install_debian("words", "No speech.")
    assert ran.all[-1][-1] == "words"
