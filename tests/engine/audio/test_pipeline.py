import functools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types import Suppression
from engine.audio import pipeline as module
from engine.audio.arrivals import LONGEST_TARGET_NS
from engine.audio.clock import gather
from engine.audio.cue import Cue
from engine.audio.frame import CHANNELS, FRAME_NS, FRAME_SAMPLES, SILENCE, OpusPacket
from engine.audio.limiter import CEILING
from engine.audio.phase import STEP_NS
from engine.audio.pipeline import Pipeline
from engine.audio.playout import Kind
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip
from engine.audio.suppression_rack import SuppressionRack

MS = 1_000_000
RED, BLUE, CAST, STREAM = 10, 20, 30, 40


def routes(talkers, *, gains=((1.0,), (1.0,)), kill=False, muted=False):
    strips = tuple(TalkerStrip(user, source, gain, False) for user, source, gain in talkers)
    sources = (SourceStrip(RED, 1.0, muted), SourceStrip(BLUE, 1.0, False))
    return MixSettings(strips, sources, (DestinationStrip(CAST),), gains, kill)


class Show:
    """A pipeline with a listener, in a time of its own."""

    def __init__(self, opus, mix, work_ns=0, tick_ms=20):
        self.now, self.tick_ns = 0, tick_ms * MS
        self.sent = []
        self.opus = opus
        self.pipeline = Pipeline(opus, clock=lambda: self.now + work_ns, tick_ms=tick_ms)
        self.pipeline.apply(mix)
        self.pipeline.set_output(CAST, self.sent.append)

    def tick(self, coming=()):
        """Tick, and wait for it with who is expected; ``coming`` are packets, the first to come last."""
        at = self.now

        def clock():
            while coming and coming[-1].arrival <= at:
                self.pipeline.push(coming.pop())
            return at

        def sleep(seconds):
            nonlocal at
            at += round(seconds * 1e9)

        gather(self.pipeline, self.now, clock, sleep)
        self.pipeline.tick(self.now)
        self.now += self.tick_ns + self.pipeline.steer(self.now)

    def heard(self):
        decoder, frames = self.opus.decoder(), []
        for packet in self.sent:
            frame = np.zeros((FRAME_SAMPLES, CHANNELS), np.float32)
            if packet is not None:
                decoder.decode(packet, frame)
            frames.append(frame)
        decoder.close()
        return np.concatenate(frames)


def say(show, user, tone, ticks, phase=5 * MS):
    for n in range(ticks):
        show.pipeline.push(
            OpusPacket(user, user, n, n * FRAME_SAMPLES, tone[n % len(tone)], show.now - FRAME_NS + phase)
        )
        show.tick()


@pytest.fixture
def show(opus):
    made = Show(opus, routes([(1, RED, 1.0), (2, BLUE, 1.0)]))
    yield made
    made.pipeline.close()


def level(samples):
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def test_what_is_said_is_heard(show, tone):
    say(show, 1, tone, 50)
    spectrum = np.abs(np.fft.rfft(show.heard()[9600:48000, 0]))
    assert np.argmax(spectrum) * 48000 / 38400 == pytest.approx(440, abs=2)


def test_silence_sends_nothing(show, tone):
    for _ in range(5):
        show.tick()
    assert show.sent == [None] * 5
    say(show, 1, tone, 10)
    show.pipeline.push(OpusPacket(1, 1, 10, 10 * FRAME_SAMPLES, SILENCE, show.now))
    for _ in range(10):
        show.tick()
    assert show.sent[-5:] == [None] * 5
    assert all(show.sent[6:15])


def test_gain_mute_route_and_kill(opus, tone):
    def loudness(mix):
        show = Show(opus, mix)
        say(show, 1, tone, 25)
        return level(show.heard()[9600:24000])

    full = loudness(routes([(1, RED, 1.0)]))
    assert loudness(routes([(1, RED, 0.5)])) == pytest.approx(full / 2, rel=0.05)
    assert loudness(routes([(1, RED, 1.0)], gains=((0.5,), (1.0,)))) == pytest.approx(full / 2, rel=0.05)
    assert loudness(routes([(1, RED, 1.0)], muted=True)) == 0.0
    assert loudness(routes([(1, RED, 1.0)], kill=True)) == 0.0


def test_kill_silences_within_one_tick_without_a_click(show, tone):
    say(show, 1, tone, 20)
    show.pipeline.apply(routes([(1, RED, 1.0), (2, BLUE, 1.0)], kill=True))
    say(show, 1, tone, 10)
    heard = show.heard()
    assert level(heard[22 * FRAME_SAMPLES :]) < 1e-3
    assert np.abs(np.diff(heard[:, 0])).max() < 0.05
    assert show.sent[-3:] == [None] * 3


