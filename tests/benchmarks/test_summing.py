import numpy as np
import pytest

from benchmarks import summing
from engine.audio.limiter import CEILING
from engine.audio.opus import Opus


def quarter_rate(samples):
    """Samples at ± 1 and, between them, peaks at √2: the tone of EBU Tech 3341's test of true peak meters."""
    return np.sqrt(2) * np.sin(np.pi / 2 * np.arange(samples) + np.pi / 4)


def stereo(sound):
    return np.repeat(np.asarray(sound, np.float32)[:, None], 2, axis=1)


@pytest.mark.parametrize("hertz", [997, 12_000, 20_000])
def test_a_peak_between_samples_is_found(hertz):
    t = np.arange(48_000)
    fade = np.minimum(1.0, np.minimum(t, t[::-1]) / 4_800)
    tone = fade * np.sin(2 * np.pi * hertz / 48_000 * t + np.pi / 4)
    assert 20 * np.log10(summing.Meter(2).highest(stereo(tone))) == pytest.approx(0.0, abs=0.15)


def test_a_peak_at_the_border_of_two_pieces_is_found():
    sound = np.zeros(960)
    sound[956:] = quarter_rate(4)
    rest = np.zeros(960)
    rest[:4] = quarter_rate(4)
    whole, pieces = summing.Meter(2), summing.Meter(2)
    highest = whole.highest(stereo(np.concatenate([sound, rest])))
    assert highest > 1.2
    assert max(pieces.highest(stereo(sound)), pieces.highest(stereo(rest))) == pytest.approx(highest)


def test_the_highest_channel_counts():
    sound = np.zeros((960, 4), np.float32)
    sound[480, 3] = -0.7
    assert summing.Meter(4).highest(sound) == pytest.approx(0.7, rel=1e-3)


@pytest.fixture
def tones(monkeypatch):
    """Tones instead of everything else: speech may not be there."""
    sound = np.asarray(quarter_rate(48_000), np.float32)
    monkeypatch.setattr(summing, "material", lambda: [summing.encoded(Opus(), sound)])


@pytest.mark.usefixtures("tones")
@pytest.mark.parametrize("tick_ms", [10, 20])
def test_the_limiter_has_much_to_do_and_does_it(tick_ms):
    seconds = summing.stress(3, 1, tick_ms)
    assert len(seconds) == 3
    assert max(second.summed for second in seconds) > 2.0
    assert 0.7 < max(second.limited for second in seconds) <= CEILING
    assert max(second.decoded for second in seconds) > 0.5


@pytest.mark.usefixtures("tones")
def test_without_limiting_the_meter_would_tell(monkeypatch):
    monkeypatch.setattr(summing.Limiter, "process", lambda _self, _frames: None)
    seconds = summing.stress(1, 1, 20)
    assert seconds[0].limited > seconds[0].summed > 1.0
