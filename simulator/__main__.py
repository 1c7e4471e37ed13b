"""``python -m simulator``: a Discord on this computer that stays up until SIGINT or SIGTERM.

Its first line on stdout is one JSON object with everything a client needs: addresses, the authority's file, ids by
name (as strings) and the bots' invented tokens. Logs go to stderr.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulator import report
from simulator.scene import SceneError, load
from simulator.server import TWO_TEAMS, Simulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; 2 if the scene can't be used."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    try:
        scene = load(options.scene)
    except SceneError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line tool speaks to its caller
        return 2
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(Simulator(scene, folder=options.folder, seed=options.seed), options))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="simulator", description="a Discord on this computer, for rehearsals and tests"
    )
    parser.add_argument("--scene", type=Path, default=TWO_TEAMS, help="TOML file; default: two teams of five")
    parser.add_argument("--folder", type=Path, help="where ca.pem is put; default: a temporary folder")
    parser.add_argument("--report", type=Path, help="where what was heard is written as JSON at the end")
    parser.add_argument(
        "--audio", type=Path, help="where what the first listener heard is written as Ogg Opus at the end"
    )
    parser.add_argument(
        "--lifeline", action="store_true", help="end when standard input closes: whoever started it died"
    )
    parser.add_argument("--seed", type=int, help="for ids and chance; default: the scene's own")
    return parser.parse_args(arguments)


async def _serve(simulator: Simulator, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if options.lifeline:
        threading.Thread(target=_watch_input, args=(loop, stop), name="lifeline", daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not loop.add_signal_handler: Windows has none.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with simulator:
        print(json.dumps(describe(simulator)), flush=True)  # noqa: T201 - the one line the caller reads
        await stop.wait()
        _save(simulator, options.report, options.audio)


def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read standard input to its end; the loop may have ended before."""
    while sys.stdin.buffer.read(4_096):
        pass
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def _save(simulator: Simulator, report_file: Path | None, audio_file: Path | None) -> None:
    """Write what was heard; this holds up the loop, but the show is over."""
    if audio_file is not None and simulator.show.ears:
        next(iter(simulator.show.ears.values())).save(audio_file)
    if report_file is not None:
        found = report.make(simulator.show, simulator.cast, simulator.real_voice_servers)
        report_file.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")


def describe(simulator: Simulator) -> dict[str, Any]:
    """Give what a client needs to come in."""
    cast = simulator.cast
    return {
        "api_base": simulator.api_base,
        "gateway_url": simulator.gateway_url,
        "ca_file": str(simulator.ca_file),
        "guild": str(cast.guild.id),
        "channels": {name: str(channel.id) for name, channel in cast.channels.items()},
        "bots": {name: str(account.id) for name, account in cast.bots.items()},
        "people": {name: str(account.id) for name, account in cast.people.items()},
        "tokens": {name: account.token for name, account in cast.bots.items()},
        "voice_servers": [server.endpoint for server in simulator.voice_servers],
    }


if __name__ == "__main__":
    sys.exit(main())
