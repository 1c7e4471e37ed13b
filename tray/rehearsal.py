"""The simulated Discord that comes with the program, as a process of its own, and a session that can run there."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from common.config.schema import BotEntry
from common.errors import ErrorCode, RelayError
from common.protocol.spec import DestinationSpec, SourceSpec
from common.protocol.state import Role
from common.secret import Secret
from tray.engine_process import Place
from tray.panel.messages import Setup

COMMAND: Final = (sys.executable, "-m", "simulator", "--lifeline")
START_SECONDS: Final = 15.0
END_SECONDS: Final = 3.0

_CASTERS: Final = "casters"
"""The bot that is named after this channel plays; the others listen."""


class _Described(msgspec.Struct):
    """The simulator's first line, as far as it is needed here."""

    api_base: str
    gateway_url: str
    ca_file: str
    guild: str
    channels: dict[str, str]
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a rehearsal takes place, with whom, and the session for it."""

    place: Place
    tokens: Mapping[str, Secret]
    bots: tuple[BotEntry, ...]
    setup: Setup


class Rehearsal:
    """A running simulator; make it with :meth:`start`, and end it."""

    def __init__(self, process: asyncio.subprocess.Process, stage: Stage) -> None:
        self.stage = stage
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str] = COMMAND) -> "Rehearsal":
        """Start it; raises REHEARSAL_FAILED."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
        except OSError as error:
            raise _failed(error) from error
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline() if process.stdout else b""
            return cls(process, _stage(msgspec.json.decode(line, type=_Described)))
        except (OSError, ValueError, TimeoutError, msgspec.MsgspecError) as error:
            await _end(process)
            raise _failed(error) from error
        except BaseException:
            await _end(process)
            raise

    @property
    def over(self) -> bool:
        """Whether the simulator has ended, by itself or not."""
        return self._process.returncode is not None

    async def end(self) -> None:
        """End it."""
        await _end(self._process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its standard input, which it ends by; what doesn't is killed."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _failed(error: Exception) -> RelayError:
    return RelayError(ErrorCode.REHEARSAL_FAILED, reason=type(error).__name__)


def _stage(found: _Described) -> Stage:
    bots = tuple(
        BotEntry(bot=bot, role=Role.DESTINATION if _seat(bot) == _CASTERS else Role.SOURCE, name=bot)
        for bot in found.tokens
    )
    places = [
        (bot, name, found.channels[name]) for bot in bots for name in found.channels if _seat(bot.bot) in name.lower()
    ]
    sources = [SourceSpec(channel=at, bot=bot.bot, name=name) for bot, name, at in places if bot.role is Role.SOURCE]
    destinations = [
        DestinationSpec(channel=at, bot=bot.bot, name=name) for bot, name, at in places if bot.role is Role.DESTINATION
    ]
    return Stage(
        place=Place(api_base=found.api_base, gateway_url=found.gateway_url, ca_file=Path(found.ca_file)),
        tokens={bot: Secret(token) for bot, token in found.tokens.items()},
        bots=bots,
        setup=Setup(guild=found.guild, sources=tuple(sources), destinations=tuple(destinations)),
    )


def _seat(bot: str) -> str:
    """Return what the scene's bots are named after: a word of their channel's name (``relay-red``, Team Red)."""
    return bot.rpartition("-")[2]
