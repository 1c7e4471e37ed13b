import random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.arrivals import GRACE_NS
from engine.audio.frame import FRAME_NS, FRAME_SAMPLES, SILENCE, OpusPacket, packet_samples
from engine.audio.playout import BUFFER_PACKETS, Kind, TalkerBuffer

MS = 1_000_000
PLAIN = b"\xf8abc"  # without redundancy


def come(buffer, queue, now):
    """Feed one talker what comes until the tick of ``now`` begins, which waits a little for who is expected."""
    at = now
    while True:
        while queue and queue[0].arrival <= at:
            buffer.push(queue.pop(0))
        if at >= now + GRACE_NS or not buffer.awaited(at):
            return
        at += MS // 5


def stream(packets, ticks, start=0):
    """Feed (arrival, packet) pairs to one talker and return what each tick took."""
    buffer, queue, taken = TalkerBuffer(1), sorted(packets, key=lambda p: p.arrival), []
    for tick in range(ticks):
        now = start + tick * FRAME_NS
        come(buffer, queue, now)
        taken.append(buffer.take(now))
    return buffer, taken


def numbers(taken):
    return [t.packet.sequence for t in taken if t and t.kind in (Kind.PACKET, Kind.OVERLAY)]


def talk(packet, count, phase, jitter=lambda n: 0, **kw):
    return [packet(1, n, phase + n * FRAME_NS + jitter(n), **kw) for n in range(count)]


def test_clean_network_plays_at_the_next_tick(packet):
    _, taken = stream(talk(packet, 50, 7 * MS), 52)
    assert taken[0] is None
    assert numbers(taken) == list(range(50))
    assert taken[1].packet.sequence == 0


def test_sequence_and_timestamp_wrap_are_no_loss(packet):
    buffer, taken = stream(talk(packet, 40, 5 * MS, first=65520, first_time=2**32 - 5 * FRAME_SAMPLES), 42)
    assert numbers(taken) == [(65520 + n) % 65536 for n in range(40)]
    assert buffer.counters.get("lost") == 0


def test_silence_frames_end_a_stretch_without_loss(packet):
    packets = talk(packet, 10, 5 * MS) + [packet(1, n, 5 * MS + n * FRAME_NS, SILENCE) for n in range(10, 15)]
    buffer, taken = stream(packets, 30)
    assert numbers(taken) == list(range(15))
    assert taken[16:] == [None] * 14
    assert buffer.counters.snapshot() == {}


def test_a_pause_with_numbers_going_on_is_no_loss(packet):
    first = talk(packet, 10, 5 * MS)
    later = [
        p._replace(timestamp=p.timestamp + 48_000, arrival=p.arrival + 1000 * MS) for p in talk(packet, 20, 5 * MS)[10:]
    ]
    buffer, taken = stream(first + later, 100)
    assert numbers(taken) == list(range(20))
    assert buffer.counters.get("lost") == 0


def test_a_lost_packet_is_taken_from_the_next_ones_redundancy(packet):
    """The next one is there already, since this network needs a delay."""
    packets = [p for p in talk(packet, 400, 5 * MS, lambda n: (n % 5) * 12 * MS) if p.sequence != 309]
    buffer, taken = stream(packets, 410)
    redundant = [t.packet.sequence for t in taken if t and t.kind is Kind.REDUNDANCY]
    assert redundant == [310]
    assert buffer.counters.get("lost") == 1


def test_a_lost_packet_is_concealed_once_and_costs_no_delay(packet):
    packets = [p for p in talk(packet, 200, 5 * MS, payload=PLAIN) if p.sequence % 10 != 8]
    buffer, taken = stream(packets, 201)
    assert buffer.counters.snapshot() == {"lost": 20, "concealed": 20}
    assert taken[200].packet.sequence == 199


