"""``python -m engine``: by a supervisor (one Bootstrap line on standard input), or with ``--session FILE`` by hand."""

import argparse
import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from common.errors import ErrorCode, RelayError
from common.logging import LogFormat, configure
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap, Listening
from common.protocol.codec import MAX_BYTES
from common.signals import on_signals
from common.types import BotKey
from engine import app, headless
from engine.gateway.endpoint import Endpoint
from engine.output import complain

STDIN: Final = 0
STDOUT: Final = 1


def main(arguments: list[str]) -> int:
    """Run one engine; return the exit status: 0 clean end, 1 could not start, 2 wrong input."""
    options = _parser().parse_args(arguments)
    configure(form=options.log_format, level=logging.INFO)
    app.make_way()
    logging.getLogger("discord").setLevel(logging.WARNING)  # its debug records hold what IDENTIFY carries: the token
    try:
        if options.session is not None:
            run = headless.run(options.session, meters_hz=options.meters_hz, descriptor=STDOUT)
            return asyncio.run(run)
        return _attended()
    finally:
        logging.shutdown()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="Relays voice channels, one way.")
    parser.add_argument("--session", type=Path, metavar="FILE", help="run the session of this TOML file, no tray")
    parser.add_argument("--meters-hz", type=_rate, default=1.0, help="meters a second on standard output (default 1)")
    parser.add_argument("--log-format", type=LogFormat, choices=list(LogFormat), help="default: text on a terminal")
    return parser


def _rate(text: str) -> float:
    value = float(text)
    if not 0.0 < value <= 50.0:  # noqa: PLR2004 - a tick is 20 ms, nothing changes faster
        raise argparse.ArgumentTypeError("from above 0 to 50")
    return value


def _attended() -> int:
    """Run behind the control socket for the supervisor at the other end of standard input."""
    try:
        given = bootstrap.read_bootstrap(_read_line(STDIN))
        address = Address.parse(given.address)
        asyncio.run(_serve(given, address))
    except RelayError as error:
        complain(error)
        return 2
    except OSError as error:
        complain(RelayError(ErrorCode.INTERNAL, reason=str(error)))
        return 1
    return 0


async def _serve(given: Bootstrap, address: Address) -> None:
    ca_file = None if given.ca_file is None else Path(given.ca_file)
    engine = app.Engine(Endpoint(api_base=given.api_base, gateway_url=given.gateway_url, ca_file=ca_file))
    loop = asyncio.get_running_loop()
    on_signals(loop, engine.ending)

    def supervisor_gone() -> None:
        app.end_in_any_case()  # from this thread: the loop may be what hangs
        with suppress(RuntimeError):  # the loop is closed: we are at the end already
            loop.call_soon_threadsafe(engine.ending.set)

    if not given.stay:
        threading.Thread(target=_watch, args=(STDIN, supervisor_gone), name="lifeline", daemon=True).start()
    tokens = {BotKey(name): token for name, token in given.bots.items()}
    await app.serve(engine, tokens, given.token, address, _announce)


def _announce(address: Address) -> None:
    os.write(STDOUT, bootstrap.write_line(Listening(address=str(address), pid=os.getpid())))


def _read_line(descriptor: int) -> bytes:
    """Read up to the first newline, or to the end; unbuffered, so that nothing is left in a buffer at exit."""
    line = bytearray()
    while b"\n" not in line and len(line) <= MAX_BYTES:
        part = os.read(descriptor, 65536)
        if not part:
            break
        line += part
    return bytes(line.partition(b"\n")[0])


def _watch(descriptor: int, closed: Callable[[], None]) -> None:
    """Call ``closed`` when the other end is gone."""
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        pass
    closed()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