def test_ten_loud_talkers_never_clip(opus, tone):
    show = Show(opus, routes([(user, RED, 2.0) for user in range(1, 11)]))
    for n in range(50):
        for user in range(1, 11):
            show.pipeline.push(OpusPacket(user, user, n, n * FRAME_SAMPLES, tone[n], show.now - 5 * MS))
        show.tick()
    heard = show.heard()
    assert 0.3 < np.abs(heard).max() <= 1.0


def test_garbage_is_counted_and_concealed(show, tone):
    say(show, 1, tone, 10)
    for n in range(10, 15):
        show.pipeline.push(OpusPacket(1, 1, n, n * FRAME_SAMPLES, b"\xff" * 40, show.now))
        show.tick()
    say_on = show.pipeline.read_meters().talkers[1].counts
    assert say_on["corrupt_opus"] + say_on.get("odd_duration", 0) >= 5
    assert np.isfinite(show.heard()).all()


def talk(rng, ticks, *, pauses):
    """Yield (tick, payload) of one talker: always talking, or stretches of 0.6 to 5 s ended by silence frames."""
    tick = 0
    while tick < ticks:
        length = rng.randint(30, 250) if pauses else ticks
        length = min(length, ticks - tick)
        for n in range(length):
            yield tick + n, SILENCE + b"x" if n < length - 5 else SILENCE
        tick += length + rng.randint(50, 400)


def turns(rng, ticks, talkers):
    """Return each talker's speech when one speaks at a time, 1.2 to 2.2 s each."""
    said, tick = [[] for _ in range(talkers)], 0
    while tick < ticks:
        length = min(rng.randint(60, 110), ticks - tick)
        speaker = said[rng.randrange(talkers)]
        speaker += [(tick + n, SILENCE + b"x" if n < length - 5 else SILENCE) for n in range(length)]
        tick += length + 10
    return said


def residence(opus, rng, said, jitter_ms):
    """Talkers at random phases, ±100 ppm, 15 s from the first packet on, 0.7 ms of work a tick."""
    show = Show(opus, routes([(user, RED, 1.0) for user in range(len(said))]), work_ns=700_000)
    arrivals = []
    for user, speech in enumerate(said):
        phase, period = rng.uniform(0, FRAME_NS), FRAME_NS * (1 + rng.uniform(-100e-6, 100e-6))
        first = rng.randrange(2**32)
        for number, (n, payload) in enumerate(speech):
            at = int(phase + n * period + rng.uniform(-jitter_ms, jitter_ms) * MS)
            arrivals.append(OpusPacket(user, user, number, (first + n * FRAME_SAMPLES) % 2**32, payload, at))
    arrivals.sort(key=lambda packet: packet.arrival, reverse=True)
    for _ in range(760):
        show.tick(arrivals)
    reading = show.pipeline.read_meters()
    show.pipeline.close()
    return reading


