import numpy as np
import pytest

from benchmarks import levels, plot
from benchmarks.levels import Levelled, Measured
from benchmarks.summing import Highest
from common.types import Suppression

SECOND = 48_000


def tone(seconds, peak=1.0):
    return (peak * np.sin(2 * np.pi * 997 * np.arange(int(seconds * SECOND)) / SECOND)).astype(np.float32)


def syllables(seconds, seed=1):
    """Noise that comes and goes four times a second, of what 16 kHz can hold."""
    count = seconds * SECOND
    noise = np.repeat(np.random.default_rng(seed).normal(size=count // 6), 6)
    return (noise * (1.01 + np.sin(8 * np.pi * np.arange(count) / SECOND)) * 0.05).astype(np.float32)


def measured(errors=(0.5, -1.5), peaks=(10.0, 0.8, 0.9)):
    talk = Levelled(*errors, [-30.0] * 33, [-20.0] * 33)
    quiet = Levelled(0.0, 0.1, [-30.0] * 33, [-20.0] * 33)
    off, standard, strong = Suppression.OFF, Suppression.STANDARD, Suppression.STRONG
    return Measured(
        {-40: [quiet, talk], -12: [quiet, quiet]},
        {
            "keyboard": {off: [0.7, 0.8], standard: [0.7, 0.7], strong: [0.9, 0.9]},
            "fan": {off: [0.7, 0.7], standard: [0.8, 0.8], strong: [0.8, 0.7]},
        },
        {20: [Highest(1.0, 0.5, 0.6)] * 40, 10: [Highest(*peaks)] * 20},
    )


def test_a_full_scale_tone_measures_what_the_recommendation_says():
    assert levels.loudness(tone(3)) == pytest.approx(-3.01, abs=0.05)


def test_pauses_count_for_nothing():
    assert levels.loudness(np.concatenate([tone(5), np.zeros(5 * SECOND, np.float32)])) == pytest.approx(-3.2, abs=0.3)


def test_short_term_is_read_every_second_and_of_three_seconds():
    sound = np.concatenate([tone(4), tone(3, 0.1), np.zeros(3 * SECOND, np.float32)])
    loud, _, *between, quiet, _, _, silent = levels.short_term(sound)
    assert loud == pytest.approx(-3.01, abs=0.05)
    assert quiet == pytest.approx(-23.01, abs=0.1)
    assert loud > between[0] > between[-1] > quiet
    assert silent == -70.0


@pytest.mark.parametrize("lufs", [-40, -12])
def test_speech_is_brought_to_a_loudness(lufs):
    sound = levels.at_loudness(syllables(5), lufs)
    assert levels.loudness(sound) == pytest.approx(lufs, abs=0.05)
    assert np.abs(sound).max() <= 1.0


def test_clear_speech_is_understood_and_speech_in_noise_less():
    said = syllables(8)
    late = np.concatenate([np.zeros(1_200, np.float32), said, np.zeros(SECOND, np.float32)])
    noise = np.random.default_rng(2).normal(size=len(late)).astype(np.float32)
    assert levels.clarity(said, late) == pytest.approx(1.0, abs=1e-3)
    assert levels.clarity(said, late + 0.3 * noise) < 0.9


def test_figures_are_the_worst_of_what_was_measured():
    figures = {metric.metric: metric.value for metric in levels.metrics(measured())}
    assert figures["lufs_error_max"] == 1.5
    assert figures["lufs_error_40"] == -1.5
    assert figures["lufs_error_12"] == 0.1
    assert figures["stoi_gain_noise"] == pytest.approx(0.05)
    assert figures["stoi_gain_keyboard_strong"] == pytest.approx(0.15)
    assert figures["stoi_gain_keyboard_standard"] == pytest.approx(-0.05)
    assert figures["true_peak_dbtp"] == pytest.approx(-1.94, abs=0.01)
    assert figures["summed_peak_dbfs"] == pytest.approx(20.0)
    assert figures["summed_seconds"] == 60


def test_a_picture_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "OUT", tmp_path)
    pytest.importorskip("matplotlib")
    levels.draw(measured())
    assert (tmp_path / "levels.png").stat().st_size > 10_000
