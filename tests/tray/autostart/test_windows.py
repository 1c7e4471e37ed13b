"""The Run key: the command line, and the calls on a registry that is a dictionary (there is none on other systems)."""

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from common.errors import ErrorCode, RelayError
from tray.autostart import windows


def test_a_path_with_spaces_and_japanese_is_one_word():
    made = windows.content([r"C:\Program Files\中継 アプリ\relay.exe", "-m", "tray", 'a"b', "c d\\"])
    assert made == r'"C:\Program Files\中継 アプリ\relay.exe" -m tray a\"b "c d\\"'


class Registry(SimpleNamespace):
    """As much of winreg as is called, with its errors."""

    HKEY_CURRENT_USER = "HKCU"
    REG_SZ = 1

    def __init__(self):
        super().__init__(keys={})

    @contextmanager
    def _key(self, root, path):
        yield self.keys[root, path]

    def CreateKey(self, root, path):  # noqa: N802 - winreg's name
        self.keys.setdefault((root, path), {})
        return self._key(root, path)

    def OpenKey(self, root, path):  # noqa: N802 - likewise
        if (root, path) not in self.keys:
            raise FileNotFoundError
        return self._key(root, path)

    def QueryValueEx(self, key, name):  # noqa: N802 - likewise
        if name not in key:
            raise FileNotFoundError
        return key[name]

    def SetValueEx(self, key, name, _reserved, kind, value):  # noqa: N802 - likewise
        key[name] = (value, kind)

    def DeleteValue(self, key, name):  # noqa: N802 - likewise
        if name not in key:
            raise FileNotFoundError
        del key[name]


@pytest.fixture
def registry(monkeypatch):
    made = Registry()
    monkeypatch.setitem(sys.modules, "winreg", made)
    return made


@pytest.mark.usefixtures("registry")
def test_switching_twice_is_no_mistake():
    run = windows.RunKey("Relay")
    assert not run.is_on()
    for on in (False, True, True, False, False):
        run.switch(on, [r"C:\a b\relay.exe"])
        assert run.is_on() is on


def test_it_stands_under_the_user_s_run_key(registry):
    windows.RunKey("Relay").switch(True, [r"C:\a b\relay.exe"])
    assert registry.keys == {("HKCU", windows.RUN_KEY): {"Relay": (r'"C:\a b\relay.exe"', 1)}}


def test_a_refusal_is_told(registry, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(registry, "CreateKey", refuse)
    with pytest.raises(RelayError) as caught:
        windows.RunKey("Relay").switch(True, ["relay"])
    assert (caught.value.code, caught.value.details) == (ErrorCode.AUTOSTART_FAILED, {"reason": "Access is denied"})
