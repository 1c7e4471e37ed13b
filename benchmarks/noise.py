"""Noises of a player's room, and speech in them before and after a suppressor: material for the benchmark of levels."""

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from benchmarks.speech import Samples
from engine.audio.effect import Effect
from engine.audio.frame import SAMPLE_RATE

_HUMS = ((120.0, 0.3), (240.0, 0.25), (480.0, 0.15), (1_180.0, 0.1))
_PINK = ((0.049922035, -0.095993537, 0.050612699, -0.004408786), (1.0, -2.494956002, 2.017265875, -0.5221894))
"""Kellet's filter: white noise to pink within ± 0.05 dB above 10 Hz."""

_CLICK = SAMPLE_RATE // 50


def fan(samples: int, rng: np.random.Generator) -> Samples:
    """Return a fan: pink noise and the hum of a motor, swelling slowly."""
    pink = lfilter(*_PINK, rng.standard_normal(samples))
    t = np.arange(samples) / SAMPLE_RATE
    hum = sum(gain * np.sin(2 * np.pi * hertz * t) for hertz, gain in _HUMS)
    swell = 1.0 + 0.15 * np.sin(2 * np.pi * 1.7 * t)
    return np.asarray((pink / pink.std() + hum) * swell, np.float32)


def keyboard(samples: int, rng: np.random.Generator) -> Samples:
    """Return a fast player's keys: about six a second, each down and up."""
    noise = np.zeros(samples + SAMPLE_RATE, np.float32)
    at = 0
    while at < samples:
        for offset, gain in ((0, 1.0), (int(rng.uniform(0.05, 0.1) * SAMPLE_RATE), 0.5)):
            noise[at + offset : at + offset + _CLICK] += gain * rng.uniform(0.5, 1.0) * _click(rng)
        at += int((rng.exponential(0.11) + 0.05) * SAMPLE_RATE)
    return noise[:samples]


def noisy(speech: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return ``speech`` with ``noise`` that is ``snr_db`` quieter over the whole of it."""
    gain = speech.std() / noise.std() * 10.0 ** (-snr_db / 20.0)
    return np.asarray(speech + gain * noise, np.float32)


def through(effect: Effect, voice: Samples, frame: int) -> Samples:
    """Return what ``effect`` makes of ``voice`` (whole frames), moved back by its delay, so as much shorter."""
    heard = voice.copy()
    for start in range(0, len(heard), frame):
        effect.process(heard[start : start + frame])
    return heard[effect.delay_samples :]


def _click(rng: np.random.Generator) -> Samples:
    decay = np.exp(-np.arange(_CLICK) / (rng.uniform(0.002, 0.005) * SAMPLE_RATE))
    burst = rng.standard_normal(_CLICK) * decay
    hertz = rng.uniform(1_500.0, 4_500.0)
    band = butter(2, [hertz * 0.6, hertz * 1.6], "band", fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(band, burst) + 0.15 * burst, np.float32)
