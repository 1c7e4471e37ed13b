"""From what the simulator heard and the engine measured to the demo's report; pure."""

from typing import Any

HEARD = 0.9
"""The correlation from which a person counts as heard."""

TRANSITIONS = "dave_in_transition"
UNENCRYPTED = "dave_unencrypted"
UNDECRYPTABLE = ("transport_refused", "dave_no_decryptor", "dave_no_cryptor", "dave_refused", "unknown_ssrc")

Json = dict[str, Any]


def make_report(heard: Json, state: Json, meters: Json, *, seconds: float, engine_status: int) -> Json:
    """Put the figures together; ``ok`` if every talker was heard and no bot spoke where it must not."""
    drops: dict[str, int] = {}
    for source in meters.get("sources", ()):
        for reason, count in source["drops"].items():
            drops[reason] = drops.get(reason, 0) + count
    talkers, engine = heard["talkers"], meters.get("engine", {})
    everybody = bool(talkers) and all(talker["heard"] >= HEARD for talker in talkers)
    return {
        "ok": everybody and heard["one_way"] and engine_status == 0,
        "seconds": seconds,
        "talkers": talkers,
        "heard_count": sum(talker["heard"] >= HEARD for talker in talkers),
        "one_way": heard["one_way"],
        "bot_packets_in_sources": heard["bot_packets_in_sources"],
        "residence_ms": {"p50": engine.get("residence_p50_ms"), "p99": engine.get("residence_p99_ms")},
        "lateness_ms": {"p50": engine.get("lateness_p50_ms"), "p99": engine.get("lateness_p99_ms")},
        "undecryptable": sum(drops.get(reason, 0) for reason in UNDECRYPTABLE),
        "undecryptable_in_transitions": drops.get(TRANSITIONS, 0),
        "sent_unencrypted_by_people": drops.get(UNENCRYPTED, 0),
        "drops": drops,
        "ticks": engine.get("ticks"),
        "outages": state.get("outages", []),
        "encryption": {bot["bot"]: bot["encryption"] for bot in state.get("bots", ())},
        "listeners": heard["listeners"],
        "engine_status": engine_status,
    }
