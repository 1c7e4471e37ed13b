"""Meters: what every hop counted, by place, over reconnects."""

from hypothesis import given
from hypothesis import strategies as st

from common.protocol import codec
from common.protocol.meters import SILENCE_DB
from common.types import ChannelId, UserId
from engine.audio.meter import DestinationReading, MeterReading, Percentiles, SourceReading, TalkerReading
from engine.session.measures import add_up, meters

RED, CASTERS = ChannelId(10), ChannelId(30)


def test_every_hop_has_its_figure_and_every_loss_its_reason():
    reading = MeterReading(
        ticks=50,
        skipped_ticks=1,
        talkers={
            UserId(7): TalkerReading(
                talking=True,
                peak=0.5,
                loudness=-23.04,
                levelling=2.0,
                talk_ms=1500,
                delay_ms=40.0,
                target_ms=20.04,
                jitter_ms=3.0,
                loss=0.05,
                concealed=0.0251,
                quality=97.49,
                counts={"late": 2},
            ),
            UserId(8): TalkerReading(talking=True),
        },
        sources={RED: SourceReading(1.0, loudness=-19.96, decoded=90, mixed=80)},
        destinations={CASTERS: DestinationReading(0.1, -18.0, reduction=0.5, ducking=0.25, held_ms=3000.0)},
        residence=Percentiles(6.00049, 9.0, 80),
        counts={"unknown_user": 3},
    )
    received = {RED: {"received": 100, "decrypted": 95, "bad_tag": 5}}
    sent = {CASTERS: {"sent": 80, "not_ready": 1}}
    made = meters(1234, reading, Percentiles(0.1, 0.2, 50), received, sent, present={7})
    (source,), (destination,), (talker,) = made.sources, made.destinations, made.talkers
    assert (source.received, source.decrypted, source.decoded, source.mixed) == (100, 95, 90, 80)
    assert (source.drops, source.peak_db) == ({"bad_tag": 5}, 0.0)
    assert (destination.sent, destination.drops) == (80, {"not_ready": 1})
    assert (destination.peak_db, destination.reduction_db) == (-20.0, -6.0)
    assert (source.loudness_lufs, destination.loudness_lufs, talker.loudness_lufs) == (-20.0, -18.0, -23.0)
    assert (destination.ducking_db, destination.held_ms) == (-12.0, 3000.0)
    assert (talker.levelling_db, talker.talk_ms) == (6.0, 1500)
    assert (talker.delay_ms, talker.target_ms, talker.jitter_ms) == (40.0, 20.0, 3.0)
    assert (talker.loss_percent, talker.concealed_percent, talker.quality) == (5.0, 2.5, 97.5)
    assert (talker.user, talker.talking, talker.peak_db, talker.counts) == ("7", True, -6.0, {"late": 2})
    assert (made.at_ms, made.engine.ticks, made.engine.skipped) == (1234, 50, 1)
    assert (made.engine.residence_p50_ms, made.engine.lateness_p99_ms) == (6.0, 0.2)
    assert made.engine.drops == {"unknown_user": 3}


def test_a_place_that_nothing_was_measured_of_yet_is_silent_and_not_missing():
    made = meters(0, MeterReading(), Percentiles(), {RED: {}}, {CASTERS: {}}, present=())
    assert (made.sources[0].received, made.sources[0].peak_db) == (0, SILENCE_DB)
    assert (made.destinations[0].sent, made.destinations[0].reduction_db) == (0, 0.0)


@given(st.floats())
def test_whatever_is_measured_can_be_sent(level):
    reading = MeterReading(
        talkers={UserId(7): TalkerReading(talking=True, peak=level, loudness=level, levelling=level)},
        sources={RED: SourceReading(level, level)},
        destinations={CASTERS: DestinationReading(level, level, level, level)},
    )
    made = meters(0, reading, Percentiles(), {RED: {}}, {CASTERS: {}}, present={7})
    assert codec.decode_engine(codec.encode(made)) == made


counts = st.dictionaries(st.sampled_from(["received", "bad_tag", "late"]), st.integers(0, 1000))


@given(st.lists(counts, max_size=5))
def test_counts_of_several_connections_add_up(several: list[dict[str, int]]):
    total = add_up(several)
    assert sum(total.values()) == sum(sum(each.values()) for each in several)
    assert set(total) == {name for each in several for name in each}
