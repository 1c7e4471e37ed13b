"""How long sound stays in the engine, and how late its ticks are, also while it has other things to do.

The real engine and the simulated Discord, each a process of its own; Discord has a core to itself where the system
allows that, since it would not be on the engine's computer. Everybody talks without a pause. A player's packets come
every 20 ms by that player's own clock (± 100 ppm) at a phase of its own, and the network adds nothing; the phases
differ from show to show. All the time a control client gets the meters 25 times a second. In the busy show a guild as
full as Discord allows is updated every half a second besides: 400 kB of JSON that each of three bots reads.

Residence is the time from a packet's arrival at the engine's socket until the first packet that holds its sound has
been handed to the other socket. Both it and lateness are read from the rings behind the engine's meters.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import plot
from benchmarks.metric import Metric
from benchmarks.probe import Findings
from common.protocol import bootstrap
from common.protocol.address import Address
from common.protocol.bootstrap import Bootstrap
from common.protocol.client import ControlClient
from common.protocol.messages import Meters, Shutdown, StartSession, SubscribeMeters
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec, TickMs
from common.secret import Secret
from devtools.demo import first_line, running, stop

WARM_UP_SECONDS = 5.0
"""From the last bot's arrival: a second until people talk, then time for the tick to find its place."""

SECONDS = 20.0
UPDATE_SECONDS = 0.5
PACKETS_PER_SECOND = 50
SOURCES = {"Red": "relay-red", "Blue": "relay-blue"}
CASTERS = ("Casters", "relay-casters")
CLIPS = tuple(f"{language}_{number}" for number in range(1, 6) for language in ("en", "ja"))
PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)
TOKEN = Secret("benchmark-token")

Values = NDArray[np.float64]


class Setup(NamedTuple):
    """One kind of show; it is run once for every seed, and each seed is a set of phases."""

    tick_ms: TickMs
    talkers: int
    seeds: tuple[int, ...]
    busy: bool = False


QUIET = Setup(20, 2, (1, 2, 3))
CROWD = Setup(10, 12, (1, 2))
BUSY = Setup(20, 12, (1,), busy=True)


class Measured(NamedTuple):
    """What came of it, in ms, after the warm-up; how many packets the caster heard of those that were sent."""

    residence: Values
    lateness: Values
    heard: float


def scene(talkers: int, *, busy: bool) -> str:
    """Return a scene in which so many people, half of them on each source, talk all the time."""
    lines = ["period = 3600.0", "waits_for_bots = true", "[guild]", 'name = "Cup"']
    lines += ["full = true", f"update_period = {UPDATE_SECONDS}"] if busy else []
    for channel, bot in (*SOURCES.items(), CASTERS):
        lines += ["[[channels]]", f'name = "{channel}"', "[[bots]]", f'name = "{bot}"', f'token = "token-of-{bot}"']
    for number in range(talkers):
        lines += ["[[people]]", f'name = "player-{number}"', f'channel = "{list(SOURCES)[number % len(SOURCES)]}"']
        lines += [f'clip = "{CLIPS[number % len(CLIPS)]}"', "talks = [[0.0, 3600.0]]"]
    lines += ["[[people]]", 'name = "caster"', f'channel = "{CASTERS[0]}"', "listens = true"]
    return "\n".join(lines) + "\n"


def spec(discord: dict[str, Any], tick_ms: TickMs) -> SessionSpec:
    """Return the session for the simulator's ids."""
    channels, (casters, bot) = discord["channels"], CASTERS
    return SessionSpec(
        guild=discord["guild"],
        sources=tuple(SourceSpec(channel=channels[name], bot=each) for name, each in SOURCES.items()),
        destinations=(DestinationSpec(channel=channels[casters], bot=bot),),
        tick_ms=tick_ms,
    )


def run_once(setup: Setup, seed: int, folder: Path) -> Measured:
    """Run one show and return what was measured."""
    (folder / "scene.toml").write_text(scene(setup.talkers, busy=setup.busy), "utf-8")
    places = {"scene": folder / "scene.toml", "folder": folder, "report": folder / "heard.json"}
    options = [part for name, place in places.items() for part in (f"--{name}", str(place))]
    with running(["simulator", *options, "--seed", str(seed)]) as simulator:
        core = keep_to_last_core(simulator)
        discord = first_line(simulator)
        with running(["benchmarks.probe", str(folder / "found.json")], stdin=subprocess.PIPE) as engine:
            keep_off(engine, core)
            address = greet(engine, discord)
            meters = asyncio.run(watch(address, spec(discord, setup.tick_ms)))
            engine.wait()
        stop(simulator)
    found = msgspec.json.decode((folder / "found.json").read_bytes(), type=Findings)
    check(found, meters, busy=setup.busy)
    heard = json.loads((folder / "heard.json").read_text("utf-8"))["listeners"]["caster"]["heard"]
    return Measured(
        last(found.residence, SECONDS * PACKETS_PER_SECOND * setup.talkers),
        last(found.lateness, SECONDS * 1000 / setup.tick_ms),
        heard / (1000 / setup.tick_ms * (SECONDS + WARM_UP_SECONDS - 1)),
    )


