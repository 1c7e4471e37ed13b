"""A real gnome-keyring keeps tokens, and each way in which it does not has a code of its own."""

import traceback
from concurrent import futures

import pytest
from jeepney import DBusErrorResponse, new_error, new_method_call
from jeepney.wrappers import DBusAddress
from keyring import backend, errors
from keyring.backends import SecretService
from secretstorage import collection, dbus_init, exceptions

from common.errors import ErrorCode, RelayError
from common.secret import Secret
from tray.panel.messages import SecretsKind
from tray.secrets.keychain import SERVICE, Keychain, explained

TOKEN = Secret("MTIz.invented.token-of-a-keychain")


def code_of(call, *arguments):
    with pytest.raises(RelayError) as refused:
        call(*arguments)
    return refused.value.code


@pytest.fixture
def keychain(keyring):  # noqa: ARG001 - it is asked through the bus
    return Keychain.of("linux")


def codes_of_everything(keychain):
    return {
        code_of(keychain.get, "red"),
        code_of(keychain.put, "red", TOKEN),
        code_of(keychain.remove, "red"),
        code_of(keychain.unlock),
    }


def test_what_was_put_is_there_the_next_time(keychain):
    keychain.unlock()
    keychain.put("red", Secret("older"))
    keychain.put("red", TOKEN)
    keychain.put("blue", Secret("other"))
    again = Keychain.of("linux")
    assert keychain.kind is SecretsKind.KEYCHAIN
    assert (again.get("red"), again.get("blue"), again.get("nobody")) == (TOKEN, Secret("other"), None)
    again.remove("red")
    again.remove("red")
    assert (keychain.get("red"), keychain.get("blue")) == (None, Secret("other"))


def test_there_is_one_entry_for_each_token(keychain):
    keychain.put("red", TOKEN)
    keychain.put("blue", TOKEN)
    keychain.put("red", TOKEN)
    with dbus_init() as bus:
        entries = list(collection.get_default_collection(bus).search_items({"service": SERVICE}))
        assert sorted(entry.get_attributes()["username"] for entry in entries) == ["blue", "red"]


def test_a_token_is_in_no_file_of_the_keychain(keychain, keyring):
    keychain.put("red", TOKEN)
    written = [path.read_bytes() for path in keyring.folder.rglob("*") if path.is_file()]
    assert len(written) > 1
    assert not [data for data in written if TOKEN.reveal().encode() in data]


def test_locked(keychain, keyring):
    keychain.put("red", TOKEN)
    keyring.lock()
    assert codes_of_everything(keychain) == {ErrorCode.KEYCHAIN_LOCKED}


UNLOCKS = (["key", "ctrl+a"], ["type", "password at login"], ["key", "Return"])
DISMISSES = (["key", "Escape"],)


@pytest.mark.parametrize(("keys", "outcome"), [(UNLOCKS, None), (DISMISSES, ErrorCode.KEYCHAIN_LOCKED)])
def test_a_locked_one_asks_its_owner_and_waits_for_the_answer(keychain, prompting, keys, outcome):
    with futures.ThreadPoolExecutor(1) as threads:
        asked = threads.submit(keychain.get, "red")
        answered = False
        while not futures.wait([asked], timeout=0.5).done:  # a key before the prompt takes keys is lost
            answered |= prompting.answer(*keys)
        assert answered
        assert getattr(asked.exception(), "code", None) is outcome


def test_never_set_up_and_nobody_to_ask(desktop):
    desktop.start_keyring(password="")
    assert codes_of_everything(Keychain.of("linux")) <= {ErrorCode.KEYCHAIN_DENIED, ErrorCode.KEYCHAIN_LOCKED}


@pytest.mark.usefixtures("desktop")
def test_no_service_on_the_bus():
    assert code_of(Keychain.of, "linux") is ErrorCode.KEYCHAIN_MISSING


@pytest.mark.usefixtures("no_bus")
def test_no_bus():
    assert code_of(Keychain.of, "linux") is ErrorCode.KEYCHAIN_MISSING


def test_the_service_ends(keychain, keyring):
    keyring.stop_keyring()
    assert codes_of_everything(keychain) == {ErrorCode.KEYCHAIN_MISSING}


