"""The rooms put together: one session, one publisher, and the control socket where there is a supervisor."""

import asyncio
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from urllib.parse import urlsplit

from common import paths
from common.errors import SessionError
from common.protocol.address import Address
from common.protocol.state import SessionState
from common.secret import Secret
from common.types import BotKey
from engine.control.handlers import Desk
from engine.control.publisher import MeterStream, Publisher
from engine.control.server import ControlServer
from engine.gateway.budget import IdentifyBudget
from engine.gateway.endpoint import Endpoint
from engine.session.relay import RelaySession

STOP_SECONDS: Final = 4.0
"""Time for bots to say goodbye; whoever ends the engine waits 5 s."""

END_SECONDS: Final = 4.8
"""Time for the whole end; after it the process goes whatever hangs."""

SWITCH_SECONDS: Final = 0.0002
"""For how long a thread may go on computing in Python while another waits. Python's own 5 ms are half a tick."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
log = logging.getLogger(__name__)


def wall_clock() -> Callable[[], int]:
    """Return a clock of milliseconds since the epoch that never goes back, whatever the system's clock is set to."""
    began = time.time_ns() - time.monotonic_ns()
    return lambda: (began + time.monotonic_ns()) // 1_000_000


def identify_budget(endpoint: Endpoint) -> IdentifyBudget:
    """Return the budget kept on disk; logins to a Discord on this computer cost nothing and are not counted there."""
    rehearsal = endpoint.api_base is not None and urlsplit(endpoint.api_base).hostname in _LOOPBACK
    return IdentifyBudget(None if rehearsal else paths.state_folder() / "identify.json", time.time)


class Engine:
    """Everything but the way in; make it on the running loop. ``close`` it when :attr:`ending` is set."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.ending = asyncio.Event()
        self.clock = wall_clock()
        self._began = self.clock()
        self.publisher = Publisher(self._state)
        self.session = RelaySession(
            endpoint=endpoint,
            budget=identify_budget(endpoint),
            clock=self.clock,
            random=Random(),  # noqa: S311 - spreads retries, keeps no secret
            on_change=self.publisher.changed,
        )
        self.meters = MeterStream(self.session.meters)

    def desk(self, tokens: Mapping[BotKey, Secret]) -> Desk:
        """Return what control commands act on."""
        return Desk(
            session=self.session,
            tokens=dict(tokens),
            publisher=self.publisher,
            meters=self.meters,
            uptime_ms=lambda: self.clock() - self._began,
            shut_down=self.ending.set,
        )

    def _state(self) -> SessionState:
        """Draw the state; the publisher exists before the session, which reports to it."""
        return self.session.state()

    async def close(self) -> None:
        """Stop the session, so that bots leave in good order, then the meters; within ``STOP_SECONDS``."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.session.stop()
        except SessionError:
            pass  # none was running
        except TimeoutError:
            log.warning("the session did not stop in time")
        await self.meters.close()


async def serve(
    engine: Engine,
    tokens: Mapping[BotKey, Secret],
    token: Secret,
    address: Address,
    listening: Callable[[Address], None],
) -> None:
    """Run the engine behind the control socket until :attr:`Engine.ending` is set.

    ``listening`` is told where clients are accepted. Raises OSError when the address can't be had.
    """
    server = ControlServer(engine.desk(tokens), token)
    try:
        listening(await server.start(address))
        settle()
        await engine.ending.wait()
        end_in_any_case()
    finally:
        await engine.close()
        await server.close()


def end_in_any_case() -> None:
    """End the process in ``END_SECONDS`` although something hangs; call it when the end begins."""
    timer = threading.Timer(END_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()


def make_way() -> None:
    """Have what the loop computes make way for the mixing and receiving threads almost at once.

    Measured on cores that nobody else used, with three bots that each read a guild of 400 kB twice a second: 99 of 100
    ticks begin within 0.4 ms instead of 2 ms, and what looks like jitter of the network is 3 ms instead of 30 ms.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def settle() -> None:
    """Take what start-up made out of the garbage collector's rounds: it lives as long as the process."""
    gc.collect()
    gc.freeze()
