import numpy as np
import pytest

from benchmarks import codec, on_air
from engine.audio.opus import Opus
from engine.audio.pipeline import Pipeline


def hum(frames, peak):
    t = np.arange(frames * 960) / 48_000
    return (peak * sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 8))).astype(np.float32)


def test_one_voice_is_heard_as_it_was_said():
    opus, said = Opus(), hum(50, 0.1)
    heard = on_air.play(opus, [codec.talk(opus, said)[0]], on_air.one_channel(1))
    assert len(heard) == len(said)
    assert heard[24_000:].std() == pytest.approx(said[24_000:].std(), rel=0.1)


def test_two_voices_sound_together():
    opus = Opus()
    packets = codec.talk(opus, hum(50, 0.1))[0]
    alone, both = (on_air.play(opus, [packets] * talkers, on_air.one_channel(talkers)) for talkers in (1, 2))
    assert both[24_000:].std() == pytest.approx(2 * alone[24_000:].std(), rel=0.1)


def test_what_the_engine_failed_at_is_no_measurement():
    pipeline = Pipeline(Opus())

    def refuse(_packet):
        raise OSError

    on_air.begin(pipeline, on_air.one_channel(1))
    pipeline.set_output(on_air.DESTINATION, refuse)
    pipeline.skip(1)
    with pytest.raises(RuntimeError, match="output_failed"):
        on_air.end(pipeline)
