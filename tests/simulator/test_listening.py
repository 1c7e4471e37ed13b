import random

import pytest

from common.types import UserId
from simulator import clips
from simulator.ears import Heard, filled
from simulator.listening import Recording, match
from simulator.opus import FRAME, SILENCES, Encoder, decode_all
from simulator.people import Utterance
from simulator.transport import SILENCE

FRAME_NS = 20_000_000
HEARD = 0.9
NOT_HEARD = 0.5


def said(clip, frames=56, start=0):
    return Utterance(UserId(1), clip, start, start + frames * FRAME_NS, frames, alone=True)


def heard(clip, frames=56, delay_ms=60):
    packets = clips.packets(clip)
    return [
        Heard(number, number * FRAME, packets[number % len(packets)], number * FRAME_NS + delay_ms * 1_000_000)
        for number in range(frames)
    ]


def heard_in_halves(clip, frames=56, delay_ms=60):
    """The same in packets of 10 ms."""
    sound = decode_all([packet.opus for packet in heard(clip, frames)])
    encoder = Encoder(96_000)
    return [
        Heard(n, n * FRAME // 2, encoder.encode(piece), n * FRAME_NS // 2 + delay_ms * 1_000_000)
        for n, piece in enumerate(sound.reshape(-1, FRAME // 2))
    ]


@pytest.mark.parametrize("clip", clips.names())
def test_a_clip_is_recognized_and_told_from_all_others(clip):
    found = match(said(clip), Recording(heard(clip)))
    assert found.correlation > 0.99
    assert found.delay_ms == pytest.approx(60, abs=1)
    for other in clips.names():
        if other != clip:
            assert match(said(clip), Recording(heard(other))).correlation < NOT_HEARD


def test_packets_of_10_ms_are_heard_like_those_of_20():
    packets = heard_in_halves("en_1")
    found = match(said("en_1"), Recording(packets))
    assert found.correlation > 0.95
    assert found.delay_ms == pytest.approx(60 + 6.5, abs=1)  # the encoder's own delay
    assert match(said("en_2"), Recording(packets)).correlation < NOT_HEARD


def test_nothing_heard_is_nothing():
    assert match(said("en_1"), Recording([])).correlation == 0


def test_half_of_the_packets_are_not_enough():
    chance = random.Random(1)
    some = [packet for packet in heard("en_1") if chance.random() < 0.5]
    assert match(said("en_1"), Recording(some)).correlation < HEARD


def test_an_utterance_is_found_among_others_in_a_long_recording():
    packets, count = [], 0
    for clip in ("ja_1", "en_2", "ja_3"):
        opus = clips.packets(clip)[:60]
        packets += [
            Heard(0, (count + n) * FRAME, data, (count + n) * FRAME_NS + 30_000_000) for n, data in enumerate(opus)
        ]
        count += 75
    recording = Recording(packets)
    assert match(said("en_2", 60, 75 * FRAME_NS), recording).correlation > HEARD
    assert match(said("en_2", 60, 0), recording).correlation < NOT_HEARD


def test_what_was_heard_at_another_time_does_not_count():
    for delay_ms in (600, 3_000):
        assert match(said("en_1"), Recording(heard("en_1", delay_ms=delay_ms))).correlation < NOT_HEARD
    assert match(said("en_1"), Recording(heard("en_1", delay_ms=230))).correlation > HEARD


def test_gaps_are_filled_with_silence_and_what_comes_late_is_left_out():
    packets = [Heard(0, 0, b"a", 0), Heard(1, 3 * FRAME, b"b", 0), Heard(2, 2 * FRAME, b"late", 0)]
    assert filled(packets) == [b"a", SILENCE, SILENCE, b"b"]
    assert filled([]) == []


def test_a_timestamp_may_wrap():
    packets = [Heard(0, 2**32 - FRAME, b"a", 0), Heard(1, 0, b"b", 0)]
    assert filled(packets) == [b"a", b"b"]


WHOLE, HALF = SILENCES.values()


def test_packets_of_10_ms_and_20_ms_each_count_with_their_length():
    packets = [Heard(0, 0, HALF, 0), Heard(1, 480, b"a", 0), Heard(2, 480 + FRAME, HALF, 0)]
    assert filled(packets) == [HALF, b"a", HALF]


def test_half_a_frame_is_filled_and_what_overlaps_is_left_out():
    packets = [Heard(0, 0, HALF, 0), Heard(1, 480 * 4, b"a", 0), Heard(2, 480 * 5, HALF, 0), Heard(3, 480 * 6, b"b", 0)]
    assert filled(packets) == [HALF, WHOLE, HALF, b"a", b"b"]


def test_time_that_is_off_by_less_than_half_a_frame_does_not_add_up():
    packets = [Heard(n, n * (FRAME + 47), b"a", 0) for n in range(12)]
    assert filled(packets).count(HALF) == 1