@pytest.mark.parametrize("pauses", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_residence_on_a_clean_network(opus, seed, pauses):
    rng = random.Random(seed)
    said = [list(talk(rng, 750, pauses=pauses)) for _ in range(10)]
    reading = residence(opus, rng, said, jitter_ms=1.5)
    assert reading.residence.count > 2_000
    assert reading.residence.p50 <= 12
    assert reading.residence.p99 <= 22
    assert sum(talker.counts.get("concealed", 0) for talker in reading.talkers.values()) <= 10
    assert not any(talker.counts.get("lost", 0) for talker in reading.talkers.values())


@pytest.mark.parametrize("seed", range(3))
def test_residence_when_people_take_turns(opus, seed):
    """On a network inside one machine, as in a rehearsal; everybody is new to the tick within the same 15 s."""
    rng = random.Random(seed)
    reading = residence(opus, rng, turns(rng, 750, 10), jitter_ms=0.3)
    assert reading.residence.count > 500
    assert reading.residence.p50 <= 12
    assert reading.residence.p99 <= 22


def test_the_muted_are_not_sent(opus, tone):
    muted = MixSettings(
        (TalkerStrip(1, RED, 1.0, True),), (SourceStrip(RED, 1.0, False),), (DestinationStrip(CAST),), ((1.0,),)
    )
    show = Show(opus, muted)
    say(show, 1, tone, 10)
    assert show.sent == [None] * 10
    assert show.pipeline.read_meters().residence.count == 0


def test_one_destinations_trouble_is_not_the_others(opus, tone):
    strips = (TalkerStrip(1, RED, 1.0, False),)
    show = Show(
        opus,
        MixSettings(
            strips, (SourceStrip(RED, 1.0, False),), (DestinationStrip(40), DestinationStrip(CAST)), ((1.0, 1.0),)
        ),
    )

    def broken(_packet):
        raise OSError("socket")

    show.pipeline.set_output(40, broken)
    say(show, 1, tone, 10)
    assert all(show.sent)
    assert len(show.sent) == 10
    assert show.pipeline.read_meters().counts["output_failed"] == 10


def test_each_destination_hears_its_own_sources(opus, tone):
    both = routes([(1, RED, 1.0), (2, BLUE, 1.0)])
    show = Show(
        opus,
        replace(both, destinations=(DestinationStrip(CAST), DestinationStrip(40)), routes=((1.0, 0.0), (0.0, 1.0))),
    )
    other = []
    show.pipeline.set_output(40, other.append)
    say(show, 1, tone, 10)
    assert all(show.sent)
    assert other == [None] * 10


def test_what_is_counted_adds_up(show, tone):
    for n in (0, 1, 2, 3, 5, 6, 7, 7, 8):
        show.pipeline.push(OpusPacket(1, 1, n, n * FRAME_SAMPLES, tone[n], show.now))
    for _ in range(40):
        show.tick()
    reading = show.pipeline.read_meters()
    assert reading.sources[RED].decoded == reading.sources[RED].mixed == reading.residence.count == 8
    assert reading.talkers[1].counts["lost"] == 1
    assert reading.talkers[1].counts["duplicate"] == 1


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(5, 44)), st.randoms(use_true_random=False))
def test_loss_and_disorder_make_no_click(opus, tone, lost, rng):
    """A 440 Hz tone of amplitude 0.3 moves by 0.017 a sample; concealment is never more than some times as steep."""
    show = Show(opus, routes([(1, RED, 1.0)]))
    packets = [(n * FRAME_NS + rng.randrange(60 * MS), n) for n in range(50) if n not in lost]
    packets.sort(reverse=True)
    for _ in range(75):
        while packets and packets[-1][0] <= show.now:
            at, n = packets.pop()
            show.pipeline.push(OpusPacket(1, 1, n, n * FRAME_SAMPLES, tone[n], at))
        show.tick()
    heard = show.heard()
    show.pipeline.close()
    assert np.abs(np.diff(heard[4 * FRAME_SAMPLES :, 0])).max() < 0.1
    assert level(heard[-2 * FRAME_SAMPLES :]) < 1e-3


def test_the_tick_moves_slowly_on_air_and_at_once_in_silence(show, tone):
    moves = []
    for n in range(5):
        show.pipeline.push(OpusPacket(1, 1, n, n * FRAME_SAMPLES, tone[n], n * FRAME_NS - 8 * MS))
        show.pipeline.tick(n * FRAME_NS)
        moves.append(show.pipeline.steer(n * FRAME_NS))
    assert moves[-1] == -STEP_NS
    for n in range(5, 30):
        show.pipeline.tick(n * FRAME_NS)
        moves.append(show.pipeline.steer(n * FRAME_NS))
    assert show.sent[-1] is None
    assert moves[-1] < -4 * MS


def test_a_tick_waits_for_who_talks_and_is_not_here_yet(show, tone):
    say(show, 1, tone, 30, phase=18 * MS)
    due = show.now - 2 * MS  # when this talker's packets come
    assert show.pipeline.awaits(due)
    show.pipeline.push(OpusPacket(1, 1, 30, 30 * FRAME_SAMPLES, tone[30], due))
    assert not show.pipeline.awaits(due)
    show.tick()
    reading = show.pipeline.read_meters()
    assert reading.sources[RED].mixed == 31  # what was seen while waiting is not lost
    assert "concealed" not in reading.talkers[1].counts


def test_nobody_waits_for_who_is_later_than_ever_nor_for_who_has_ended(show, tone):
    say(show, 1, tone, 30, phase=18 * MS)
    assert not show.pipeline.awaits(show.now + 2 * MS)
    say(show, 1, [SILENCE], 5)
    assert not show.pipeline.awaits(show.now - 2 * MS)


