import pytest
from msgspec import structs

from common.config.schema import Language, Theme
from common.errors import ErrorCode, RelayError
from tray.autostart import choosing
from tray.panel import messages as m


class Login:
    def __init__(self, error=None):
        self.on, self.command, self.error = False, (), error

    def switch(self, on, command):
        if self.error:
            raise self.error
        self.on, self.command = on, command


async def test_what_is_chosen_is_in_force(office, monkeypatch):
    login = Login()
    monkeypatch.setattr(choosing, "of_this_system", lambda: login)
    wanted = m.Preferences(Language.JA, Theme.DARK, start_at_login=True, notifications=False, hotkeys=False)
    await office.do(m.SetPreferences(preferences=wanted))
    desk = office.desk.desk()
    assert (desk.preferences, desk.shown) == (wanted, "ja")
    assert login.on
    assert login.command[-1] == "--at-login"


async def test_a_login_that_can_t_be_changed_changes_nothing(office, monkeypatch):
    error = RelayError(ErrorCode.AUTOSTART_FAILED, reason="read-only")
    monkeypatch.setattr(choosing, "of_this_system", lambda: Login(error))
    before = office.desk.desk().preferences
    wanted = structs.replace(before, start_at_login=True, theme=Theme.DARK)
    with pytest.raises(RelayError):
        await office.do(m.SetPreferences(preferences=wanted))
    assert office.desk.desk().preferences == before
