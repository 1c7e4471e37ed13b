"""The launch agent."""

import plistlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray.autostart import macos


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")), min_size=1))
def test_the_command_survives_the_file(command):
    read = plistlib.loads(plistlib.dumps(macos.content("Relay", command)))
    assert read["ProgramArguments"] == command


def test_it_starts_once_at_login_and_is_not_kept_alive():
    made = macos.content("Relay", ["/relay"])
    assert (made["RunAtLoad"], made["KeepAlive"]) == (True, False)


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_switching_twice_is_no_mistake(home):
    agent = macos.LaunchAgent("Relay")
    for on in (False, True, True, False, False):
        agent.switch(on, ["/Applications/中継 アプリ.app/Contents/MacOS/relay"])
        assert agent.is_on() is on
    assert not list((home / "Library" / "LaunchAgents").iterdir())


@pytest.mark.parametrize("content", [b"", b"not a plist", plistlib.dumps([1]), plistlib.dumps({"RunAtLoad": False})])
def test_a_file_that_starts_nothing_is_off(home, content):
    folder = home / "Library" / "LaunchAgents"
    folder.mkdir(parents=True)
    (folder / "Relay.login.plist").write_bytes(content)
    assert not macos.LaunchAgent("Relay").is_on()
