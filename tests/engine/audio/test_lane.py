from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.frame import FRAME_NS, FRAME_SAMPLES, SILENCE, OpusPacket
from engine.audio.lane import Lane, share_of
from engine.audio.pipeline import Pipeline
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip
from engine.audio.suppression_rack import SuppressionRack

MS = 1_000_000
RED, BLUE, CAST, STREAM = 10, 20, 30, 40
BOTH = MixSettings(
    talkers=(TalkerStrip(1, RED), TalkerStrip(2, BLUE)),
    sources=(SourceStrip(RED), SourceStrip(BLUE)),
    destinations=(DestinationStrip(CAST), DestinationStrip(STREAM, delay_s=1.0)),
    routes=((1.0, 1.0), (1.0, 1.0)),
)


class Show:
    """A pipeline with a live and a delayed listener, in a time of its own."""

    def __init__(self, opus, mix, tick_ms=20):
        self.now, self.opus, self.tick_ms = 0, opus, tick_ms
        self.sent = {CAST: [], STREAM: []}
        self.pipeline = Pipeline(opus, clock=lambda: self.now, tick_ms=tick_ms)
        self.pipeline.apply(mix)
        for channel, packets in self.sent.items():
            self.pipeline.set_output(channel, packets.append)

    def run(self, packets, ticks):
        queue = sorted(packets, key=lambda packet: packet.arrival, reverse=True)
        for _ in range(ticks):
            while queue and queue[-1].arrival <= self.now:
                self.pipeline.push(queue.pop())
            self.pipeline.tick(self.now)
            self.now += self.tick_ms * MS

    def heard(self, channel):
        decoder, frames = self.opus.decoder(), []
        for packet in self.sent[channel]:
            frame = np.zeros((48 * self.tick_ms, 2), np.float32)
            if packet is not None:
                decoder.decode(packet, frame)
            frames.append(frame[:, 0])
        decoder.close()
        return np.concatenate(frames)


def say(user, tone, count, begin=0, jitter=lambda _n: 0):
    """Return packets of a tone, one every 20 ms from ``begin`` (ns) on, with the silence that ends a stretch."""
    packets = [*tone[:count], *[SILENCE] * 5]
    return [
        OpusPacket(user, user, n, n * FRAME_SAMPLES, payload, begin + n * FRAME_NS + jitter(n))
        for n, payload in enumerate(packets)
    ]


def onset(samples):
    """Return when something is first heard, in ms."""
    return float(np.argmax(np.abs(samples) > 0.03)) / 48


@pytest.fixture
def show(opus):
    made = Show(opus, BOTH)
    yield made
    made.pipeline.close()


def test_the_live_mix_and_a_delayed_one_play_the_same_at_their_times(show, tone):
    show.run(say(1, tone, 30, 5 * MS), 110)
    live, later = show.heard(CAST), show.heard(STREAM)
    assert onset(later) - onset(live) == pytest.approx(1000, abs=20)
    assert np.abs(later).max() == pytest.approx(np.abs(live).max(), rel=0.05)


def test_a_fader_moved_before_it_airs_counts_in_the_delayed_mix(show, tone):
    show.run(say(1, tone, 30, 5 * MS), 40)
    muted = replace(BOTH, talkers=(TalkerStrip(1, RED, muted=True), BOTH.talkers[1]))
    show.pipeline.apply(muted)
    show.run([], 70)
    assert np.abs(show.heard(CAST)).max() > 0.1
    assert np.abs(show.heard(STREAM)).max() == 0.0


def test_a_dump_takes_one_talker_out_before_it_airs(show, tone):
    show.run(say(1, tone, 30, 5 * MS), 40)
    show.pipeline.dump([1])
    show.run(say(2, tone, 20, 900 * MS), 30)
    show.run([], 60)
    later = show.heard(STREAM)
    assert np.abs(later[: 48 * 1_890]).max() == 0.0
    assert onset(later) == pytest.approx(1_900, abs=45)
    assert show.pipeline.read_meters().counts["dumped"] >= 30


def test_a_dump_reaches_what_is_already_on_its_way_out(show, tone):
    show.run(say(1, tone, 50, 5 * MS), 60)
    assert onset(show.heard(STREAM)) > 1_000
    show.pipeline.dump([1])
    show.run([], 60)
    ends = 48 * (20 * 60 + 60)
    assert np.abs(show.heard(STREAM)[ends:]).max() < 1e-3


