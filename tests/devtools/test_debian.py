import subprocess

import pytest

from devtools import debian


class Machine:
    """A Debian that has some packages and can get others."""

    def __init__(self, has=(), gets=debian.PACKAGES):
        self.has, self.gets, self.called = set(has), set(gets), []

    def __call__(self, command):
        self.called.append(command[0] + " " + command[1])
        if command[:2] == ["apt-get", "install"]:
            self.has |= self.gets & set(command)
        lines = "".join(f"{package} installed\n" for package in sorted(self.has))
        return subprocess.CompletedProcess(command, 0, lines if command[0] == "dpkg-query" else "", "")


def test_what_is_there_is_left_alone():
    machine = Machine(has=debian.PACKAGES)
    assert debian.prepare(machine, may=lambda: True) == []
    assert machine.called == ["dpkg-query -W"]


def test_what_is_missing_is_installed():
    machine = Machine(has={"dbus"})
    assert debian.prepare(machine, may=lambda: True) == []
    assert machine.called == ["dpkg-query -W", "apt-get update", "apt-get install", "dpkg-query -W"]


def test_what_can_t_be_had_is_said(capsys):
    machine = Machine(gets=set(debian.PACKAGES) - {"chromium"})
    assert debian.prepare(machine, may=lambda: True) == ["chromium"]
    assert "chromium" in capsys.readouterr().err


def test_nothing_is_tried_where_it_may_not_be():
    machine = Machine()
    assert debian.prepare(machine, may=lambda: False) == []
    assert machine.called == []


@pytest.mark.skipif(not debian.may_install(), reason="no Debian, or not root")
def test_the_real_list_names_real_packages():
    known = debian.run(["apt-cache", "--names-only", "search", "^dbus$"])
    assert known.returncode == 0
    assert set(debian.missing()) <= set(debian.PACKAGES)
