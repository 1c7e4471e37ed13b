"""A desk that is real but for the keychain, which there is none of: tokens go into a vault that costs little."""

import datetime as dt

from common.config.store import ConfigStore
from tests.tray.secrets.costs import CHEAP
from tray.desk import TrayDesk
from tray.operations.history import HistoryFile
from tray.operations.session_log import SessionLog
from tray.secrets.asking import Secrets
from tray.settings import Settings


def make_desk(folder, *, config=None, place=None):
    """Return a desk whose files are in ``folder``; it is not started. The history's clock stands at 1 s."""
    settings = Settings(ConfigStore(folder / "config.json", lambda: dt.datetime.now(dt.UTC)))
    if config is not None:
        settings.change(config)
    secrets = Secrets(folder / "tokens.vault", system="linux", cost=CHEAP)
    history = SessionLog(lambda: HistoryFile(folder / "history.sqlite"), lambda: 1_000)
    return TrayDesk(settings, secrets, history, place)