def test_how_far_a_delay_has_filled_is_read(show):
    show.run([], 25)
    filled = show.pipeline.read_meters().destinations
    assert filled[CAST].held_ms == 0.0
    assert filled[STREAM].held_ms == pytest.approx(500, abs=25)
    show.run([], 35)
    assert show.pipeline.read_meters().destinations[STREAM].held_ms == 1_000.0


def test_late_and_lost_packets_are_whole_again_in_a_delayed_mix(opus, tone):
    """The delay leaves time for stragglers: no concealment although packets come up to 150 ms late."""
    show, rng = Show(opus, BOTH), Random(1)
    show.run(say(1, tone, 45, 5 * MS, lambda _n: rng.randrange(150 * MS)), 110)
    counts = show.pipeline._lanes[1.0].read_talkers([1], show.now)[1].counts
    assert not counts.keys() & {"concealed", "lost", "late", "restored"}
    show.pipeline.close()


def test_a_kill_reaches_the_delayed_mix_too(show, tone):
    show.run(say(1, tone, 30, 5 * MS), 40)
    show.pipeline.apply(replace(BOTH, kill=True))
    show.run([], 70)
    assert show.sent[STREAM][-70:] == [None] * 70


def test_a_destination_that_gets_a_delay_on_air_is_silent_for_that_long(show, tone):
    show.run(say(1, tone, 40, 5 * MS), 20)
    later = replace(BOTH, destinations=(DestinationStrip(CAST, delay_s=0.5), BOTH.destinations[1]))
    show.pipeline.apply(later)
    show.run(say(1, tone, 20, show.now), 24)
    assert not any(show.sent[CAST][24:])
    assert sorted(show.pipeline._lanes) == [0.0, 0.5, 1.0]
    show.run([], 20)
    assert any(show.sent[CAST][-20:])


def test_a_delay_nobody_wants_any_more_is_given_up(show):
    show.run([], 1)
    show.pipeline.apply(replace(BOTH, destinations=(DestinationStrip(CAST), DestinationStrip(STREAM))))
    show.run([], 5)
    assert list(show.pipeline._lanes) == [0.0]


def test_a_lane_gets_its_destinations_and_their_routes():
    mix = replace(BOTH, routes=((0.1, 0.2), (0.3, 0.4)))
    share = share_of(mix, 1.0)
    assert [strip.channel for strip in share.destinations] == [STREAM]
    assert share.routes == ((0.2,), (0.4,))


def test_more_talkers_than_ever_get_room(opus):
    rack = SuppressionRack()
    lane = Lane(opus, rack, 20, 0.0, 0)
    crowd = tuple(TalkerStrip(user, RED) for user in range(300))
    lane.adopt(replace(share_of(BOTH, 0.0), talkers=crowd))
    lane.tick([OpusPacket(299, 1, 0, 0, SILENCE, 0)], FRAME_NS)
    assert [take.slot for take in lane.takes] == [lane.places[299]]
    lane.close()
    rack.close()