def keep_to_last_core(process: subprocess.Popen[str]) -> set[int]:
    """Give a process the last core and return it; nothing with one core, or where the system knows no such thing."""
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) == 1:
        return set()
    os.sched_setaffinity(process.pid, last_core := {cores[-1]})
    return last_core


def keep_off(process: subprocess.Popen[str], core: set[int]) -> None:
    """Give a process all cores but that."""
    if core:
        os.sched_setaffinity(process.pid, os.sched_getaffinity(0) - core)


def greet(engine: subprocess.Popen[str], discord: dict[str, Any]) -> Address:
    """Give an engine what it needs and return where it listens."""
    if engine.stdin is None or engine.stdout is None:
        raise RuntimeError("no pipes")
    line = Bootstrap(
        address="tcp:0",
        token=TOKEN,
        bots={name: Secret(token) for name, token in discord["tokens"].items()},
        api_base=discord["api_base"],
        gateway_url=discord["gateway_url"],
        ca_file=discord["ca_file"],
    )
    engine.stdin.write(bootstrap.write_line(line).decode())
    engine.stdin.flush()
    return Address.parse(bootstrap.read_listening(engine.stdout.readline().encode()).address)


async def watch(address: Address, session: SessionSpec) -> int:
    """Start the session, read its meters until the end, and end the engine; return how many meters came."""
    client, count = await ControlClient.connect(address, TOKEN), 0
    await client.call(SubscribeMeters(active=True))
    await client.call(StartSession(spec=session))
    with client.events() as events:
        try:
            async with asyncio.timeout(WARM_UP_SECONDS + SECONDS):
                async for event in events:
                    count += isinstance(event, Meters)
        except TimeoutError:
            pass
    await client.call(Shutdown())
    await client.close()
    return count


def check(found: Findings, meters: int, *, busy: bool) -> None:
    """Refuse a run in which the engine had less to do than it is said to have had."""
    seconds = WARM_UP_SECONDS + SECONDS
    if meters < 0.8 * seconds * 25:
        raise RuntimeError(f"only {meters} meters came")
    if busy and found.guild_updates < 0.8 * seconds / UPDATE_SECONDS * 3:
        raise RuntimeError(f"only {found.guild_updates} guild updates were read")


def last(values: Sequence[int], count: float) -> Values:
    """Return the last ``count`` durations in ms."""
    return np.asarray(values[-int(count) :], np.float64) / 1e6


def measure(setup: Setup) -> Measured:
    """Run a show for every seed and put together what was measured; the worst run's share of heard packets."""
    shows = []
    for seed in setup.seeds:
        with tempfile.TemporaryDirectory(prefix="relay-latency-") as name:
            shows.append(run_once(setup, seed, Path(name)))
    residence, lateness, heard = zip(*shows, strict=True)
    return Measured(np.concatenate(residence), np.concatenate(lateness), min(heard))


def draw(shows: dict[str, Measured]) -> None:
    """Draw the percentiles of both as curves."""
    across = [f"{percent:g} %" for percent in PERCENTILES]

    def panel(title: str, part: dict[str, Values]) -> plot.Panel:
        lines = {name: np.percentile(values, PERCENTILES).tolist() for name, values in part.items()}
        return plot.Panel(title, "ms", across, lines)

    plot.save(
        "latency",
        [
            [panel("residence", {name: show.residence for name, show in shows.items()})],
            [panel("lateness of ticks", {name: show.lateness for name, show in shows.items()})],
        ],
    )


def metrics(name: str, values: Values) -> list[Metric]:
    """Return median and 99th percentile; ``name`` has a place for which."""
    return [Metric(name.format(f"p{percent}"), float(np.percentile(values, percent)), "ms") for percent in (50, 99)]


def run() -> list[Metric]:
    """Measure all kinds of shows."""
    quiet, crowd, busy = measure(QUIET), measure(CROWD), measure(BUSY)
    draw({"20 ms, 2 talkers": quiet, "10 ms, 12 talkers": crowd, "20 ms, 12 talkers, guild updates": busy})
    return [
        *metrics("residence_ms_{}_tick20", quiet.residence),
        *metrics("residence_ms_{}_tick10", crowd.residence),
        *metrics("residence_ms_{}_busy", busy.residence),
        *metrics("lateness_ms_{}", busy.lateness),
        Metric("least_heard_share", min(quiet.heard, crowd.heard, busy.heard), "of packets"),
    ]
