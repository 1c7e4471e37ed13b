"""Packets become sound at the time at which they were sent, in whatever order and however often they came."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types import Nanoseconds, Ssrc, UserId
from engine.audio.frame import OpusPacket
from engine.audio.opus import Opus
from engine.audio.recording import record

OPUS = Opus()


def packets(count, first=0, samples=960):
    """Return packets of a tone, whose RTP time begins at ``first``; each arrives 20 ms after the other."""
    encoder = OPUS.encoder()
    wave = 0.2 * np.sin(2 * np.pi * 500 * np.arange(count * samples) / 48_000)
    frames = np.repeat(wave.astype(np.float32)[:, None], 2, axis=1).reshape(count, samples, 2)
    made = [
        OpusPacket(
            UserId(1),
            Ssrc(2),
            number & 0xFFFF,
            (first + number * samples) & 0xFFFFFFFF,
            encoder.encode(np.ascontiguousarray(frame)),
            Nanoseconds(number * 20_000_000),
        )
        for number, frame in enumerate(frames)
    ]
    encoder.close()
    return made


@pytest.mark.parametrize("samples", [960, 480])
def test_sound_is_where_it_was_sent_also_when_rtp_time_begins_anew(samples):
    found = record(packets(20, first=(1 << 32) - 3 * samples, samples=samples), OPUS)
    assert found.starts == tuple(range(0, 20 * samples, samples))
    assert found.arrivals == tuple(range(0, 400_000_000, 20_000_000))
    assert found.present.all()
    expected = 0.2 * np.sin(2 * np.pi * 500 * (np.arange(20 * samples) - 120) / 48_000)
    assert np.abs(found.sound - expected)[2_000:].max() < 0.05


@settings(max_examples=25, deadline=None)
@given(order=st.lists(st.integers(0, 19), min_size=1, max_size=40))
def test_order_and_doubles_make_no_difference_and_gaps_are_silent(order):
    sent = packets(20)
    found = record([sent[number] for number in order], OPUS)
    earliest = min(order)
    assert found.starts == tuple((number - earliest) * 960 for number in sorted(set(order)))
    assert found.present.sum() == 960 * len(set(order))
    assert not found.sound[~found.present].any()


def test_what_is_no_opus_is_left_out():
    sent = packets(3)
    broken = [sent[0], sent[1]._replace(payload=b""), sent[2]._replace(payload=b"\xff\xff")]
    assert record(broken, OPUS).starts == (0,)
    assert record([], OPUS).starts == ()


def test_what_is_far_away_is_left_out():
    sent = packets(2)
    assert record([sent[0], sent[1]._replace(timestamp=48_000 * 60)], OPUS).starts == (0,)
