"""The demo in the terminal: every hop of every source, drawn in place."""

import sys
from typing import Any

CLEAR_LINES = "\x1b[{}A\x1b[J"
METER_WIDTH = 20
METER_FLOOR_DB = -60.0

Json = dict[str, Any]


def bar(level_db: float) -> str:
    """Return a level as a bar."""
    share = max(0.0, min(1.0, 1 - level_db / METER_FLOOR_DB))
    filled = round(share * METER_WIDTH)
    return "█" * filled + "·" * (METER_WIDTH - filled)


def lines(state: Json, meters: Json, left: float) -> list[str]:
    """Return what is shown now."""
    names = {talker["user"]: talker["name"] for talker in state.get("talkers", ())}
    places = {bot["channel"]: bot["name"] or bot["bot"] for bot in state.get("bots", ())}
    out = [f"session {state.get('phase', '?')}, {left:4.1f} s left", ""]
    for source in meters.get("sources", ()):
        hops = " → ".join(f"{hop} {source[hop]}" for hop in ("received", "decrypted", "decoded", "mixed"))
        out.append(f"{places.get(source['source'], source['source']):12} {bar(source['peak_db'])}  {hops}")
    for destination in meters.get("destinations", ()):
        name = places.get(destination["destination"], destination["destination"])
        out.append(f"{name:12} {bar(destination['peak_db'])}  sent {destination['sent']}")
    out.append("")
    for talker in meters.get("talkers", ()):
        light = "●" if talker["talking"] else "○"
        out.append(f"  {light} {names.get(talker['user'], talker['user']):14} {bar(talker['peak_db'])}")
    engine = meters.get("engine", {})
    out += [
        "",
        f"residence p50 {engine.get('residence_p50_ms', 0):.1f} ms, p99 {engine.get('residence_p99_ms', 0):.1f} ms",
    ]
    return out


class Screen:
    """Draws over what it drew before; line by line where the output is no terminal."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, state: Json, meters: Json, left: float) -> None:
        """Draw once."""
        shown = lines(state, meters, left)
        if self._drawn and sys.stdout.isatty():
            sys.stdout.write(CLEAR_LINES.format(self._drawn))
        print("\n".join(shown), flush=True)
        self._drawn = len(shown)


def summary(report: Json) -> str:
    """Return the report in words."""
    out = []
    for talker in report["talkers"]:
        delay = "" if talker["delay_ms"] is None else f", {talker['delay_ms']:.0f} ms after it was said"
        out.append(f"  {talker['name']:14} heard {talker['heard']:.3f}{delay}")
    residence = report["residence_ms"]
    out += [
        f"{report['heard_count']} of {len(report['talkers'])} talkers heard by a caster",
        f"one way: {'yes' if report['one_way'] else 'NO'}",
        f"packets that could not be decrypted: {report['undecryptable']}",
        f"packets lost to key changes: {report['undecryptable_in_transitions']}",
        f"residence p50 {residence['p50']} ms, p99 {residence['p99']} ms",
    ]
    return "\n".join(out)
