"""One session from a file, without a tray: for servers, first tries and tests from outside.

Standard output tells the state (a snapshot, then changes) and the meters as JSON lines, in the control protocol's own
structs, and errors as ``{"type": "error", …}``. The exit status is 0 after a clean end, 1 when the session could not
start, 2 when the file is wrong.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Never

from common.errors import ConfigError, ErrorCode, RelayError
from common.protocol.event_queue import EventQueue
from common.signals import on_signals
from common.tasks import Tasks
from engine import app, session_file
from engine.control.publisher import MeterStream
from engine.output import Output
from engine.session_file import SessionFile

ENDED: Final = 0
NOT_STARTED: Final = 1
BAD_FILE: Final = 2
GOODBYE_SECONDS: Final = 0.5
"""Time for a reader to take the last states."""

log = logging.getLogger(__name__)


async def run(path: Path, *, meters_hz: float, descriptor: int) -> int:
    """Run the session of ``path`` until a signal; write to ``descriptor``; return the exit status."""
    output = Output(descriptor)
    try:
        file = session_file.load(path)
    except ConfigError as error:
        output.tell(error)
        return BAD_FILE
    else:
        return await _relay(file, output, meters_hz)
    finally:
        output.close()


async def _relay(file: SessionFile, output: Output, meters_hz: float) -> int:
    engine = app.Engine(file.endpoint)
    on_signals(asyncio.get_running_loop(), engine.ending)
    queue: EventQueue[Never] = EventQueue(engine.publisher.snapshot)
    engine.publisher.add(queue)
    meters = MeterStream(engine.session.meters, hz=meters_hz)
    meters.add(queue)
    tasks = Tasks()
    follower = tasks.start(output.follow(queue), name="output")
    try:
        return await _start_and_wait(engine, file, output)
    finally:
        app.end_in_any_case()  # also without a signal; the earliest of several ends it
        await engine.close()
        await meters.close()
        engine.publisher.flush()
        queue.close()
        await asyncio.wait([follower], timeout=GOODBYE_SECONDS)
        await tasks.close()
        if queue.dropped_changes or queue.dropped_meters:
            log.warning("not written: %d changes, %d meters", queue.dropped_changes, queue.dropped_meters)


async def _start_and_wait(engine: app.Engine, file: SessionFile, output: Output) -> int:
    """Start, then wait for the end; a signal that comes while starting ends that too."""
    tasks = Tasks()
    start = tasks.start(_start(engine, file), name="start")
    ending = tasks.start(_end(engine), name="ending")
    try:
        await asyncio.wait([start, ending], return_when=asyncio.FIRST_COMPLETED)
        if engine.ending.is_set():
            return ENDED
        problem = await start
        if problem is not None:
            output.tell(problem)
            return NOT_STARTED
        app.settle()
        await ending
        return ENDED
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(app.STOP_SECONDS):
                await tasks.close()


async def _end(engine: app.Engine) -> None:
    """Return when the end is asked for; its time runs from here, since taking a start back is a part of it."""
    await engine.ending.wait()
    app.end_in_any_case()


async def _start(engine: app.Engine, file: SessionFile) -> RelayError | None:
    """Start the session; return what is wrong, if anything."""
    try:
        await engine.session.start(file.spec, file.tokens(os.environ), file.strips)
    except RelayError as error:
        return error
    except Exception as error:
        log.exception("the session could not start")
        return RelayError(ErrorCode.INTERNAL, reason=type(error).__name__)
    return None
