"""``python -m tray``: keeps an engine running until a signal. Its face (icon, panel, wizard) comes with later changes.

Tokens are read from standard input, one ``NAME=TOKEN`` a line up to an empty line or the end: the keychain, which will
hold them, is not there yet, and neither arguments nor the environment are fit for secrets.
"""

import asyncio
import sys
from collections.abc import Iterable

from common.errors import RelayError
from common.logging import configure
from common.secret import Secret
from common.sentences import sentences_of, system_language
from common.signals import on_signals
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


async def run(bots: dict[str, Secret]) -> int:
    """Supervise until a signal (0) or until the engine can't be kept running (1)."""
    supervisor = EngineSupervisor(bots)
    done = asyncio.Event()
    on_signals(asyncio.get_running_loop(), done)
    try:
        await supervisor.start()
        await _first_of(done, supervisor)
    except RelayError as error:
        supervisor.failure = error
    finally:
        await supervisor.close()
    if supervisor.failure is None:
        return 0
    sys.stderr.write("\n".join(sentences_of(supervisor.failure, system_language())) + "\n")
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