def test_the_bus_ends(keychain, keyring):
    keyring.stop()
    assert codes_of_everything(keychain) == {ErrorCode.KEYCHAIN_MISSING}


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_another_system_s_is_not_here(system):
    assert code_of(Keychain.of, system) is ErrorCode.KEYCHAIN_MISSING


class Pushy(backend.KeyringBackend):
    """What somebody installed beside: the best of all, by its own account."""

    priority = 99

    def get_password(self, _service, _username):
        raise AssertionError

    set_password = delete_password = get_password


@pytest.mark.usefixtures("keyring")
def test_what_else_is_installed_or_set_in_the_environment_is_not_asked(monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{__name__}.Pushy")
    assert type(Keychain.of("linux")._backend) is SecretService.Keyring


class StatusError(Exception):
    """As keyring raises for macOS: ``api.Error(status, text)``."""

    __module__ = "keyring.backends.macOS.api"


class WindowsError(Exception):
    def __init__(self, number):
        super().__init__(number, "CredRead", "text")
        self.winerror = number


def caused(error, cause):
    error.__cause__ = cause
    return error


def on_the_bus(name):
    call = new_method_call(DBusAddress("/x", "x.y"), "z")
    call.header.serial = 1
    return DBusErrorResponse(new_error(call, name))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NoKeyringError(), ErrorCode.KEYCHAIN_MISSING),
        (errors.InitError(), ErrorCode.KEYCHAIN_MISSING),
        (exceptions.SecretServiceNotAvailableException(), ErrorCode.KEYCHAIN_MISSING),
        (ConnectionResetError(), ErrorCode.KEYCHAIN_MISSING),
        (EOFError(), ErrorCode.KEYCHAIN_MISSING),
        (errors.KeyringLocked(), ErrorCode.KEYCHAIN_LOCKED),
        (exceptions.LockedException(), ErrorCode.KEYCHAIN_LOCKED),
        (on_the_bus("org.freedesktop.Secret.Error.IsLocked"), ErrorCode.KEYCHAIN_LOCKED),
        (on_the_bus("org.freedesktop.DBus.Error.NoMemory"), ErrorCode.KEYCHAIN_FAILED),
        (exceptions.PromptDismissedException(), ErrorCode.KEYCHAIN_DENIED),
        (caused(errors.InitError(), exceptions.PromptDismissedException()), ErrorCode.KEYCHAIN_DENIED),
        (caused(errors.KeyringLocked(), StatusError(-128, "denied")), ErrorCode.KEYCHAIN_DENIED),
        (caused(errors.KeyringError(), StatusError(-25293, "signature")), ErrorCode.KEYCHAIN_DENIED),
        (caused(errors.PasswordSetError(), StatusError(-67030, "signature")), ErrorCode.KEYCHAIN_DENIED),
        (caused(errors.PasswordSetError(), StatusError(-25308, "no window")), ErrorCode.KEYCHAIN_LOCKED),
        (caused(errors.PasswordDeleteError(), StatusError(-50, "parameter")), ErrorCode.KEYCHAIN_FAILED),
        (WindowsError(5), ErrorCode.KEYCHAIN_DENIED),
        (WindowsError(1312), ErrorCode.KEYCHAIN_MISSING),
        (WindowsError(1783), ErrorCode.KEYCHAIN_FAILED),
        (errors.PasswordSetError(), ErrorCode.KEYCHAIN_FAILED),
        (ValueError(5), ErrorCode.KEYCHAIN_FAILED),
    ],
    ids=repr,
)
def test_each_failure_has_its_code(error, code):
    assert explained(error).code is code


def test_a_failure_names_what_can_be_looked_up():
    assert explained(WindowsError(1783)).details == {"reason": "WindowsError 1783"}


class Talkative(SecretService.Keyring):
    def set_password(self, _service, _username, password):
        raise ValueError(f"can't store {password}")


def test_a_backend_s_own_words_go_no_further():
    with pytest.raises(RelayError) as refused:
        Keychain(Talkative()).put("red", TOKEN)
    assert TOKEN.reveal() not in "".join(traceback.format_exception(refused.value))
    assert refused.value.details == {"reason": "ValueError"}