def test_nothing_is_kept_of_the_absent(opus, tone):
    show = Show(opus, routes([]))
    rng = random.Random(3)
    present = {}
    for tick in range(5000):
        if tick % 20 == 0:
            user = rng.randrange(1, 400)
            if user in present:
                del present[user]
            elif len(present) < 6:
                present[user] = tick
            show.pipeline.apply(routes([(u, RED, 1.0) for u in present]))
        for user, since in present.items():
            n = tick - since
            show.pipeline.push(OpusPacket(user, user, n % 65536, n * FRAME_SAMPLES, tone[n % 50], show.now - MS))
        show.tick()
    pipeline = show.pipeline
    lane = pipeline._live
    rooms = (lane.jitter.talkers, lane._decoders.talkers, lane.places, pipeline._users)
    assert [set(room) for room in rooms] == [set(present)] * len(rooms)


def test_skipped_ticks_advance_the_senders(show):
    show.pipeline.skip(7)
    assert show.sent == [None] * 7
    assert show.pipeline.read_meters().skipped_ticks == 7


network = st.fixed_dictionaries(
    {
        "first": st.integers(0, 2**16 - 1),
        "first_time": st.integers(0, 2**32 - 1),
        "jitter_ms": st.sampled_from([0, 3, 20, 60, 150]),
        "loss": st.sampled_from([0.0, 0.05, 0.3]),
        "doubled": st.sampled_from([0.0, 0.1]),
        "pauses": st.booleans(),
        "moves": st.booleans(),
    }
)


def sent_by(user, tone, rng, how, seconds=4):
    """Return what the network makes of one talker's speech, in order of arrival."""
    arrived, ssrc, number = [], user, 0
    for n in range(seconds * 50):
        if how["pauses"] and n % 60 >= 45:
            continue
        if how["moves"] and n == 100:
            ssrc, number = user + 1000, 0
        payload = SILENCE if how["pauses"] and n % 60 >= 40 else tone[n % len(tone)]
        sequence = (how["first"] + number) % 65536
        timestamp = (how["first_time"] + n * FRAME_SAMPLES) % 2**32
        number += 1
        for _ in range(2 if rng.random() < how["doubled"] else 1):
            at = n * FRAME_NS + rng.randrange(how["jitter_ms"] * MS + MS)
            if rng.random() >= how["loss"]:
                arrived.append(OpusPacket(user, ssrc, sequence, timestamp, payload, at))
    return arrived


class Ears:
    """What comes before the encoder, and what was played of whom when."""

    def __init__(self, pipeline, monkeypatch):
        self.peak, self.finite, self.waits = 0.0, True, []
        lane = pipeline._live
        mix = lane._mixer.mix

        def listened(voices, cues):
            frames = mix(voices, cues)
            self.finite = self.finite and all(np.isfinite(frame).all() for frame in frames)
            self.peak = max(self.peak, *(float(np.abs(frame).max()) for frame in frames))
            return frames

        monkeypatch.setattr(lane._mixer, "mix", listened)
        self.lane = lane

    def note(self, now):
        played = [take for take in self.lane.takes if take.packet and take.kind is not Kind.REDUNDANCY]
        self.waits += [now - take.packet.arrival for take in played]
        self.waits += [now - take.skipped.arrival for take in played if take.skipped]


