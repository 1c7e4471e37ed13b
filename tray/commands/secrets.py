"""Opening what keeps tokens."""

from tray.desk import TrayDesk
from tray.panel import messages as m


async def unlock_secrets(desk: TrayDesk, command: m.UnlockSecrets) -> None:
    """Open it, read every token, hand them to the engine."""
    try:
        await desk.secrets.unlock(command.passphrase)
    finally:
        desk.changed()
    await desk.load_tokens()
