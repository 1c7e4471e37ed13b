"""The desktop entry, read by GLib as desktops do."""

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import ErrorCode, RelayError
from tray.autostart import linux

COMMANDS = [
    ("/usr/bin/relay",),
    ("/opt/中継 アプリ/relay tray", "-m", "tray"),
    ('/a"b', "c\\d", "$HOME", "`id`", "100%", "%u", "%%", "it's", "", "a=b;c", "~", "tab\there"),
]
PYTHON = "/usr/bin/python3"
READ = """
import json, sys
from gi.repository import GLib
shown = []
for text in json.load(sys.stdin):
    entry = GLib.KeyFile()
    entry.load_from_bytes(GLib.Bytes.new(text.encode()), GLib.KeyFileFlags.NONE)
    _, words = GLib.shell_parse_argv(entry.get_string("Desktop Entry", "Exec"))
    shown.append(words)
json.dump(shown, sys.stdout)
"""


def python(script, text=""):
    command = [PYTHON, "-c", script]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours


def parsed(commands):
    try:
        python("import gi.repository.GLib")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not installed: python3-gi")
    words = json.loads(python(READ, json.dumps([linux.content("Relay", command) for command in commands])))
    return [tuple(word.replace("%%", "%") for word in each) for each in words]


def test_glib_reads_the_command_as_it_was():
    assert parsed(COMMANDS) == COMMANDS


arguments = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=12)
commands = st.lists(arguments, min_size=1, max_size=4).map(tuple)


@settings(max_examples=3)
@given(st.lists(commands, min_size=60, max_size=60))
def test_glib_reads_any_command_as_it_was(several):
    assert parsed(several) == several


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_an_argument_stays_on_its_line(text):
    lines = linux.content("Relay", [text]).split("\n")
    assert len(lines) == 7
    assert lines[3].count("%") % 2 == 0


@pytest.fixture
def entry(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return linux.DesktopEntry("Relay")


def test_switching_twice_is_no_mistake(entry, tmp_path):
    assert not entry.is_on()
    for on in (False, True, True, False, False):
        entry.switch(on, ["/relay"])
        assert entry.is_on() is on
    assert not list((tmp_path / "autostart").iterdir())


def test_another_command_replaces_the_old_one(entry, tmp_path):
    entry.switch(True, ["/old"])
    entry.switch(True, ["/new"])
    (file,) = (tmp_path / "autostart").iterdir()
    assert 'Exec="/new"\n' in file.read_text("utf-8")


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_desktop_s_settings_switched_off_is_off(entry, tmp_path, line):
    entry.switch(True, ["/relay"])
    (file,) = (tmp_path / "autostart").iterdir()
    file.write_text(f"[Desktop Entry]\n{line}\n")
    assert not entry.is_on()
    entry.switch(True, ["/relay"])
    assert entry.is_on()


def test_a_refusal_is_told(monkeypatch, tmp_path):
    (tmp_path / "autostart").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(RelayError) as caught:
        linux.DesktopEntry("Relay").switch(True, ["/relay"])
    assert caught.value.code is ErrorCode.AUTOSTART_FAILED
