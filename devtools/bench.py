"""``dev.py bench``: runs benchmarks and writes their figures.

A benchmark is one file in ``benchmarks/`` whose ``run()`` returns its metrics; the others there are what benchmarks
share. This file only finds, runs and writes. ``--page`` refreshes the rows of what was run in ``docs/measurements.md``.
"""

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks.metric import Metric

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "measurements.md"
PAGE_HEAD = """# Measurements

Written by `python3 dev.py bench [NAME] --page`, benchmark by benchmark; not edited by hand.
Repeat one row with `python3 dev.py bench NAME --json FILE`.
Ratios travel between machines, absolute times do not.

Last measured on {cpu} ({cores} cores), {system}, Python {python}.

| benchmark | metric | value | unit | on |
|---|---|---|---|---|
"""


def names() -> list[str]:
    """Return the benchmarks there are, by file name."""
    files = sorted((ROOT / "benchmarks").glob("*.py"))
    return [file.stem for file in files if "\ndef run() " in file.read_text("utf-8")]


def run(name: str) -> list[Metric]:
    """Run one benchmark and print its figures."""
    metrics: list[Metric] = importlib.import_module(f"benchmarks.{name}").run()
    for metric in metrics:
        print(f"{name:12} {metric.metric:40} {metric.value:>12.4g} {metric.unit}", flush=True)
    return metrics


def processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def rows_of(text: str) -> dict[str, list[str]]:
    """Return the rows of a page by benchmark."""
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        name = line.partition("|")[2].partition("|")[0].strip()
        if line.startswith("| ") and name != "benchmark":
            rows.setdefault(name, []).append(line)
    return rows


def page(before: str, results: dict[str, list[Metric]], day: dt.date) -> str:
    """Return the text of docs/measurements.md: ``before`` with these results in place of the same benchmarks' rows."""
    head = PAGE_HEAD.format(
        cpu=processor(),
        cores=os.cpu_count(),
        system=platform.platform(terse=True),
        python=platform.python_version(),
    )
    rows = rows_of(before) | {
        name: [f"| {name} | {m.metric} | {m.value:.4g} | {m.unit} | {day} |" for m in metrics]
        for name, metrics in results.items()
    }
    return head + "".join(f"{row}\n" for name in sorted(rows) for row in rows[name])


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="dev.py bench")
    parser.add_argument("name", nargs="*", choices=names(), help="which; none = all")
    parser.add_argument("--json", type=Path, help="write a list of {metric, value, unit}")
    parser.add_argument("--page", action="store_true", help="refresh their rows in docs/measurements.md")
    options = parser.parse_args()
    results = {name: run(name) for name in options.name or names()}
    if options.json:
        rows = [metric.as_dict() for metrics in results.values() for metric in metrics]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    if options.page:
        PAGE.write_text(page(PAGE.read_text("utf-8"), results, dt.datetime.now(tz=dt.UTC).date()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