def test_where_redundancy_is_sent_losses_cost_one_frame_of_delay_and_no_more_sound(packet):
    packets = [p for p in talk(packet, 500, 5 * MS) if p.sequence % 10 != 8]
    buffer, taken = stream(packets, 502)
    counts = buffer.counters.snapshot()
    assert counts["concealed"] <= 2
    assert counts["restored"] >= 48
    assert (taken[501].kind, taken[501].packet.sequence) == (Kind.PACKET, 499)
    loss, concealed, quality = buffer.quality.read()
    assert (round(loss, 2), concealed) == (0.1, 0.0)
    assert 94 < quality < 96


def test_when_nothing_is_lost_any_more_the_frame_is_given_back_in_a_quiet_part(packet):
    buffer = TalkerBuffer(1)
    for n in range(2_000):
        if n > 400 or n % 10 != 8:
            buffer.push(packet(1, n, 5 * MS + n * FRAME_NS))
        take = buffer.take((n + 1) * FRAME_NS, quiet=n > 1_500)
        if n in {395, 1_999}:
            assert n - take.packet.sequence == (1 if n == 395 else 0)
    assert buffer.counters.get("drained") == 1


def test_delay_below_the_target_is_put_right_in_a_quiet_part(packet):
    """A clock that runs 200 ppm slower than ours: its packets come later and later."""
    buffer = TalkerBuffer(1)
    packets = [packet(1, n, 19 * MS + int(n * FRAME_NS * 1.0002), payload=PLAIN) for n in range(6_000)]
    for tick in range(6_000):
        come(buffer, packets, tick * FRAME_NS)
        buffer.take(tick * FRAME_NS, quiet=tick % 25 == 0)
    assert buffer.counters.get("inserted") == 2
    assert buffer.counters.get("concealed") == 0


