"""One engine process and the control connection to it: started, greeted, ended."""

import asyncio
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common import paths
from common.errors import ErrorCode, ProtocolError, RelayError
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Shutdown
from common.secret import Secret

START_SECONDS: Final = 10.0
"""Time for an engine to begin; it takes two seconds on a slow machine."""

END_SECONDS: Final = 5.5
"""Time for an engine to end by itself, half a second more than it promises."""

COMMAND: Final = (sys.executable, "-m", "engine")


@dataclass(frozen=True, slots=True)
class Place:
    """Which Discord the engines speak with; left out means Discord itself."""

    api_base: str | None = None
    gateway_url: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """A running engine and the connection to it."""

    process: asyncio.subprocess.Process
    client: ControlClient
    address: Address

    @classmethod
    async def start(
        cls, bots: Mapping[str, Secret], place: Place, *, command: Sequence[str] = COMMAND
    ) -> "EngineProcess":
        """Start an engine, hand it its secrets, connect.

        Raises ENGINE_LOST when it does not begin, or what its first words or the handshake were refused with.
        """
        token = Secret(secrets.token_hex(32))
        process = await _spawn(command)
        try:
            async with asyncio.timeout(START_SECONDS):
                address = await _introduce(process, _bootstrap(token, bots, place))
                return cls(process, await ControlClient.connect(address, token, client="tray"), address)
        except (OSError, TimeoutError) as error:
            await _kill(process)
            raise _lost(error) from error
        except BaseException:
            await _kill(process)
            raise

    async def end(self) -> None:
        """Let the engine end in good order: bots leave first; what doesn't end in time is killed."""
        with suppress(RelayError):
            await self.client.call(Shutdown(), timeout=1.0)
        if self.process.stdin is not None:
            self.process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self.process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End it at once, if it is not gone already, and remove the socket that it then leaves behind."""
        await self.client.close()
        await _kill(self.process)
        if self.address.path is not None:
            self.address.path.unlink(missing_ok=True)


async def _spawn(command: Sequence[str]) -> asyncio.subprocess.Process:
    """Begin the process; there may be no such program while an update replaces it, or no descriptor left."""
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise _lost(error) from error


def _lost(error: Exception) -> RelayError:
    return RelayError(ErrorCode.ENGINE_LOST, reason=str(error) or type(error).__name__)


def _bootstrap(token: Secret, bots: Mapping[str, Secret], place: Place) -> Bootstrap:
    return Bootstrap(
        address=str(_address()),
        token=token,
        bots=dict(bots),
        api_base=place.api_base,
        gateway_url=place.gateway_url,
        ca_file=None if place.ca_file is None else str(place.ca_file),
    )


def _address() -> Address:
    """Choose a socket that no other engine of this user has, also not one that is only just dying."""
    if sys.platform == "win32":
        return Address(port=0)
    return Address(path=paths.runtime_folder() / f"engine-{secrets.token_hex(4)}.sock")


async def _introduce(process: asyncio.subprocess.Process, given: Bootstrap) -> Address:
    if process.stdin is None or process.stdout is None:
        raise OSError("the engine has no pipes")
    process.stdin.write(bootstrap.write_line(given))
    await process.stdin.drain()
    try:
        line = await process.stdout.readline()
    except ValueError:  # longer than the stream's limit
        raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="$", reason="the line is too long") from None
    if not line:
        raise RelayError(ErrorCode.ENGINE_LOST)
    return Address.parse(bootstrap.read_listening(line).address)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
