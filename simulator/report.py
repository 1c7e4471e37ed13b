"""What came of a show: who was heard where, as plain data."""

from collections import Counter
from typing import Any

from simulator.ears import Track
from simulator.listening import LEAST_FRAMES, Match, Recording, match
from simulator.scene import Cast
from simulator.show import Show
from simulator.voice_gateway import VoiceServer

HEARD = 0.9
"""A person counts as heard from this correlation on."""


def make(show: Show, cast: Cast, servers: list[VoiceServer]) -> dict[str, Any]:
    """Judge everybody who talked alone by what the first ears heard, and whether a bot was heard in a source."""
    allowed = {ears.channel for ears in show.ears.values()}
    taken = sum((server.taken_from_bots() for server in servers), Counter())
    relayed = sum(count for channel, count in taken.items() if channel not in allowed)
    return {
        "talkers": [talker(show, cast, name) for name in cast.people if talked(show, cast, name)],
        "one_way": relayed == 0,
        "bot_packets_in_sources": relayed,
        "listeners": {name: dict(ears.counts) for name, ears in show.ears.items()},
    }


def talked(show: Show, cast: Cast, name: str) -> bool:
    """Tell whether somebody has a clip to say."""
    voice = show.people.voices.get(cast.people[name].id)
    return voice is not None and bool(voice.script.clip)


def talker(show: Show, cast: Cast, name: str) -> dict[str, Any]:
    """Judge one person by the stretches in which nobody else talked; the worst one counts."""
    user = cast.people[name].id
    matches = [found for found in _matches(show) if found.user == user]
    worst = min(matches, key=lambda found: found.correlation, default=None)
    return {
        "name": cast.guild.shown_name(cast.people[name]),
        "user": str(user),
        "clip": worst.clip if worst else None,
        "utterances": len(matches),
        "heard": round(worst.correlation, 4) if worst else 0.0,
        "delay_ms": round(worst.delay_ms, 1) if worst else None,
    }


def _matches(show: Show) -> list[Match]:
    ears = next(iter(show.ears.values()), None)
    if ears is None:
        return []
    track = max(ears.tracks.values(), key=lambda track: len(track.packets), default=Track())
    recording = Recording(track.packets)
    alone = [said for said in show.people.utterances if said.alone and said.frames >= LEAST_FRAMES]
    return [match(said, recording) for said in alone]
