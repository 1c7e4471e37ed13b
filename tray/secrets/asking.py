"""The token store for an event loop: asked in a thread of its own, one thing at a time, with a bound.

A keychain's prompt waits for a person, and nothing can end that wait. So the thread is a daemon that never holds up
the program's end, and whoever asks gets KEYCHAIN_SILENT after a while; the next one waits behind the same prompt
instead of opening a second one.
"""

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from common.errors import ErrorCode, RelayError, SecretsError
from common.secret import Secret
from tray.panel.messages import SecretsKind
from tray.secrets import sealed
from tray.secrets.sealed import Cost
from tray.secrets.store import SecretStore, open_store
from tray.secrets.vault import Vault

T = TypeVar("T")

LIMIT_S: Final = 60.0
"""Long enough for somebody to find a prompt and type a password."""
MOST_WAITING: Final = 32

_ABOUT_THE_STORE: Final = {
    ErrorCode.KEYCHAIN_MISSING,
    ErrorCode.KEYCHAIN_LOCKED,
    ErrorCode.KEYCHAIN_DENIED,
    ErrorCode.KEYCHAIN_FAILED,
    ErrorCode.KEYCHAIN_SILENT,
    ErrorCode.VAULT_LOCKED,
    ErrorCode.VAULT_BROKEN,
    ErrorCode.CONFIG_NEWER,
}
_LOCKED: Final = {ErrorCode.KEYCHAIN_LOCKED, ErrorCode.KEYCHAIN_DENIED, ErrorCode.VAULT_LOCKED}


class Secrets:
    """Tokens by bot, in what this computer has for them; ``vault`` is the file for where there is no keychain.

    ``problem`` is why tokens can't be had now (``None``: they can), as the last call found it.
    """

    def __init__(
        self, vault: Path, *, system: str = sys.platform, limit_s: float = LIMIT_S, cost: Cost = sealed.DEFAULT_COST
    ) -> None:
        self._path = vault
        self._system = system
        self._limit_s = limit_s
        self._cost = cost
        self._store: SecretStore | None = None
        self._asker = _Asker()
        self.problem: RelayError | None = None

    @property
    def kind(self) -> SecretsKind:
        """Where tokens are kept."""
        return SecretsKind.NONE if self._store is None else self._store.kind

    @property
    def locked(self) -> bool:
        """Whether a passphrase or its owner's consent is what is lacking."""
        return self.problem is not None and self.problem.code in _LOCKED

    async def open(self) -> None:
        """Find what keeps tokens here and, where it is a keychain, have it unlocked; ``problem`` says how that went."""
        try:
            self._store = await self._asked(lambda: open_store(self._path, self._system))
            await self._asked(lambda: self._opened().unlock(None))
        except RelayError:
            return  # it is in ``problem``

    async def unlock(self, passphrase: Secret | None) -> None:
        """Open the vault, or make one where no keychain can be used; without a passphrase: look for a keychain again.

        Raises RelayError: PASSPHRASE_WRONG, PASSPHRASE_UNFIT, or what :meth:`get` raises.
        """
        if self._store is None and passphrase is None:
            self._store = await self._asked(lambda: open_store(self._path, self._system))
        if passphrase is not None and self._wants_a_vault():
            self._store = await self._asked(lambda: self._vault(passphrase))
            return
        await self._asked(lambda: self._opened().unlock(passphrase))

    async def get(self, bot: str) -> Secret | None:
        """Return a bot's token; raises RelayError: the codes of keychain and vault."""
        return await self._asked(lambda: self._opened().get(bot))

    async def all(self, bots: Iterable[str]) -> dict[str, Secret]:
        """Return the tokens of those bots that have one; raises as :meth:`get`."""
        names = tuple(bots)
        if not names:
            return {}  # to have asked nothing says nothing of the store
        found = await self._asked(lambda: [(bot, self._opened().get(bot)) for bot in names])
        return {bot: token for bot, token in found if token is not None}

    async def put(self, bot: str, token: Secret) -> None:
        """Keep a bot's token instead of the one it had; raises as :meth:`get`, or SECRET_NOT_SAVED."""
        await self._asked(lambda: self._opened().put(bot, token))

    async def remove(self, bot: str) -> None:
        """Forget a bot's token; raises as :meth:`put`."""
        await self._asked(lambda: self._opened().remove(bot))

    def close(self) -> None:
        """Ask nothing any more; a prompt that is open now holds up nobody."""
        self._asker.close()

    def _wants_a_vault(self) -> bool:
        """Whether a passphrase makes a vault: there is no keychain, or none that lets us in."""
        return self._store is None or (self._store.kind is SecretsKind.KEYCHAIN and self.problem is not None)

    def _vault(self, passphrase: Secret) -> Vault:
        """Make the vault, or open one that came back since we looked."""
        if not os.path.exists(self._path):  # noqa: PTH110 - as in open_store
            return Vault.create(self._path, passphrase, self._cost)
        vault = Vault(self._path)
        vault.unlock(passphrase)
        return vault

    def _opened(self) -> SecretStore:
        if self._store is None:
            raise SecretsError(ErrorCode.KEYCHAIN_MISSING)
        return self._store

    async def _asked(self, question: Callable[[], T]) -> T:
        try:
            answer = await self._asker.ask(question, self._limit_s)
        except RelayError as error:
            if error.code in _ABOUT_THE_STORE:
                self.problem = error
            raise
        self.problem = None
        return answer


class _Asker:
    """A daemon thread that runs one question after the other."""

    def __init__(self) -> None:
        self._questions: queue.Queue[Callable[[], None] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="secrets", daemon=True)

    async def ask(self, question: Callable[[], T], limit_s: float) -> T:
        """Return its answer or raise its error; raises KEYCHAIN_SILENT when there is none in time."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        silent = SecretsError(ErrorCode.KEYCHAIN_SILENT, seconds=f"{limit_s:g}")
        try:
            self._questions.put_nowait(lambda: _answer(question, answer, loop))
        except queue.Full:
            raise silent from None
        if self._thread.ident is None:
            self._thread.start()
        try:
            return await asyncio.wait_for(answer, limit_s)
        except TimeoutError:
            raise silent from None

    def close(self) -> None:
        """End the thread after what it does now."""
        while True:
            try:
                self._questions.put_nowait(None)
            except queue.Full:
                self._questions.get_nowait()
            else:
                return

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            question()


def _answer(question: Callable[[], T], answer: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop) -> None:
    """Run a question that somebody still waits for, and tell their loop."""
    if answer.cancelled():
        return
    try:
        result = question()
    except Exception as error:  # noqa: BLE001 - whoever asked gets it, whatever it is
        _tell(loop, answer, answer.set_exception, error)
    else:
        _tell(loop, answer, answer.set_result, result)


def _tell(
    loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Any]", tell: Callable[[Any], None], what: object
) -> None:
    try:
        loop.call_soon_threadsafe(lambda: None if answer.done() else tell(what))
    except RuntimeError:
        return  # the loop was closed while a prompt was open
