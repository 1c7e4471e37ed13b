"""The system's keychain: one entry per token. The only file that knows ``keyring``.

The backend is named by us for each system. Choosing one by itself, ``keyring`` would take whatever is installed, such
as a file that asks for its password at a terminal that nobody sees. What a backend raises differs by system: only a
part is ``keyring``'s own, the rest is what lies beneath (D-Bus errors, sockets, Windows' ``error``, macOS' status).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from common.errors import ErrorCode, SecretsError
from common.secret import Secret
from tray.panel.messages import SecretsKind

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE: Final = "DiscordVoiceComm"
"""Under which entries stand in the system's own keychain program; the account is the bot's name."""

_NOBODY: Final = "unlock"
"""An account that has no entry: asking for it opens a locked keychain, and nothing else."""

_DENIED: Final = {"PromptDismissedException"}
_LOCKED: Final = {"KeyringLocked", "LockedException"}
_MISSING: Final = {
    "NoKeyringError",
    "InitError",
    "SecretServiceNotAvailableException",
    "OSError",  # the session bus is gone: no socket, or one that nobody answers
    "EOFError",  # it went while we waited
}
_DENIED_STATUS: Final = {-128, -25293, -67030}
"""macOS: cancelled by its owner; not for this program; this program's signature can't be checked (SecBase.h)."""
_LOCKED_STATUS: Final = {-25308}
"""macOS: locked, and no window may be shown now (SecBase.h)."""
_DENIED_NUMBER: Final = {5}
"""Windows: access denied (winerror.h)."""
_MISSING_NUMBER: Final = {1312}
"""Windows: a logon without credentials, such as a service's (winerror.h)."""
_LOCKED_ON_THE_BUS: Final = "org.freedesktop.Secret.Error.IsLocked"


class Keychain:
    """Tokens in the system's keychain through ``backend``. Every call may wait for a person."""

    kind: Final = SecretsKind.KEYCHAIN

    def __init__(self, backend: "KeyringBackend") -> None:
        self._backend = backend

    @classmethod
    def of(cls, system: str) -> "Keychain":
        """Return the keychain of a system (as ``sys.platform``), without a prompt; raises KEYCHAIN_MISSING."""
        try:
            return cls(_backend(system))
        except Exception:  # noqa: BLE001 - each backend says in its own way that it can't be used
            raise SecretsError(ErrorCode.KEYCHAIN_MISSING) from None

    def unlock(self, passphrase: Secret | None = None) -> None:
        """Have a locked keychain ask its owner; ours has no passphrase. Raises as :meth:`get`."""
        del passphrase
        self.get(_NOBODY)

    def get(self, bot: str) -> Secret | None:
        """Return a bot's token; raises KEYCHAIN_MISSING, KEYCHAIN_LOCKED, KEYCHAIN_DENIED, KEYCHAIN_FAILED."""
        try:
            token = self._backend.get_password(SERVICE, bot)
        except Exception as error:  # noqa: BLE001 - see above: what lies beneath
            raise explained(error) from None
        return None if token is None else Secret(token)

    def put(self, bot: str, token: Secret) -> None:
        """Keep a bot's token; raises as :meth:`get`."""
        try:
            self._backend.set_password(SERVICE, bot, token.reveal())
        except Exception as error:  # noqa: BLE001 - see above: what lies beneath
            raise explained(error) from None

    def remove(self, bot: str) -> None:
        """Forget a bot's token; raises as :meth:`get`."""
        if self.get(bot) is None:
            return
        try:
            self._backend.delete_password(SERVICE, bot)
        except Exception as error:  # noqa: BLE001 - see above: what lies beneath
            raise explained(error) from None


def explained(error: Exception) -> SecretsError:
    """Say by our codes what a backend raised; its own text, which might hold a token, goes no further."""
    chain = list(_chain(error))
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    numbers = {number for each in chain for number in _numbers(each)}
    if names & _DENIED or numbers & (_DENIED_STATUS | _DENIED_NUMBER):
        return SecretsError(ErrorCode.KEYCHAIN_DENIED)
    if (
        names & _LOCKED
        or numbers & _LOCKED_STATUS
        or _LOCKED_ON_THE_BUS in {getattr(each, "name", "") for each in chain}
    ):
        return SecretsError(ErrorCode.KEYCHAIN_LOCKED)
    if names & _MISSING or numbers & _MISSING_NUMBER:
        return SecretsError(ErrorCode.KEYCHAIN_MISSING)
    return SecretsError(ErrorCode.KEYCHAIN_FAILED, reason=" ".join([type(error).__name__, *map(str, sorted(numbers))]))


def _backend(system: str) -> "KeyringBackend":
    """Make a system's backend; raises whatever it raises where it can't be used. Imported late: 0.1 s."""
    backend: KeyringBackend
    if system == "win32":
        from keyring.backends.Windows import WinVaultKeyring  # noqa: PLC0415 - likewise

        backend = WinVaultKeyring()  # type: ignore[no-untyped-call] # keyring's backends carry no types
        backend.persist = "local machine"  # by default an entry roams with its owner to other computers
    elif system == "darwin":
        from keyring.backends import macOS  # noqa: PLC0415 - likewise

        backend = macOS.Keyring()  # type: ignore[no-untyped-call] # keyring's backends carry no types
    else:
        from keyring.backends import SecretService  # noqa: PLC0415 - likewise

        backend = SecretService.Keyring()  # type: ignore[no-untyped-call] # keyring's backends carry no types
    _ = type(backend).priority  # it is a property that raises unless the backend can work
    return backend


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _numbers(error: BaseException) -> Iterator[int]:
    """Yield the numbers by which macOS (first argument of its ``Error``) and Windows name an error."""
    winerror = getattr(error, "winerror", None)
    if isinstance(winerror, int):
        yield winerror
    elif type(error).__module__.startswith("keyring.") and error.args and isinstance(error.args[0], int):
        yield error.args[0]
