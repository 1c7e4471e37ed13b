"""``python -m tray``: keeps an engine running until a signal. Its face (icon, panel, wizard) comes with later changes.

Tokens are read from standard input, one ``NAME=TOKEN`` a line up to an empty line or the end: the keychain, which will
hold them, is not there yet, and neither arguments nor the environment are fit for secrets.
"""

import asyncio
import datetime as dt
import sys
from collections.abc import Iterable

from msgspec import structs

from common import paths
from common.config.store import ConfigStore
from common.errors import RelayError
from common.logging import configure
from common.secret import Secret
from common.sentences import notice_sentence, sentences_of
from common.signals import on_signals
from tray.resume import Memory
from tray.settings import Settings
from tray.supervisor import EngineSupervisor


def read_tokens(lines: Iterable[str]) -> dict[str, Secret]:
    """Read ``NAME=TOKEN`` lines up to an empty one."""
    bots = {}
    for line in lines:
        name, _, token = line.strip().partition("=")
        if not name:
            break
        bots[name.strip()] = Secret(token.strip())
    return bots


class Keeper:
    """Keeps what should outlast the program, and says at the terminal what a person must know."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kill = False

    def __call__(self, memory: Memory) -> None:
        """Take in what the supervisor remembers now."""
        self._settings.change(structs.replace(self._settings.config, strips=dict(memory.strips)))
        if memory.kill != self._kill and memory.spec is not None:
            say(notice_sentence("kill_on" if memory.kill else "kill_off", self._settings.language))
        self._kill = memory.kill


def say(*sentences: str) -> None:
    """Write sentences for the person at the terminal."""
    sys.stderr.write("".join(f"{sentence}\n" for sentence in sentences))
    sys.stderr.flush()


async def run(bots: dict[str, Secret]) -> int:
    """Supervise until a signal (0) or until the engine can't be kept running (1)."""
    settings = Settings(ConfigStore(paths.config_folder() / "config.json", lambda: dt.datetime.now(dt.UTC)))
    if settings.problem is not None:
        say(*sentences_of(settings.problem, settings.language))
    supervisor = EngineSupervisor(bots, strips=settings.config.strips, on_change=Keeper(settings))
    done = asyncio.Event()
    on_signals(asyncio.get_running_loop(), done)
    try:
        await supervisor.start()
        await _first_of(done, supervisor)
    except RelayError as error:
        supervisor.failure = error
    finally:
        await supervisor.close()
        await settings.close()
    if supervisor.failure is None:
        return 0
    say(*sentences_of(supervisor.failure, settings.language))
    return 1


async def _first_of(done: asyncio.Event, supervisor: EngineSupervisor) -> None:
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(done.wait()), group.create_task(supervisor.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


if __name__ == "__main__":
    configure()
    sys.exit(asyncio.run(run(read_tokens(sys.stdin))))