@settings(max_examples=25)
@given(st.lists(network, min_size=1, max_size=3), st.sampled_from([20, 10]), st.randoms(use_true_random=False))
def test_whatever_the_network_does_sound_goes_on_whole_bounded_and_unclipped(opus, tone, networks, tick_ms, rng):
    """Every tick gives one packet; nothing waits longer than the longest target and what draining may leave.

    And every packet that came was played, or is counted under a reason, or still queued.
    """
    talkers = [(user, RED, 2.0) for user in range(1, len(networks) + 1)]
    show = Show(opus, routes(talkers), tick_ms=tick_ms)
    packets = [p for (user, _, _), how in zip(talkers, networks, strict=True) for p in sent_by(user, tone, rng, how)]
    packets.sort(key=lambda packet: packet.arrival, reverse=True)
    count = len(packets)
    with pytest.MonkeyPatch.context() as patch:
        show.tick()
        ears = Ears(show.pipeline, patch)
        for _ in range(5_000 // tick_ms):
            while packets and packets[-1].arrival <= show.now:
                show.pipeline.push(packets.pop())
            now = show.now
            show.tick()
            ears.note(now)
    reading = show.pipeline.read_meters()
    buffers = show.pipeline._live.jitter.talkers.values()
    show.pipeline.close()
    assert len(show.sent) == reading.ticks == 5_000 // tick_ms + 1
    assert ears.finite
    assert ears.peak <= CEILING
    assert max(ears.waits, default=0) <= LONGEST_TARGET_NS + 150 * MS + 6 * FRAME_NS
    given_up = sum(buffer.counters.get(why) for buffer in buffers for why in ("late", "duplicate", "overflow"))
    forgotten = count - reading.sources[RED].decoded - given_up - sum(len(buffer) for buffer in buffers)
    # Only what is queued of a stream that was left for another one is forgotten without a count.
    assert 0 <= forgotten <= (20 * len(networks) if any(how["moves"] for how in networks) else 0)


def test_who_gets_less_noise_suppression_than_wanted_is_counted_in_the_meters_for_good(opus, tone, monkeypatch):
    def missing(_):
        raise ImportError("no such wheel")

    monkeypatch.setattr(module, "SuppressionRack", functools.partial(SuppressionRack, missing))
    mix = routes([(1, RED, 1.0)])
    noisy = replace(mix, talkers=(replace(mix.talkers[0], suppression=Suppression.STRONG),))
    late = DestinationStrip(CAST + 1, delay_s=0.5)
    both = replace(noisy, destinations=(*mix.destinations, late), routes=((1.0, 1.0), (1.0, 1.0)))
    show = Show(opus, both)
    show.tick()
    show.pipeline._rack.settle()
    say(show, 1, tone, 50)
    counts = {"suppression_failed_strong": 2, "suppression_failed_standard": 2}
    assert counts.items() <= show.pipeline.read_meters().counts.items()
    show.pipeline.apply(noisy)
    show.tick()
    assert counts.items() <= show.pipeline.read_meters().counts.items()
    show.pipeline.close()


def two_destinations(opus, tick_ms, *, delay_s=0.0, kill=False):
    """Return a show and its settings, in which Red is heard at two destinations, the second one of them delayed."""
    both = (DestinationStrip(CAST), DestinationStrip(STREAM, delay_s=delay_s))
    mix = replace(routes([(1, RED, 1.0)], gains=((1.0, 1.0), (1.0, 1.0)), kill=kill), destinations=both)
    show = Show(opus, mix, tick_ms=tick_ms)
    other = []
    show.pipeline.set_output(STREAM, other.append)
    return show, mix, other


@pytest.mark.parametrize("tick_ms", [20, 10])
@pytest.mark.parametrize("delay_s", [0.0, 5.0])
def test_a_cue_is_heard_at_once_in_its_destination_and_in_no_other(opus, tick_ms, delay_s):
    show, _, other = two_destinations(opus, tick_ms, delay_s=delay_s)
    for _ in range(10):
        show.tick()
    cue = Cue(np.full(9_600, 0.1, np.float32), lambda: show.now)
    show.pipeline.play(STREAM, cue)
    for _ in range(1_000 // tick_ms):
        show.tick()
    sounding = [number for number, packet in enumerate(other) if packet is not None]
    assert sounding == list(range(10, 10 + (200 + 60) // tick_ms))  # with the tail of what encoder and limiter hold
    assert cue.over
    assert cue.entries == [(10 * tick_ms + number * tick_ms) * MS for number in range(200 // tick_ms)]
    assert set(show.sent) == {None}
    show.pipeline.close()


def test_a_cue_changes_nothing_of_what_others_hear(opus, tone):
    def heard(*, cue):
        show, _, _ = two_destinations(opus, 20)
        if cue:
            show.pipeline.play(STREAM, Cue(np.full(9_600, 0.1, np.float32), lambda: 0))
        say(show, 1, tone, 25)
        show.pipeline.close()
        return show.sent

    assert heard(cue=True) == heard(cue=False)


def test_the_kill_switch_ends_a_cue_without_a_click(opus):
    show, mix, other = two_destinations(opus, 20)
    sound = 0.1 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000).astype(np.float32)
    cue = Cue(sound, lambda: 0)
    show.pipeline.play(STREAM, cue)
    for _ in range(10):
        show.tick()
    show.pipeline.apply(replace(mix, kill=True))
    for _ in range(20):
        show.tick()
    assert cue.over
    assert other[-15:] == [None] * 15
    show.sent = other
    assert np.abs(np.diff(show.heard()[:, 0])).max() < 0.02
    show.pipeline.play(STREAM, Cue(sound, lambda: 0))
    show.sent.clear()
    for _ in range(10):
        show.tick()
    assert level(show.heard()) < 0.02  # one frame, fading
    assert show.sent[-5:] == [None] * 5
    show.pipeline.close()


def test_a_cue_for_nobody_troubles_nobody(opus, tone):
    show, _, _ = two_destinations(opus, 20)
    show.pipeline.play(99, Cue(np.full(960, 0.1, np.float32), lambda: 0))
    say(show, 1, tone, 10)
    assert all(show.sent[5:])
    show.pipeline.close()
