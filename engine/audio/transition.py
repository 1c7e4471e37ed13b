"""From one set of settings to the next without a cut: whoever or whatever goes is faded in one tick, and gone soon.

Pure. Everything else that changes is ramped by the rooms themselves.
"""

from dataclasses import replace

from common.types import UserId
from engine.audio.settings import DestinationStrip, MixSettings, TalkerStrip


def first_step(before: MixSettings, after: MixSettings) -> MixSettings:
    """Return what is to hold for some ticks between two settings; ``after`` itself if nothing goes.

    Talkers who leave, or move to where nobody listens, stay as they were, muted; but not those of a source that could
    not be heard before: its routes may open in this very step, and their fade would be heard. Destinations that
    leave, or get another delay and so another mix, stay where they were, without routes.
    """
    parting, moving = _parting(before, after), _moving(before, after)
    if not parting and not moving:
        return after
    staying = tuple(strip for strip in after.talkers if strip.user not in parting)
    kept = tuple(strip for strip in after.destinations if strip.channel not in {gone.channel for gone in moving})
    columns = [after.destinations.index(strip) for strip in kept]
    return replace(
        after,
        talkers=staying + tuple(parting.values()),
        destinations=kept + moving,
        routes=tuple(tuple(row[column] for column in columns) + (0.0,) * len(moving) for row in after.routes),
    )


def _parting(before: MixSettings, after: MixSettings) -> dict[UserId, TalkerStrip]:
    sources = {strip.channel for strip in after.sources}
    heard = {strip.user for strip in after.talkers if strip.source in sources}
    rows = zip(before.sources, before.routes, strict=True)
    closed = {strip.channel for strip, row in rows if not any(row) and not strip.solo}
    return {
        strip.user: replace(strip, muted=True, solo=False)
        for strip in before.talkers
        if strip.user not in heard
        and strip.source in sources
        and (strip.solo or not (strip.muted or strip.source in closed))
    }


def _moving(before: MixSettings, after: MixSettings) -> tuple[DestinationStrip, ...]:
    delays = {strip.channel: strip.delay_s for strip in after.destinations}
    return tuple(
        replace(strip, monitor=False) for strip in before.destinations if delays.get(strip.channel) != strip.delay_s
    )