@pytest.mark.parametrize("tick_ms", [20, 10])
def test_both_ticks_play_a_tone_whole(opus, tone, tick_ms):
    show = Show(opus, BOTH, tick_ms)
    show.run(say(1, tone, 50, 3 * MS), 1100 // tick_ms)
    heard = show.heard(CAST)[48 * 200 : 48 * 1000]
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * 48_000 / len(heard) == pytest.approx(440, abs=2)
    assert np.abs(np.diff(heard)).max() < 0.03
    show.pipeline.close()


phases, jitters = st.integers(0, 19), st.sampled_from([0, 5, 15])


@settings(max_examples=20)
@given(phases, phases, st.sampled_from([20, 10]), st.integers(0, 2**32))
def test_who_speaks_at_the_same_time_is_heard_at_the_same_time(opus, tone, first, second, tick_ms, seed):
    """Clean networks with any phases; each talker is heard alone by one destination: onsets differ by the phases."""
    mix = replace(
        BOTH, destinations=(DestinationStrip(CAST), DestinationStrip(STREAM)), routes=((1.0, 0.0), (0.0, 1.0))
    )
    show, rng = Show(opus, mix, tick_ms), Random(seed)
    packets = [
        *say(1, tone, 30, first * MS, lambda _n: rng.randrange(MS)),
        *say(2, tone, 30, second * MS, lambda _n: rng.randrange(MS)),
    ]
    show.run(packets, 900 // tick_ms)
    apart = onset(show.heard(CAST)) - onset(show.heard(STREAM))
    show.pipeline.close()
    assert abs(apart) <= 20.5


def steps(samples):
    """Return the largest step from one sample to the next; the tone's own are below 0.02."""
    return float(np.abs(np.diff(samples)).max())


def test_a_session_whose_destinations_are_all_delayed_is_heard(opus, tone):
    show = Show(opus, replace(BOTH, destinations=(DestinationStrip(CAST, delay_s=0.3), DestinationStrip(STREAM, 1.0))))
    show.run(say(1, tone, 30, 5 * MS), 110)
    assert onset(show.heard(CAST)) == pytest.approx(300, abs=45)
    assert onset(show.heard(STREAM)) == pytest.approx(1_000, abs=45)
    reading = show.pipeline.read_meters()
    assert (reading.counts, reading.sources[RED].decoded, reading.sources[RED].mixed) == ({}, 35, 0)
    show.pipeline.close()


def test_a_dump_in_the_middle_of_a_word_makes_no_click(show, tone):
    show.run(say(1, tone, 50, 5 * MS), 75)
    show.pipeline.dump([1])
    show.run([], 30)
    assert steps(show.heard(STREAM)) < 0.03


def test_a_destination_that_leaves_for_a_delay_makes_no_click_in_the_one_that_stays(opus, tone):
    mix = replace(BOTH, destinations=(DestinationStrip(CAST), DestinationStrip(STREAM)))
    show = Show(opus, mix)
    show.run(say(1, tone, 50, 5 * MS), 20)
    show.pipeline.apply(replace(mix, destinations=(DestinationStrip(CAST), DestinationStrip(STREAM, delay_s=1.0))))
    show.run([packet for packet in say(1, tone, 50, 5 * MS) if packet.arrival > 19 * FRAME_NS], 25)
    assert steps(show.heard(CAST)[48 * 100 : 48 * 800]) < 0.03
    show.pipeline.close()


def test_one_mix_that_fails_is_not_the_others_silence(show, tone, monkeypatch):
    show.run([], 1)

    def broken(*_):
        raise RuntimeError("mix")

    monkeypatch.setattr(show.pipeline._live._mixer, "mix", broken)
    show.run(say(1, tone, 30, 25 * MS), 90)
    assert not any(show.sent[CAST])
    assert len(show.sent[CAST]) == 91
    assert np.abs(show.heard(STREAM)).max() > 0.1
    assert show.pipeline.read_meters().counts["mix_failed"] >= 30


def test_who_takes_over_a_slot_between_two_ticks_starts_with_their_own_gain(opus, tone):
    show = Show(opus, replace(BOTH, talkers=(TalkerStrip(1, RED),)))
    show.run(say(1, tone, 50, 5 * MS), 20)
    assert any(show.sent[CAST])
    show.pipeline.apply(replace(BOTH, talkers=(TalkerStrip(3, RED, muted=True),)))
    show.sent[CAST].clear()
    show.run(say(3, tone, 20, show.now - 1), 20)
    assert np.abs(show.heard(CAST)[48 * 25 :]).max() < 0.01  # in the first tick the other one fades out
    show.pipeline.close()


def test_what_a_lane_has_counted_stays_counted_when_it_goes(show, tone):
    show.run(say(1, tone, 30, 5 * MS), 40)
    show.pipeline.dump([1])
    show.run([], 60)
    dumped = show.pipeline.read_meters().counts["dumped"]
    show.pipeline.apply(replace(BOTH, destinations=(DestinationStrip(CAST), DestinationStrip(STREAM))))
    show.run([], 2)
    assert show.pipeline.read_meters().counts["dumped"] == dumped > 0


def test_what_is_known_of_a_talker_outlasts_every_move_of_a_fader(show, tone):
    packets = [packet for packet in say(1, tone, 45, 5 * MS) if packet.sequence != 20]
    for tick in range(60):
        show.pipeline.apply(replace(BOTH, loudness=-20.0 - tick / 10))
        show.run([packet for packet in packets if show.now - FRAME_NS < packet.arrival <= show.now], 1)
    reading = show.pipeline.read_meters().talkers[1]
    assert (reading.talk_ms, reading.counts) == (900, {"lost": 1, "concealed": 1})
    assert show.pipeline.read_meters().talkers[2].talk_ms == 0


def test_who_is_quiet_reads_the_same_and_who_talks_again_does_not(show, tone):
    show.run(say(1, tone, 20, 5 * MS), 240)
    show.pipeline.read_meters()
    quiet = show.pipeline.read_meters().talkers[1]
    show.run([], 5)
    assert show.pipeline.read_meters().talkers[1] is quiet
    later = [packet._replace(sequence=100 + packet.sequence) for packet in say(1, tone, 20, show.now)]
    show.run(later, 10)
    assert show.pipeline.read_meters().talkers[1].talking


def third(samples):
    """Return the largest third difference: a cut in a tone is far above what any ramp makes."""
    return float(np.abs(np.diff(samples, 3)).max())


GOING = {
    "a talker leaves": replace(BOTH, talkers=BOTH.talkers[1:]),
    "a talker goes where nobody listens": replace(BOTH, talkers=(TalkerStrip(1, 99), BOTH.talkers[1])),
    "a destination gets a delay": replace(BOTH, destinations=(DestinationStrip(CAST, 0.5), BOTH.destinations[1])),
    "a soloed talker leaves": replace(BOTH, talkers=BOTH.talkers[1:]),
}


@pytest.mark.parametrize("tick_ms", [20, 10])
@pytest.mark.parametrize("what", GOING)
def test_who_or_what_goes_on_air_goes_without_a_cut(opus, tone, what, tick_ms):
    begin = BOTH
    if "soloed" in what:
        monitor = (DestinationStrip(CAST, monitor=True), BOTH.destinations[1])
        begin = replace(BOTH, talkers=(TalkerStrip(1, RED, solo=True), BOTH.talkers[1]), destinations=monitor)
    show, packets = Show(opus, begin, tick_ms), say(1, tone, 45, 5 * MS)
    show.run(packets, 400 // tick_ms)
    show.pipeline.apply(GOING[what])
    show.run([packet for packet in packets if packet.arrival >= show.now], 200 // tick_ms)
    heard = show.heard(CAST)[48 * 100 :]
    show.pipeline.close()
    assert third(heard) < 0.01
    assert np.abs(heard[-48 * 50 :]).max() < 1e-3


def test_ducking_and_limiting_end_in_silence_too(opus, tone):
    loud = replace(
        BOTH,
        talkers=(TalkerStrip(1, RED, gain=2.0, priority=True), TalkerStrip(2, BLUE)),
        sources=(SourceStrip(RED, gain=2.0), SourceStrip(BLUE)),
        destinations=(DestinationStrip(CAST, duck_db=24.0), BOTH.destinations[1]),
    )
    show = Show(opus, loud)
    show.run([*say(1, tone, 40, 5 * MS), *say(2, tone, 40, 5 * MS)], 60)
    show.run([], 100)
    reading = show.pipeline.read_meters().destinations[CAST]
    assert (reading.ducking, reading.reduction) == (1.0, 1.0)
    show.sent[CAST].clear()
    later = [packet._replace(sequence=200 + packet.sequence) for packet in say(2, tone, 20, show.now)]
    show.run(later, 20)
    assert np.abs(show.heard(CAST)[48 * 60 : 48 * 100]).max() > 0.25
    show.pipeline.close()


def test_somebody_with_packets_of_10_ms_silences_nobody(opus, tone):
    show, encoder = Show(opus, BOTH), opus.encoder()
    quiet = np.zeros((480, 2), np.float32)
    short = [OpusPacket(2, 2, n, n * 480, encoder.encode(quiet), 3 * MS + n * FRAME_NS // 2) for n in range(80)]
    show.run([*say(1, tone, 40, 5 * MS), *short], 45)
    heard = show.heard(CAST)[48 * 100 : 48 * 780]
    assert np.abs(np.fft.rfft(heard)).argmax() * 48_000 / len(heard) == pytest.approx(440, abs=2)
    assert "mix_failed" not in show.pipeline.read_meters().counts
    assert show.pipeline.read_meters().talkers[2].counts.get("concealed", 0) <= 5
    show.pipeline.close()


def test_settings_that_come_back_before_who_went_is_gone_bring_them_back(show, tone):
    packets = say(1, tone, 45, 5 * MS)
    show.run(packets, 20)
    show.pipeline.apply(replace(BOTH, talkers=BOTH.talkers[1:]))
    show.run([packet for packet in packets if packet.arrival > show.now - FRAME_NS], 1)
    show.pipeline.apply(BOTH)
    show.run([packet for packet in packets if packet.arrival > show.now - FRAME_NS], 20)
    heard = show.heard(CAST)
    assert np.abs(heard[48 * 600 : 48 * 800]).max() > 0.2
