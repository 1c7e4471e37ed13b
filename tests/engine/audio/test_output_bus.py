import numpy as np
import pytest

from engine.audio.limiter import CEILING
from engine.audio.output_bus import OutputBus


@pytest.mark.parametrize("tick_ms", [20, 10])
def test_what_leaves_is_limited_and_measured(tick_ms):
    bus, rng = OutputBus(tick_ms), np.random.default_rng(1)
    for _ in range(3_200 // tick_ms):
        bus.frame[:] = rng.standard_normal(bus.frame.shape).astype(np.float32)
        bus.finish()
        assert np.abs(bus.frame).max() <= CEILING
    reading = bus.read(1_500.0)
    assert (reading.reduction < 1.0, reading.ducking, reading.held_ms) == (True, 1.0, 1_500.0)
    assert -20.0 < reading.loudness < 0.0
    assert 0.1 < reading.peak <= CEILING


def test_ducking_tells_when_it_moves():
    bus = OutputBus(20)
    bus.adopt(12.0)
    assert not bus.duck(False)
    assert bus.duck(True)
    for _ in range(10):
        bus.duck(True)
    assert bus.ducked == pytest.approx(10 ** (-12 / 20))
    assert not bus.duck(True)
    bus.adopt(0.0)
    assert bus.duck(True)
    assert bus.ducked == 1.0


def test_silence_makes_quiet_in_three_seconds():
    bus = OutputBus(20)
    bus.frame[:] = 0.3
    bus.finish()
    for _ in range(160):
        bus.rest()
    assert bus.read(0.0).loudness == -120.0
