"""``python -m benchmarks.probe FILE``: the engine as it is, which at its end also writes down what its meters measured.

The meters that travel tell percentiles since the start; a benchmark wants to leave out the warm-up and to see the
whole distribution, so it reads the same rings. Nothing is added to what the engine does while it runs, but for a
count of the guild updates that it has read.
"""

# ruff: noqa: SLF001 - what is kept inside is what this looks at

import sys
from pathlib import Path
from typing import Any

import msgspec
from discord.state import ConnectionState

from engine import __main__ as program
from engine import app
from engine.audio.meter import Ring
from engine.metrics import Counters
from engine.session.mixing import Mixing

_read = ConnectionState.parse_guild_update
_updates = Counters()


class Findings(msgspec.Struct, frozen=True):
    """What was measured, oldest first, in ns; the rings keep the last 8192 of each."""

    residence: list[int]
    lateness: list[int]
    guild_updates: int


class ProbedEngine(app.Engine):
    """Writes before it closes."""

    async def close(self) -> None:
        """Write down what was measured while everything still runs."""
        mixing = self.session._running and self.session._running._mixing
        if mixing:
            write(mixing)
        await super().close()


def write(mixing: Mixing) -> None:
    """Write down what the meters' rings keep."""
    residence, lateness = mixing._pipeline._passage._residence, mixing._clock._lateness
    found = Findings(values(residence), values(lateness), _updates.get("read"))
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(found))


def count_and_read(state: ConnectionState[Any], data: Any) -> None:  # noqa: ANN401 - whatever discord.py takes
    """Count a guild update, then do what discord.py does."""
    _updates.add("read")
    _read(state, data)


def values(ring: Ring) -> list[int]:
    """Return what a ring keeps, oldest first."""
    kept, count = ring._values, ring._count
    at = count % len(kept)
    ordered: list[int] = [*kept[at:].tolist(), *kept[:at].tolist()]
    return ordered[len(kept) - min(count, len(kept)) :]


def main() -> int:
    """Run an engine behind its control socket."""
    app.Engine = ProbedEngine  # type: ignore[misc]  # who makes it has no other way in
    ConnectionState.parse_guild_update = count_and_read  # type: ignore[assignment, method-assign]  # likewise
    return program.main([])


if __name__ == "__main__":
    sys.exit(main())
