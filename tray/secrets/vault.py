"""Tokens in a file under a passphrase, for computers without a keychain."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from common.config.files import write_atomically
from common.errors import ConfigError, ErrorCode, SecretsError
from common.protocol.spec import BotName
from common.secret import Secret
from tray.panel.messages import SecretsKind
from tray.secrets import sealed
from tray.secrets.sealed import Cost, Key

MOST_BOTS: Final = 100

TokenText = Annotated[str, Meta(min_length=1, max_length=1000)]
Tokens = Annotated[dict[BotName, TokenText], Meta(max_length=MOST_BOTS)]


class Vault:
    """The file at ``path``, locked until :meth:`unlock`; from then on the key is in memory, the passphrase is not."""

    kind: Final = SecretsKind.VAULT

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key: Key | None = None
        self._tokens: dict[str, Secret] = {}

    @classmethod
    def create(cls, path: Path, passphrase: Secret, cost: Cost = sealed.DEFAULT_COST) -> "Vault":
        """Make an empty vault, open; raises PASSPHRASE_UNFIT, SECRET_NOT_SAVED."""
        vault = cls(path)
        vault._write("", Key.new(passphrase, cost), {})
        return vault

    def unlock(self, passphrase: Secret | None) -> None:
        """Read the file; raises VAULT_LOCKED (no passphrase), PASSPHRASE_WRONG, VAULT_BROKEN, CONFIG_NEWER."""
        if passphrase is None:
            if self._key is None:
                raise SecretsError(ErrorCode.VAULT_LOCKED)
            return
        key, plain = sealed.unseal(self._envelope(), passphrase)
        try:
            tokens = msgspec.json.decode(plain, type=Tokens)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise self._broken("what is inside is no list of tokens") from None
        self._key, self._tokens = key, {bot: Secret(token) for bot, token in tokens.items()}

    def get(self, bot: str) -> Secret | None:
        """Return a bot's token; raises VAULT_LOCKED."""
        self._unlocked()
        return self._tokens.get(bot)

    def put(self, bot: str, token: Secret) -> None:
        """Keep a bot's token; raises VAULT_LOCKED, SECRET_NOT_SAVED (nothing has changed then)."""
        self._write(bot, self._unlocked(), {**self._tokens, bot: token})

    def remove(self, bot: str) -> None:
        """Forget a bot's token; raises as :meth:`put`."""
        key = self._unlocked()
        if bot in self._tokens:
            self._write(bot, key, {name: token for name, token in self._tokens.items() if name != bot})

    def _unlocked(self) -> Key:
        if self._key is None:
            raise SecretsError(ErrorCode.VAULT_LOCKED)
        return self._key

    def _write(self, bot: str, key: Key, tokens: dict[str, Secret]) -> None:
        try:
            plain = msgspec.json.encode({name: token.reveal() for name, token in tokens.items()})
            msgspec.json.decode(plain, type=Tokens)
            write_atomically(self.path, key.seal("vault", plain))
        except (msgspec.MsgspecError, UnicodeError):
            raise self._not_saved(bot, f"over {MOST_BOTS} bots, or not a token") from None
        except OSError as error:
            raise self._not_saved(bot, error.strerror or type(error).__name__) from error
        self._key, self._tokens = key, tokens

    def _envelope(self) -> sealed.Envelope:
        try:
            with self.path.open("rb") as file:
                data = file.read(sealed.LONGEST_BYTES + 1)
            return sealed.parse("vault", data)
        except OSError as error:
            raise self._broken(error.strerror or type(error).__name__) from error
        except sealed.BrokenError as error:
            raise self._broken(str(error)) from None
        except sealed.NewerError:
            raise ConfigError(ErrorCode.CONFIG_NEWER, file=str(self.path)) from None

    def _broken(self, reason: str) -> SecretsError:
        return SecretsError(ErrorCode.VAULT_BROKEN, file=str(self.path), reason=reason)

    def _not_saved(self, bot: str, reason: str) -> SecretsError:
        return SecretsError(ErrorCode.SECRET_NOT_SAVED, bot=bot, file=str(self.path), reason=reason)