def test_at_10_ms_a_packet_is_played_in_two_parts_and_being_late_costs_one(packet):
    buffer, kinds = TalkerBuffer(1, tick=480), []
    late = {30: 9 * MS}
    packets = [packet(1, n, 3 * MS + n * FRAME_NS + late.get(n, 0), payload=PLAIN) for n in range(50)]
    for tick in range(110):
        while packets and packets[0].arrival <= tick * FRAME_NS // 2:
            buffer.push(packets.pop(0))
        take = buffer.take(tick * FRAME_NS // 2)
        kinds.append(take.kind if take else None)
    assert kinds[1:61] == [Kind.PACKET, Kind.REST] * 30
    assert kinds[61:63] == [Kind.CONCEAL, Kind.PACKET]
    assert kinds.count(Kind.PACKET) == kinds.count(Kind.REST) == 50


def test_a_packet_of_60_ms_lasts_three_ticks(packet):
    long = bytes([PLAIN[0] | 3, 3]) + b"abc"
    buffer = TalkerBuffer(1)
    for n in range(10):
        buffer.push(packet(1, n, n * 3 * FRAME_NS, payload=long)._replace(timestamp=n * 3 * FRAME_SAMPLES))
    kinds = [buffer.take(tick * FRAME_NS).kind for tick in range(30)]
    assert kinds == [Kind.PACKET, Kind.REST, Kind.REST] * 10
    assert buffer.quality.talk_frames == 30


def test_a_stretch_that_just_stops_fades_out_within_80_ms(packet):
    _, taken = stream(talk(packet, 10, 5 * MS), 40)
    assert [t.kind for t in taken[11:15]] == [Kind.CONCEAL, Kind.CONCEAL, Kind.CONCEAL, Kind.FADE]
    assert taken[15:] == [None] * 25


def test_a_long_hole_is_counted_and_jumped(packet):
    packets = [p for p in talk(packet, 60, 5 * MS) if not 20 <= p.sequence < 40]
    buffer, taken = stream(packets, 62)
    assert buffer.counters.get("lost") == 20
    assert taken[60].packet.sequence == 59


def test_timestamps_that_stand_still_in_a_pause_are_no_jitter(packet):
    packets = []
    for stretch in range(6):
        made = [packet(1, 40 * stretch + n, (140 * stretch + n) * FRAME_NS + 5 * MS) for n in range(40)]
        packets += [p._replace(payload=SILENCE) if p.sequence % 40 >= 35 else p for p in made]
    buffer, taken = stream(packets, 900)
    assert buffer.arrivals.target_ns(900 * FRAME_NS) == 0
    assert buffer.counters.snapshot() == {}
    assert all(i * FRAME_NS - t.packet.arrival < FRAME_NS for i, t in enumerate(taken) if t)


def test_another_ssrc_starts_afresh(packet):
    packets = talk(packet, 10, 5 * MS) + [
        packet(1, n, 5 * MS + (10 + n) * FRAME_NS, ssrc=77, first=40_000, first_time=123) for n in range(10)
    ]
    buffer, taken = stream(packets, 25)
    assert len(numbers(taken)) == 20
    assert buffer.counters.get("lost") == 0


def test_a_backlog_is_drained(packet):
    late = [packet(1, n, 300 * MS if n < 15 else 5 * MS + n * FRAME_NS) for n in range(1200)]
    buffer, taken = stream(late, 1203)
    last = next(t for t in reversed(taken) if t and t.packet)
    assert last.packet.sequence == 1199
    assert taken.index(last) <= 1203
    assert buffer.counters.get("drained") >= 8


def test_at_10_ms_a_packet_that_has_a_tick_to_spare_is_shortened_by_it(packet):
    buffer, queue, taken, delays = TalkerBuffer(1, tick=480), talk(packet, 300, 1 * MS), [], []
    for tick in range(600):
        now = tick * 10 * MS + min(tick, 80) * MS // 10  # the mixer is steered 8 ms away from these packets
        come(buffer, queue, now)
        taken.append(buffer.take(now))
        delays.append(buffer.delay_ns)
    kinds = [t.kind for t in taken if t]
    assert kinds.count(Kind.SHORTEN) == 1
    assert [t.packet.sequence for t in taken if t and t.packet] == list(range(300))
    assert (delays[0], delays[-1]) == (0, 7 * MS)
    assert max(delays) < 13 * MS
    assert buffer.counters.snapshot() == {"drained": 1}


def test_a_packet_shorter_than_two_ticks_is_not_shortened(packet):
    buffer = TalkerBuffer(1, tick=480)
    for n in range(300):
        buffer.push(packet(1, n, n * 10 * MS, b"\xf0abc", first_time=-480 * n & 0xFFFFFFFF))
        buffer.take(n * 10 * MS + min(n, 80) * MS // 10)
    assert buffer.counters.get("drained") == 0


def test_jitter_raises_the_target_and_quiet_lowers_it(packet):
    rng = random.Random(1)
    shaky = talk(packet, 400, 5 * MS, lambda n: int(rng.uniform(0, 60 * MS)))
    buffer, _ = stream(shaky, 420)
    assert 50 * MS < buffer.arrivals.target_ns(420 * FRAME_NS) < 90 * MS
    concealed_shaky = buffer.counters.get("concealed")
    assert concealed_shaky < 40
    calm = [packet(1, n, 5 * MS + n * FRAME_NS) for n in range(400, 2600)]
    for n, p in enumerate(calm):
        buffer.push(p)
        buffer.take((401 + n) * FRAME_NS)
    assert buffer.arrivals.target_ns(2601 * FRAME_NS) < 10 * MS


def test_arrival_at_the_tick_boundary_does_not_oscillate(packet):
    rng = random.Random(2)
    packets = talk(packet, 1500, 20 * MS, lambda n: int(rng.uniform(-1.5 * MS, 1.5 * MS)))
    buffer, _ = stream(packets, 1505)
    assert buffer.counters.get("concealed") <= 3
    assert buffer.counters.get("drained") <= 3


events = st.lists(
    st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(-5, 30), st.booleans()), max_size=200
)


@given(events)
def test_whatever_comes_no_exception_and_bounded(noise):
    buffer, now = TalkerBuffer(1), 0
    for sequence, timestamp, step, known in noise:
        now += max(0, step) * MS
        buffer.push(OpusPacket(1, 5 if known else sequence % 3, sequence, timestamp, b"x", now))
        assert len(buffer) <= BUFFER_PACKETS
        buffer.take(now)


@settings(max_examples=50)
@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 19), st.integers(0, 2**32))
def test_loss_reorder_and_duplication_keep_order_and_delay(first, first_time, phase, seed):
    packets, rng = [], random.Random(seed)
    for n in range(200):
        arrival = phase * MS + n * FRAME_NS + int(rng.uniform(0, 40 * MS))
        made = OpusPacket(1, 9, (first + n) % 65536, (first_time + n * FRAME_SAMPLES) % 2**32, b"x", arrival)
        if rng.random() > 0.1:
            packets += [made] * (2 if rng.random() < 0.1 else 1)
    buffer, taken = stream(packets, 230)
    played = [(n - first) % 65536 for n in numbers(taken)]
    assert played == sorted(played)
    assert len(played) > 120
    assert all(t.packet.arrival + 250 * MS > i * FRAME_NS for i, t in enumerate(taken) if t and t.packet)
    assert len(buffer) == 0


