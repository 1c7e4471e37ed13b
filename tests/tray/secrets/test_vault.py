"""Tokens under a passphrase survive the program; nothing of them can be read from the file."""

import stat

import msgspec
import pytest

from common.errors import ConfigError, ErrorCode, RelayError
from common.secret import Secret
from tests.tray.secrets.costs import CHEAP
from tray.panel.messages import SecretsKind
from tray.secrets.sealed import Key
from tray.secrets.vault import MOST_BOTS, Vault

PASSPHRASE = Secret("correct horse")
TOKEN = Secret("MTIz.invented.token-of-a-vault")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "tokens.vault"


@pytest.fixture
def vault(path):
    return Vault.create(path, PASSPHRASE, CHEAP)


def code_of(call, *arguments):
    with pytest.raises(RelayError) as refused:
        call(*arguments)
    return refused.value.code


def again(vault, passphrase=PASSPHRASE):
    reopened = Vault(vault.path)
    reopened.unlock(passphrase)
    return reopened


def test_what_was_put_is_there_the_next_time(vault):
    vault.put("red", TOKEN)
    vault.put("blue", Secret("other"))
    vault.put("blue", Secret("newer"))
    vault.remove("nobody")
    assert vault.kind is SecretsKind.VAULT
    assert (again(vault).get("red"), again(vault).get("blue"), again(vault).get("x")) == (TOKEN, Secret("newer"), None)
    again(vault).remove("red")
    assert again(vault).get("red") is None


def test_only_its_owner_reads_the_file_and_finds_nothing(vault):
    vault.put("red", TOKEN)
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    written = vault.path.read_bytes()
    assert b"invented" not in written
    assert b"red" not in written
    assert b"horse" not in written
    assert [each.name for each in vault.path.parent.iterdir()] == [vault.path.name]


def test_locked_it_gives_and_takes_nothing(vault):
    locked = Vault(vault.path)
    assert code_of(locked.get, "red") is ErrorCode.VAULT_LOCKED
    assert code_of(locked.put, "red", TOKEN) is ErrorCode.VAULT_LOCKED
    assert code_of(locked.remove, "red") is ErrorCode.VAULT_LOCKED
    assert code_of(locked.unlock, None) is ErrorCode.VAULT_LOCKED
    locked.unlock(PASSPHRASE)
    locked.unlock(None)


def test_a_wrong_passphrase_changes_nothing(vault):
    vault.put("red", TOKEN)
    assert code_of(Vault(vault.path).unlock, Secret("wrong horse")) is ErrorCode.PASSPHRASE_WRONG
    assert code_of(vault.unlock, Secret("wrong horse")) is ErrorCode.PASSPHRASE_WRONG
    assert vault.get("red") == TOKEN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        Key.new(PASSPHRASE, CHEAP).seal("pack", b"{}"),
        Key.new(PASSPHRASE, CHEAP).seal("vault", b"[]"),
        Key.new(PASSPHRASE, CHEAP).seal("vault", b'{"bad name": "x"}'),
    ],
)
def test_a_broken_file_is_not_a_wrong_passphrase(vault, data):
    vault.path.write_bytes(data)
    assert code_of(Vault(vault.path).unlock, PASSPHRASE) is ErrorCode.VAULT_BROKEN
    assert vault.path.read_bytes() == data


def test_a_file_that_is_gone_or_no_file_is_broken(vault):
    vault.path.unlink()
    assert code_of(Vault(vault.path).unlock, PASSPHRASE) is ErrorCode.VAULT_BROKEN
    vault.path.mkdir()
    assert code_of(Vault(vault.path).unlock, PASSPHRASE) is ErrorCode.VAULT_BROKEN


def test_a_newer_version_s_file_is_left_alone(vault):
    vault.path.write_bytes(b'{"kind": "vault", "version": 9}')
    with pytest.raises(ConfigError) as refused:
        Vault(vault.path).unlock(PASSPHRASE)
    assert refused.value.code is ErrorCode.CONFIG_NEWER


def test_a_full_disk_loses_nothing(vault, monkeypatch):
    vault.put("red", TOKEN)

    def full(_path, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tray.secrets.vault.write_atomically", full)
    with pytest.raises(RelayError) as refused:
        vault.put("red", Secret("newer"))
    assert refused.value.code is ErrorCode.SECRET_NOT_SAVED
    assert refused.value.details == {"bot": "red", "file": str(vault.path), "reason": "No space left on device"}
    assert vault.get("red") == TOKEN


@pytest.mark.parametrize("token", ["", "x" * 1001, "\ud800"])
def test_what_could_not_be_read_again_is_not_written(vault, token):
    before = vault.path.read_bytes()
    with pytest.raises(RelayError) as refused:
        vault.put("red", Secret(token))
    assert refused.value.code is ErrorCode.SECRET_NOT_SAVED
    assert vault.path.read_bytes() == before


def test_it_has_room_for_a_number_of_bots(vault):
    crowd = msgspec.json.encode({f"b{number}": "token" for number in range(MOST_BOTS)})
    vault.path.write_bytes(Key.new(PASSPHRASE, CHEAP).seal("vault", crowd))
    full = again(vault)
    full.put("b0", TOKEN)
    assert code_of(full.put, "one-more", TOKEN) is ErrorCode.SECRET_NOT_SAVED


def test_it_prints_no_token(vault):
    vault.put("red", TOKEN)
    assert TOKEN.reveal() not in f"{vault!r} {vars(vault)}"
