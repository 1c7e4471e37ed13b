"""One picture a benchmark, ``benchmarks/out/NAME.png``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

OUT = Path(__file__).resolve().parent / "out"
"""Pictures and sounds that benchmarks leave for people; not in git."""


class Panel(NamedTuple):
    """One diagram: a line through ``points`` for every name, over the marks of ``across``.

    ``limit`` is drawn as a dashed line. NaN leaves a gap.
    """

    title: str
    unit: str
    across: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    limit: float | None = None


def save(name: str, rows: Sequence[Sequence[Panel]]) -> Path:
    """Draw the panels as a table of diagrams, those of a row with the same scale, and return the file's path."""
    import matplotlib as mpl  # noqa: PLC0415 - takes a second, and only who draws should wait

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    columns = max(map(len, rows))
    size = (1.5 + 4.5 * columns, 0.5 + 3.2 * len(rows))
    figure, table = plt.subplots(len(rows), columns, sharey="row", squeeze=False, figsize=size)
    for panels, places in zip(rows, table, strict=True):
        for place in places[len(panels) :]:
            place.set_visible(False)
        for panel, place in zip(panels, places, strict=False):
            for label, points in panel.lines.items():
                place.plot(panel.across, points, marker="o", label=label)
            if panel.limit is not None:
                place.axhline(panel.limit, linestyle="--", color="grey")
            place.set(title=panel.title, ylabel=panel.unit)
            place.tick_params(axis="x", labelrotation=45)
            place.grid(visible=True, alpha=0.3)
            place.legend()
    figure.tight_layout()
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.png"
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path
