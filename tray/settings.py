"""The user's settings while the program runs: one owner, every change on the disk within seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from common.config.schema import Config, Language
from common.config.store import ConfigStore
from common.errors import ConfigError
from common.sentences import system_language
from common.tasks import Tasks

SAVE_SECONDS: Final = 2.0
"""From a change to the file: a fader on its way is written once, not fifty times."""

log = logging.getLogger(__name__)


class Settings:
    """Loads at once; ``problem`` says what was wrong with the file, or why it could not be saved the last time."""

    def __init__(self, store: ConfigStore, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        loaded = store.load()
        self.config = loaded.config
        self.problem: ConfigError | None = loaded.problem
        self._store = store
        self._sleep = sleep
        self._saved = loaded.config
        self._tasks = Tasks()

    @property
    def language(self) -> str:
        """The language of sentences: the one that was chosen, or the computer's."""
        chosen = self.config.language
        return system_language() if chosen is Language.AUTO else chosen

    def change(self, config: Config) -> None:
        """Put other settings in force; call it on the loop."""
        self.config = config
        if config != self._saved and not self._tasks:
            self._tasks.start(self._save_soon(), name="settings")

    async def close(self) -> None:
        """Save what isn't saved yet."""
        await self._tasks.close()
        with suppress(ConfigError):
            self._save()

    async def _save_soon(self) -> None:
        """Save, as long as there is anything to; what could not be saved waits for the next change."""
        with suppress(ConfigError):
            while self.config != self._saved:
                await self._sleep(SAVE_SECONDS)
                self._save()

    def _save(self) -> None:
        """Save; raises what hinders it. Writing takes milliseconds, and nothing in this program is in a hurry."""
        if self.config == self._saved:
            return
        try:
            self._store.save(self.config)
        except ConfigError as error:
            self.problem = error
            log.warning("the settings are not saved: %s", error)
            raise
        self._saved, self.problem = self.config, None
