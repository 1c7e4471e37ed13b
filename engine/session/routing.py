"""From what was set and who is there to the settings the mixer reads. Pure.

Whatever the desk says, a channel is either listened to or played into: an administrator may drag a bot anywhere, and
the bot that was dragged is the one that falls silent for it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from common.protocol.spec import StripSpec
from common.types import ChannelId, Gain
from engine.audio.settings import MixSettings, TalkerStrip
from engine.session.desk import Desk
from engine.session.roster import StripMemory, Talker


def mix_settings(
    desk: Desk, talkers: Iterable[Talker], memory: StripMemory, unsafe: Collection[ChannelId]
) -> MixSettings:
    """Compose one snapshot for the mixer.

    ``unsafe`` are the sources and destinations that are :func:`blocked`. They are neither soloed nor monitors: a solo
    is heard whatever the routes say.
    """
    open_to = {(source, target) for source, target in desk.routes if source not in unsafe and target not in unsafe}
    return MixSettings(
        talkers=tuple(
            _talker_strip(
                talker, memory.get(talker.user), solo=talker.user in desk.soloed and talker.source not in unsafe
            )
            for talker in talkers
        ),
        sources=tuple(
            replace(strip, solo=strip.solo and channel not in unsafe) for channel, strip in desk.sources.items()
        ),
        destinations=tuple(
            replace(strip, monitor=strip.monitor and channel not in unsafe)
            for channel, strip in desk.destinations.items()
        ),
        routes=tuple(
            tuple(
                float(desk.routes[source, target]) if (source, target) in open_to else 0.0
                for target in desk.destinations
            )
            for source in desk.sources
        ),
        kill=desk.kill,
        loudness=desk.loudness,
    )


def blocked(desk: Desk, places: Mapping[ChannelId, ChannelId]) -> frozenset[ChannelId]:
    """Return the sources and destinations whose bot was moved to where the other kind belongs or stands.

    ``places`` tells where the bot of each source and destination really is (session's channel → channel it was
    moved to); those not named are where they belong.
    """
    return frozenset(
        _strayed(desk.sources, desk.destinations, places) | _strayed(desk.destinations, desk.sources, places)
    )


def _strayed(
    homes: Iterable[ChannelId], others: Iterable[ChannelId], places: Mapping[ChannelId, ChannelId]
) -> set[ChannelId]:
    foreign = {*others, *(places.get(other, other) for other in others)}
    return {home for home in homes if places.get(home, home) != home and places[home] in foreign}


def _talker_strip(talker: Talker, strip: StripSpec, *, solo: bool) -> TalkerStrip:
    return TalkerStrip(
        user=talker.user,
        source=talker.source,
        gain=Gain(strip.gain),
        muted=strip.muted,
        solo=solo,
        priority=strip.priority,
        suppression=strip.suppression,
        levelling=strip.levelling,
        high_pass=strip.high_pass,
    )
