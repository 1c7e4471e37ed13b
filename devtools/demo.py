"""``dev.py demo``: the whole relay against the simulated Discord, shown live in the terminal.

Starts the simulator (two teams of five, two casters, three bots) and the engine as processes of their own, prints what
every hop does, and judges at the end what a caster's client heard after its own decryption.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devtools import demo_screen
from devtools.demo_report import make_report

ROOT = Path(__file__).resolve().parent.parent
AUDIO = "casters.ogg"
SOURCES = {"Team Red": "relay-red", "Team Blue": "relay-blue"}
DESTINATION = ("Casters", "relay-casters")
TICK_MS = (20, 10)
START_SECONDS = 20.0
END_SECONDS = 15.0

Json = dict[str, Any]


class DemoError(Exception):
    """The demo can't go on; the message says why."""


def token_variable(bot: str) -> str:
    """Return the environment variable in which the engine finds a bot's token."""
    return "DVC_TOKEN_" + bot.upper().replace("-", "_")


def session_file(discord: Json, tick_ms: int = TICK_MS[0]) -> str:
    """Return the session file for the simulator's addresses."""

    def place(kind: str, channel: str, bot: str) -> list[str]:
        return [
            f"[[{kind}]]",
            f'channel = "{discord["channels"][channel]}"',
            f'token_env = "{token_variable(bot)}"',
            f'name = "{channel}"',
        ]

    lines = [f'guild = "{discord["guild"]}"', f"tick_ms = {tick_ms}"]
    for channel, bot in SOURCES.items():
        lines += place("sources", channel, bot)
    lines += place("destinations", *DESTINATION)
    lines += ["[endpoint]", *(f"{key} = {json.dumps(discord[key])}" for key in ("api_base", "gateway_url", "ca_file"))]
    return "\n".join(lines) + "\n"


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:  # noqa: ANN401 - Popen's own options
    """Run a Python module of ours until the block ends; it is asked to stop first."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, text=True, stdout=subprocess.PIPE, encoding="utf-8", **options
    )
    try:
        yield process
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()


def stop(process: subprocess.Popen[str]) -> int:
    """Ask a process to end, wait, and return its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def first_line(process: subprocess.Popen[str]) -> Json:
    """Return the simulator's one line of addresses."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise DemoError("the simulator did not start")
    found: Json = json.loads(line)
    return found


class Watcher:
    """Reads the engine's lines in a thread of its own and keeps the newest of each kind."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.state: Json = {}
        self.meters: Json = {}
        self.errors: list[Json] = []
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            message = json.loads(line)
            kind = message.pop("type")
            if kind == "meters":
                self.meters = message
            elif kind == "error":
                self.errors.append(message)
            elif kind == "snapshot":
                self.state = message["state"]
            else:
                self.state = {**self.state, **message}

    def wait_until_running(self) -> None:
        """Wait until every bot is in its channel; DemoError when the session can't start."""
        deadline = time.monotonic() + START_SECONDS
        while self.state.get("phase") != "running":
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"the engine did not start: {self.errors or 'no answer'}")
            time.sleep(0.05)

    def ended(self) -> None:
        """Wait until all is read."""
        self._thread.join(END_SECONDS)


def relay(folder: Path, seconds: float, *, live: bool, tick_ms: int = TICK_MS[0]) -> Json:
    """Run the show for ``seconds`` after the relay is up; return the report."""
    heard, audio = folder / "heard.json", folder / AUDIO
    simulator = ["simulator", "--folder", str(folder), "--report", str(heard), "--audio", str(audio)]
    with running(simulator) as discord_process:
        discord = first_line(discord_process)
        (folder / "session.toml").write_text(session_file(discord, tick_ms), "utf-8")
        tokens = {token_variable(bot): token for bot, token in discord["tokens"].items()}
        engine = ["engine", "--session", str(folder / "session.toml"), "--meters-hz", "5"]
        with running(engine, env={**os.environ, **tokens}) as engine_process:
            watcher = Watcher(engine_process)
            watcher.wait_until_running()
            watch(watcher, seconds, live=live)
            # What the engine knows of its own end is not part of the show.
            state, meters = watcher.state, watcher.meters
            status = stop(engine_process)
            watcher.ended()
        stop(discord_process)
    return make_report(read_heard(heard), state, meters, seconds=seconds, engine_status=status)


def read_heard(file: Path) -> Json:
    """Read what the simulator wrote at its end; DemoError when it ended without."""
    try:
        found: Json = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DemoError("the simulator ended without saying what was heard; its own words are above") from error
    return found


def watch(watcher: Watcher, seconds: float, *, live: bool) -> None:
    """Let the show go on, drawing it now and then."""
    end = time.monotonic() + seconds
    screen = demo_screen.Screen() if live else None
    while (left := end - time.monotonic()) > 0:
        if screen is not None:
            screen.draw(watcher.state, watcher.meters, left)
        time.sleep(min(0.2, left))


def main() -> int:
    """Run the demo; 0 only if everybody was heard and nobody who must not be."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="draw nothing while it runs")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to relay; default 30")
    parser.add_argument("--tick-ms", type=int, choices=TICK_MS, default=TICK_MS[0], help="the mixer's step; default 20")
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relay-demo-") as name:
        try:
            report = relay(Path(name), options.seconds, live=not options.headless, tick_ms=options.tick_ms)
        except DemoError as error:
            print(error, file=sys.stderr)
            return 1
        shutil.copy(Path(name) / AUDIO, ROOT / AUDIO)
    if options.report:
        options.report.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(demo_screen.summary(report))
    print(f"What the casters heard: {ROOT / AUDIO}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
