"""The loop never waits for a prompt for ever, and whatever happens to the store is known afterwards."""

import asyncio
import threading

import pytest

from common.errors import ErrorCode, RelayError, SecretsError
from common.secret import Secret
from tests.tray.secrets.costs import CHEAP
from tray.panel.messages import SecretsKind
from tray.secrets.asking import MOST_WAITING, Secrets
from tray.secrets.vault import Vault

PASSPHRASE = Secret("correct horse")
TOKEN = Secret("MTIz.invented.token-of-a-store")


@pytest.fixture
def made(tmp_path):
    """Makes what a start of the program makes."""
    all_made = []

    def make(limit_s=20.0):
        all_made.append(Secrets(tmp_path / "tokens.vault", system="linux", limit_s=limit_s, cost=CHEAP))
        return all_made[-1]

    yield make
    for secrets in all_made:
        secrets.close()


async def code_of(call):
    with pytest.raises(RelayError) as refused:
        await call
    return refused.value.code


@pytest.mark.usefixtures("keyring")
async def test_a_keychain_is_used_at_once(made):
    secrets = made()
    await secrets.open()
    await secrets.put("red", TOKEN)
    assert (secrets.kind, secrets.locked, secrets.problem) == (SecretsKind.KEYCHAIN, False, None)
    assert await secrets.all(["red", "blue"]) == {"red": TOKEN}
    await secrets.remove("red")
    assert await secrets.get("red") is None


async def test_a_locked_keychain_is_a_problem_until_it_is_not(made, keyring):
    secrets = made()
    await secrets.open()
    keyring.lock()
    assert await code_of(secrets.get("red")) is ErrorCode.KEYCHAIN_LOCKED
    assert (secrets.kind, secrets.locked) == (SecretsKind.KEYCHAIN, True)
    assert secrets.problem.code is ErrorCode.KEYCHAIN_LOCKED
    assert await code_of(secrets.unlock(None)) is ErrorCode.KEYCHAIN_LOCKED


async def test_a_keychain_that_lets_nobody_in_can_be_done_without(made, desktop):
    desktop.start_keyring(password="")
    secrets = made()
    await secrets.open()
    assert (secrets.kind, secrets.locked) == (SecretsKind.KEYCHAIN, True)
    await secrets.unlock(PASSPHRASE)
    await secrets.put("red", TOKEN)
    assert (secrets.kind, secrets.locked, secrets.problem) == (SecretsKind.VAULT, False, None)


@pytest.mark.usefixtures("no_bus")
async def test_without_a_keychain_a_passphrase_makes_a_vault_and_opens_it_the_next_time(made):
    secrets = made()
    await secrets.open()
    assert (secrets.kind, secrets.locked, secrets.problem.code) == (
        SecretsKind.NONE,
        False,
        ErrorCode.KEYCHAIN_MISSING,
    )
    assert await code_of(secrets.put("red", TOKEN)) is ErrorCode.KEYCHAIN_MISSING
    assert await code_of(secrets.unlock(Secret("short"))) is ErrorCode.PASSPHRASE_UNFIT
    await secrets.unlock(PASSPHRASE)
    await secrets.put("red", TOKEN)

    later = made()
    await later.open()
    assert (later.kind, later.locked, later.problem.code) == (SecretsKind.VAULT, True, ErrorCode.VAULT_LOCKED)
    assert await code_of(later.unlock(Secret("wrong horse"))) is ErrorCode.PASSPHRASE_WRONG
    assert later.locked
    await later.unlock(PASSPHRASE)
    assert await later.get("red") == TOKEN
    assert (later.locked, later.problem) == (False, None)


async def test_a_keychain_that_came_later_is_found(made, desktop):
    secrets = made()
    await secrets.open()
    assert await code_of(secrets.unlock(None)) is ErrorCode.KEYCHAIN_MISSING
    desktop.start_keyring()
    await secrets.unlock(None)
    assert (secrets.kind, secrets.problem) == (SecretsKind.KEYCHAIN, None)


async def test_a_vault_that_came_back_meanwhile_is_opened_not_replaced(made, desktop):
    desktop.start_keyring(password="")
    secrets = made()
    await secrets.open()
    Vault.create(secrets._path, PASSPHRASE, CHEAP).put("red", TOKEN)
    assert await code_of(secrets.unlock(Secret("wrong horse"))) is ErrorCode.PASSPHRASE_WRONG
    await secrets.unlock(PASSPHRASE)
    assert await secrets.get("red") == TOKEN


class Prompting:
    """A keychain whose prompt stands open until ``answered``."""

    kind = SecretsKind.KEYCHAIN

    def __init__(self):
        self.answered = threading.Event()
        self.asked = []

    def get(self, bot):
        self.asked.append(bot)
        self.answered.wait(20)
        return TOKEN


async def test_a_prompt_that_nobody_answers_holds_up_nobody(made):
    secrets = made(limit_s=0.05)
    secrets._store = prompting = Prompting()
    assert await code_of(secrets.get("red")) is ErrorCode.KEYCHAIN_SILENT
    assert secrets.problem.details == {"seconds": "0.05"}
    assert await code_of(secrets.get("blue")) is ErrorCode.KEYCHAIN_SILENT  # no second prompt
    assert prompting.asked == ["red"]
    prompting.answered.set()
    secrets._limit_s = 20
    assert await secrets.get("green") == TOKEN
    assert prompting.asked == ["red", "green"]  # nobody waits for blue any more
    assert secrets.problem is None


async def test_impatience_does_not_pile_up(made):
    secrets = made(limit_s=0.05)
    secrets._store = prompting = Prompting()
    results = await asyncio.gather(*(secrets.get(f"b{n}") for n in range(3 * MOST_WAITING)), return_exceptions=True)
    assert {result.code for result in results} == {ErrorCode.KEYCHAIN_SILENT}
    assert secrets._asker._questions.qsize() <= MOST_WAITING
    secrets.close()
    prompting.answered.set()
    secrets._asker._thread.join(20)
    assert not secrets._asker._thread.is_alive()
    assert prompting.asked == ["b0"]


async def test_a_failure_of_our_own_reaches_whoever_asked(made):
    secrets = made()

    class Broken(Prompting):
        def get(self, _bot):
            raise ZeroDivisionError

    secrets._store = Broken()
    with pytest.raises(ZeroDivisionError):
        await secrets.get("red")
    assert secrets.problem is None


async def test_a_full_disk_is_no_problem_of_the_store(made):
    secrets = made()

    class Full(Prompting):
        def put(self, bot, _token):
            raise SecretsError(ErrorCode.SECRET_NOT_SAVED, bot=bot)

    secrets._store = Full()
    assert await code_of(secrets.put("red", TOKEN)) is ErrorCode.SECRET_NOT_SAVED
    assert secrets.problem is None


def test_an_answer_for_a_loop_that_has_ended_does_no_harm(made):
    secrets = made(limit_s=0.05)
    secrets._store = prompting = Prompting()
    assert asyncio.run(code_of(secrets.get("red"))) is ErrorCode.KEYCHAIN_SILENT
    prompting.answered.set()
    secrets.close()
    secrets._asker._thread.join(20)
    assert not secrets._asker._thread.is_alive()


async def test_to_ask_for_no_bots_says_nothing_of_the_store(made):
    secrets = made()
    await secrets.open()
    before = secrets.problem
    assert await secrets.all([]) == {}
    assert secrets.problem is before
