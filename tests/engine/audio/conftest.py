import numpy as np
import pytest

from engine.audio.frame import CHANNELS, FRAME_SAMPLES, SAMPLE_RATE, Frame, OpusPacket
from engine.audio.opus import Opus


@pytest.fixture(scope="session")
def opus():
    return Opus()


def sine(frequency: float, frames: int, amplitude: float = 0.3) -> Frame:
    t = np.arange(frames * FRAME_SAMPLES, dtype=np.float32) / SAMPLE_RATE
    wave = (amplitude * np.sin(2 * np.pi * frequency * t)).astype(np.float32)
    return np.repeat(wave[:, None], CHANNELS, axis=1)


@pytest.fixture(scope="session")
def tone(opus):
    """One second of a 440 Hz tone as fifty Opus packets."""
    encoder = opus.encoder()
    packets = [encoder.encode(np.ascontiguousarray(f)) for f in np.split(sine(440, 50), 50)]
    encoder.close()
    return packets


@pytest.fixture
def packet():
    def make(user, number, arrival, payload=b"\x08abc", ssrc=None, first=0, first_time=0):
        return OpusPacket(
            user,
            ssrc or user + 1000,
            (first + number) % 65536,
            (first_time + number * FRAME_SAMPLES) % 2**32,
            payload,
            arrival,
        )

    return make
