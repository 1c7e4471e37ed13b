"""What keeps tokens, and which of the two ways is in force.

==================================== =========================================
on this computer                     tokens are kept in
==================================== =========================================
a vault file is there                the vault: a person chose it, and nowhere else are its tokens
no vault, a keychain can be used     the keychain
neither                              nothing, until a passphrase is chosen (:meth:`tray.secrets.vault.Vault.create`)
==================================== =========================================
"""

import os
import sys
from pathlib import Path
from typing import Protocol

from common.errors import SecretsError
from common.secret import Secret
from tray.panel.messages import SecretsKind
from tray.secrets.keychain import Keychain
from tray.secrets.vault import Vault


class SecretStore(Protocol):
    """Tokens by bot. Calls block, perhaps until a person answered a prompt; each raises SecretsError."""

    @property
    def kind(self) -> SecretsKind:
        """Where tokens are kept."""

    def unlock(self, passphrase: Secret | None) -> None:
        """Make it ready: the vault by its passphrase, the keychain by asking its owner."""

    def get(self, bot: str) -> Secret | None:
        """Return a bot's token; ``None`` if there is none."""

    def put(self, bot: str, token: Secret) -> None:
        """Keep a bot's token instead of the one it had."""

    def remove(self, bot: str) -> None:
        """Forget a bot's token; one that isn't there is no error."""


def open_store(vault: Path, system: str = sys.platform) -> SecretStore | None:
    """Return what keeps tokens on this computer, without a prompt; ``None`` until a passphrase is chosen."""
    if os.path.exists(vault):  # noqa: PTH110 - Path.exists raises where the folder can't be searched
        return Vault(vault)
    try:
        return Keychain.of(system)
    except SecretsError:
        return None