def test_numbers_that_begin_anew_are_another_stream_after_a_moment(packet):
    """A sender that goes back by less than a jump would else be late for ever."""
    first = talk(packet, 1_000, 5 * MS)
    again = [packet(1, n, 5 * MS + (1_000 + n) * FRAME_NS, first_time=1_000 * FRAME_SAMPLES) for n in range(100)]
    buffer, taken = stream(first + again, 1_102)
    assert buffer.counters.get("late") == 10
    assert sum(1 for take in taken[1_000:] if take and take.kind is Kind.PACKET) >= 85


def test_one_stall_is_soon_forgiven(packet):
    """What came at once after it was late once, not ten times; the delay it left is drained in quiet parts."""
    stalled = [packet(1, n, 5 * MS + max(n, 60 if 50 <= n < 60 else n) * FRAME_NS, PLAIN) for n in range(400)]
    buffer, queue, waits = TalkerBuffer(1), sorted(stalled, key=lambda p: p.arrival), []
    for tick in range(402):
        while queue and queue[0].arrival <= tick * FRAME_NS:
            buffer.push(queue.pop(0))
        take = buffer.take(tick * FRAME_NS, quiet=tick % 10 == 0)
        if take and take.packet:
            waits.append(tick * FRAME_NS - take.packet.arrival)
    assert max(waits[-150:]) <= 3 * FRAME_NS
    assert buffer.counters.get("late") + buffer.counters.get("lost") <= 10


durations = st.sampled_from([b"\xe0", b"\xe8", b"\xf0", b"\xf8", b"\x10", b"\x18", b"\xfb\x06"])  # 2.5 to 120 ms


@given(st.lists(st.tuples(durations, st.integers(1, 20)), min_size=1, max_size=8), st.sampled_from([480, 960]))
def test_packets_of_any_length_in_any_order_are_played_whole(runs, tick):
    buffer, now, number, time, played = TalkerBuffer(1, tick=tick), 0, 0, 0, 0.0
    tick_ns = tick * 62_500 // 3
    for first, count in runs:
        for _ in range(count):
            payload = first + b"abc"
            samples = packet_samples(payload)
            now_at = time * 62_500 // 3
            while now + tick_ns <= now_at:
                now += tick_ns
                take = buffer.take(now)
                assert take is None or take.kind is Kind.REST or take.samples >= tick
            buffer.push(OpusPacket(1, 9, number, time, payload, now_at))
            number, time = number + 1, time + samples
    for _ in range(60):
        now += tick_ns
        take = buffer.take(now)
        played += bool(take)
    assert len(buffer) == 0
    assert buffer.counters.get("lost") == buffer.counters.get("late") == 0
