import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode, RelayError
from engine.audio import opus as room
from engine.audio.frame import FRAME_SAMPLES, SILENCE
from engine.audio.opus import CorruptPacketError, Opus


def test_silence_decodes_to_nothing(opus):
    frame = np.ones((FRAME_SAMPLES, 2), np.float32)
    decoder = opus.decoder()
    assert decoder.decode(SILENCE, frame) == FRAME_SAMPLES
    assert np.abs(frame).max() < 1e-4
    decoder.close()


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(payload):
    decoder = Opus().decoder()
    frame = np.zeros((FRAME_SAMPLES, 2), np.float32)
    samples = 0
    with contextlib.suppress(CorruptPacketError):
        samples = decoder.decode(payload, frame)
    assert 0 <= samples <= FRAME_SAMPLES
    assert np.isfinite(frame).all()
    decoder.close()


def test_no_library_is_said(monkeypatch):
    monkeypatch.setattr(room, "_candidates", lambda: iter(["/nowhere/libopus.so"]))
    with pytest.raises(RelayError) as caught:
        Opus()
    assert caught.value.code is ErrorCode.OPUS_MISSING
