"""The whole relay on the simulated Discord, 15 s: latency inside the engine and what a caster heard."""

import tempfile
from pathlib import Path

from benchmarks.metric import Metric
from devtools.demo import relay

SECONDS = 15.0


def run() -> list[Metric]:
    """Return the figures of one headless demo."""
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as name:
        report = relay(Path(name), SECONDS, live=False)
    return [
        Metric("residence_ms_p50", report["residence_ms"]["p50"], "ms"),
        Metric("residence_ms_p99", report["residence_ms"]["p99"], "ms"),
        Metric("lateness_ms_p99", report["lateness_ms"]["p99"], "ms"),
        Metric("talkers_heard", report["heard_count"], f"of {len(report['talkers'])}"),
        Metric("worst_correlation", min(talker["heard"] for talker in report["talkers"]), ""),
        Metric("undecryptable_packets", report["undecryptable"], "packets"),
    ]
