import numpy as np
import pytest

from engine.audio.decoder import Decoders
from engine.audio.frame import FRAME_SAMPLES, packet_samples
from engine.audio.playout import Kind, Take

USER = 1


@pytest.fixture
def decoders(opus):
    made = Decoders(opus)
    made.adopt({USER: 0})
    yield made
    made.close()


@pytest.fixture
def play(decoders, packet):
    def one(payload, kind=Kind.PACKET, skipped=None):
        skip = packet(USER, 0, 0, skipped) if skipped else None
        samples = packet_samples(payload) if payload else FRAME_SAMPLES
        take = Take(0, kind, packet(USER, 1, 0, payload) if payload else None, skip, samples or FRAME_SAMPLES)
        return decoders.decode([take])[0].copy()

    return one


def counts(decoders):
    return decoders.talkers[USER].counters.snapshot()


def test_concealment_goes_on_and_a_fade_ends_in_nothing(play, tone):
    for payload in tone[:10]:
        heard = play(payload)
    concealed, faded = play(None, Kind.CONCEAL), play(None, Kind.FADE)
    assert np.abs(concealed).max() > 0.5 * np.abs(heard).max()
    assert np.abs(faded[:100]).max() > 0.01
    assert np.abs(faded[-1]).max() == 0.0


def test_what_follows_a_fade_starts_at_nothing(play, tone):
    for payload in tone[:10]:
        play(payload)
    play(None, Kind.FADE)
    heard = play(tone[10])
    assert np.abs(heard[0]).max() == 0.0
    assert np.abs(heard[240:]).max() > 0.1


def test_two_in_the_time_of_one_join_both_ends(play, tone):
    for payload in tone[:10]:
        before = play(payload)
    joined = play(tone[11], Kind.OVERLAY, skipped=tone[10])
    after = play(tone[12])
    steps = np.abs(np.diff(np.concatenate([before, joined, after])))
    assert steps.max() < 0.04


def test_at_10_ms_two_packets_overlap_by_one_tick(opus, packet, tone):
    decoders = Decoders(opus, 480)
    decoders.adopt({USER: 0})
    takes = []
    for n in range(10):
        takes += [Take(0, Kind.PACKET, packet(USER, n, 0, tone[n])), Take(0, Kind.REST)]
    overlay = Take(0, Kind.OVERLAY, packet(USER, 11, 0, tone[11]), packet(USER, 10, 0, tone[10]), 1440)
    takes += [overlay, Take(0, Kind.REST), Take(0, Kind.REST)]
    takes += [Take(0, Kind.PACKET, packet(USER, 12, 0, tone[12])), Take(0, Kind.REST)]
    heard = np.concatenate([decoders.decode([take])[0].copy() for take in takes])
    decoders.close()
    assert np.abs(np.diff(heard)).max() < 0.04
    assert np.abs(heard[-480:]).max() > 0.2


@pytest.mark.parametrize(("tick", "ticks"), [(480, 1), (240, 3)])
def test_a_packet_is_shortened_by_a_tick_without_a_step(opus, packet, tone, tick, ticks):
    decoders = Decoders(opus, tick)
    decoders.adopt({USER: 0})
    rest = [Take(0, Kind.REST)] * (FRAME_SAMPLES // tick - 1)
    takes = []
    for n in range(10):
        takes += [Take(0, Kind.PACKET, packet(USER, n, 0, tone[n])), *rest]
    takes += [Take(0, Kind.SHORTEN, packet(USER, 10, 0, tone[10]), None, ticks * tick), *rest[1:]]
    takes += [Take(0, Kind.PACKET, packet(USER, 11, 0, tone[11])), *rest]
    heard = np.concatenate([decoders.decode([take])[0].copy() for take in takes])
    decoders.close()
    assert len(heard) == 12 * FRAME_SAMPLES - tick
    assert np.abs(np.diff(heard)).max() < 0.04
    assert np.abs(heard[-FRAME_SAMPLES:]).max() > 0.2


def test_a_corrupt_packet_is_counted_and_concealed(play, decoders, tone):
    for payload in tone[:10]:
        play(payload)
    assert np.abs(play(b"\xff" * 40)).max() > 0.01
    assert counts(decoders) == {"corrupt_opus": 1}


def test_a_longer_packet_is_played_in_parts(decoders, packet, tone):
    both = bytes([tone[0][0] | 3, 0x02 | 0x80]) + two_lengths(tone[10], tone[11])
    takes = [Take(0, Kind.PACKET, packet(USER, n, 0, tone[n])) for n in range(10)]
    takes += [Take(0, Kind.PACKET, packet(USER, 10, 0, both), None, 1920), Take(0, Kind.REST)]
    heard = np.concatenate([decoders.decode([take])[0].copy() for take in takes])
    assert np.abs(np.diff(heard)).max() < 0.04
    assert np.abs(heard[-480:]).max() > 0.2
    assert counts(decoders) == {}


def two_lengths(first, second):
    """Return the rest of a code 3 packet of two frames of their own lengths (RFC 6716 section 3.2.5)."""
    size = len(first) - 1
    length = bytes([size]) if size < 252 else bytes([252 + size % 4, (size - 252 - size % 4) // 4])
    return length + first[1:] + second[1:]


def test_the_gone_are_freed_and_more_talkers_get_more_rows(decoders, packet, tone):
    decoders.adopt({user: user for user in range(40)})
    rows = decoders.decode([Take(user, Kind.PACKET, packet(user, 0, 0, tone[5])) for user in range(40)])
    assert rows.shape == (40, FRAME_SAMPLES)
    assert np.abs(rows).max(axis=1).min() > 0.0
    decoders.adopt({3: 3})
    assert list(decoders.talkers) == [3]


def test_packets_shorter_than_a_tick_fill_it_together(opus, packet):
    encoder, decoders = opus.encoder(), Decoders(opus)
    decoders.adopt({USER: 0})
    t = np.arange(48_000) / 48_000
    wave = np.repeat((0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[:, None], 2, axis=1)
    short = [
        packet(USER, n, 0, encoder.encode(np.ascontiguousarray(part))) for n, part in enumerate(np.split(wave, 100))
    ]
    takes = [Take(0, Kind.SEVERAL, short[n], more=(short[n + 1],)) for n in range(0, 40, 2)]
    takes.append(Take(0, Kind.SEVERAL, short[40]))
    heard = np.concatenate([decoders.decode([take])[0].copy() for take in takes])
    decoders.close()
    assert np.abs(np.diff(heard)).max() < 0.03
    assert np.abs(heard[-480:]).max() > 0.1
