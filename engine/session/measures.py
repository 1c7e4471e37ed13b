"""From what the rooms counted to the meters that travel. Pure: readings in, structs out."""

from collections.abc import Collection, Iterable, Mapping

from common.protocol.messages import Meters
from common.protocol.meters import DestinationMeter, EngineMeter, SourceMeter, TalkerMeter, decibels, finite
from common.types import ChannelId, UserId
from engine.audio.meter import DestinationReading, MeterReading, Percentiles, SourceReading, TalkerReading

RECEIVED = "received"
DECRYPTED = "decrypted"
SENT = "sent"
_HOPS = frozenset({RECEIVED, DECRYPTED, SENT})
"""What passed a hop; every other count of a line is the reason why something did not."""


def meters(
    at_ms: int,
    reading: MeterReading,
    lateness: Percentiles,
    sources: Mapping[ChannelId, Mapping[str, int]],
    destinations: Mapping[ChannelId, Mapping[str, int]],
    *,
    present: Collection[UserId],
) -> Meters:
    """Put a reading of the audio path and the counts of the voice lines (by place) into one message.

    Who left but is still held by a delay line is read too and left out: only those ``present`` are talkers.
    """
    return Meters(
        at_ms=at_ms,
        talkers=tuple(_talker(user, each) for user, each in reading.talkers.items() if user in present),
        sources=tuple(_source(source, counts, reading) for source, counts in sources.items()),
        destinations=tuple(_destination(target, counts, reading) for target, counts in destinations.items()),
        engine=EngineMeter(
            ticks=reading.ticks,
            skipped=reading.skipped_ticks,
            residence_p50_ms=round(reading.residence.p50, 3),
            residence_p99_ms=round(reading.residence.p99, 3),
            lateness_p50_ms=round(lateness.p50, 3),
            lateness_p99_ms=round(lateness.p99, 3),
            drops=dict(reading.counts),
        ),
    )


def add_up(all_counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sum counts by name: a bot that reconnects begins its counts anew, its source's go on."""
    total: dict[str, int] = {}
    for counts in all_counts:
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _talker(user: UserId, reading: TalkerReading) -> TalkerMeter:
    return TalkerMeter(
        user=str(user),
        peak_db=decibels(reading.peak),
        loudness_lufs=finite(reading.loudness),
        levelling_db=decibels(reading.levelling),
        talking=reading.talking,
        talk_ms=reading.talk_ms,
        delay_ms=round(reading.delay_ms, 1),
        target_ms=round(reading.target_ms, 1),
        jitter_ms=round(reading.jitter_ms, 1),
        loss_percent=round(reading.loss * 100.0, 1),
        concealed_percent=round(reading.concealed * 100.0, 1),
        quality=round(reading.quality, 1),
        counts=dict(reading.counts),
    )


def _source(source: ChannelId, counts: Mapping[str, int], reading: MeterReading) -> SourceMeter:
    bus = reading.sources.get(source, SourceReading())
    return SourceMeter(
        source=str(source),
        peak_db=decibels(bus.peak),
        loudness_lufs=finite(bus.loudness),
        received=counts.get(RECEIVED, 0),
        decrypted=counts.get(DECRYPTED, 0),
        decoded=bus.decoded,
        mixed=bus.mixed,
        drops=_drops(counts),
    )


def _destination(target: ChannelId, counts: Mapping[str, int], reading: MeterReading) -> DestinationMeter:
    bus = reading.destinations.get(target, DestinationReading())
    return DestinationMeter(
        destination=str(target),
        peak_db=decibels(bus.peak),
        loudness_lufs=finite(bus.loudness),
        reduction_db=decibels(bus.reduction),
        ducking_db=decibels(bus.ducking),
        held_ms=round(bus.held_ms, 1),
        sent=counts.get(SENT, 0),
        drops=_drops(counts),
    )


def _drops(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if reason not in _HOPS}
