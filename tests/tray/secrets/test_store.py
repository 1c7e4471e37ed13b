"""Which of the two ways is in force follows from what is on the computer."""

import pytest

from common.secret import Secret
from tests.tray.secrets.costs import CHEAP
from tray.secrets.keychain import Keychain
from tray.secrets.store import open_store
from tray.secrets.vault import Vault


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tokens.vault"


@pytest.mark.usefixtures("keyring")
def test_a_keychain_that_can_be_used_is_used(path):
    assert isinstance(open_store(path, "linux"), Keychain)


@pytest.mark.usefixtures("keyring")
def test_a_vault_that_somebody_chose_stays_in_use_beside_a_keychain(path):
    Vault.create(path, Secret("correct horse"), CHEAP)
    assert isinstance(open_store(path, "linux"), Vault)


@pytest.mark.usefixtures("no_bus")
def test_without_a_keychain_a_vault_is_used_once_it_is_made(path):
    assert open_store(path, "linux") is None
    Vault.create(path, Secret("correct horse"), CHEAP)
    assert isinstance(open_store(path, "linux"), Vault)
