import asyncio
import os
import sys
import webbrowser

import pytest

from tray.browser import browse, commands

LINK = "http://127.0.0.1:1/login?k=x#/mixer"


def everything(program):
    return f"/usr/bin/{program}"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, [("xdg-open", LINK)]),
        ("", [("xdg-open", LINK)]),
        ("firefox", [("firefox", LINK), ("xdg-open", LINK)]),
        ("my browser", [("my", "browser", LINK), ("xdg-open", LINK)]),
        ("open --url=%s --new", [("open", f"--url={LINK}", "--new"), ("xdg-open", LINK)]),
        ("one:'a b' %s", [("one", LINK), ("a b", LINK), ("xdg-open", LINK)]),
        ("'not closed:one", [("one", LINK), ("xdg-open", LINK)]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="another separator")
def test_what_a_person_chose_comes_before_the_system_s(wanted, found):
    environ = {} if wanted is None else {"BROWSER": wanted}
    assert list(commands(LINK, environ, everything)) == found


def test_what_is_not_installed_is_left_out():
    assert list(commands(LINK, {"BROWSER": "firefox"}, lambda program: None if program == "firefox" else program)) == [
        ("xdg-open", LINK)
    ]
    assert list(commands(LINK, {}, lambda _program: None)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="$BROWSER")
async def test_a_browser_is_told_the_link_and_nobody_waits_for_it(tmp_path, monkeypatch):
    told, go_on = tmp_path / "told", tmp_path / "go_on"
    for pipe in (told, go_on):
        os.mkfifo(pipe)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nread line < {go_on}\necho "$1 $line" > {told}\n')
    browser.chmod(0o755)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF and no program")
    broken.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{broken}:{browser}")
    browse(LINK)  # the script still waits for its line
    heard = asyncio.create_subprocess_exec("cat", str(told), stdout=asyncio.subprocess.PIPE)
    process = await heard
    await asyncio.wait_for(asyncio.to_thread(go_on.write_text, "then\n"), 10)
    out, _ = await asyncio.wait_for(process.communicate(), 10)
    assert out.decode() == f"{LINK} then\n"


@pytest.mark.skipif(sys.platform != "linux", reason="$BROWSER")
def test_it_is_said_when_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER", raising=False)
    with pytest.raises(webbrowser.Error):
        browse(LINK)
