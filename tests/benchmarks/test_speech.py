import numpy as np
import pytest

from benchmarks import speech


def tone(seconds, rate=speech.RECORDED_RATE):
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_what_is_written_is_read(tmp_path):
    samples = tone(0.5)
    speech.write(tmp_path / "new" / "a.wav", samples, speech.RECORDED_RATE)
    raw = tmp_path / "b.raw"
    raw.write_bytes((samples * 32_767).astype("<i2").tobytes())
    assert speech.read(tmp_path / "new" / "a.wav") == pytest.approx(samples, abs=1e-4)
    assert speech.read(raw) == pytest.approx(samples, abs=1e-4)


def test_a_recording_of_another_rate_is_refused(tmp_path):
    speech.write(tmp_path / "a.wav", tone(0.1), 8_000)
    with pytest.raises(ValueError, match=r"a\.wav is no 16 kHz mono recording"):
        speech.read(tmp_path / "a.wav")


def test_rates_convert_there_and_back():
    samples = tone(1)
    back = speech.to_16k(speech.to_48k(samples))
    assert back[500:-500] == pytest.approx(samples[500:-500], abs=1e-3)


@pytest.mark.parametrize("loudness", [0.01, 0.9])
def test_every_recording_comes_to_the_same_level_without_clicks(loudness):
    samples = speech.prepare(tone(2) * loudness + 0.02)
    assert np.sqrt(np.mean(np.square(samples))) == pytest.approx(speech.RMS, rel=0.02)
    assert samples[0] == samples[-1] == 0
    assert samples.mean() == pytest.approx(0, abs=1e-3)


def test_joined_parts_are_whole_frames():
    whole = speech.join([tone(0.5, 48_000), tone(0.501, 48_000)])
    assert len(whole) == 51 * 960
    assert not whole[-1:].any()


def test_clips_are_read_with_their_text(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "FOLDER", tmp_path)
    speech.write(tmp_path / "cards" / "002.wav", tone(1), speech.RECORDED_RATE)
    speech.write(tmp_path / "001.wav", tone(1), speech.RECORDED_RATE)
    (tmp_path / "cards" / "cards.transcription").write_text("<s> four queen  of clubs </s> (002)\n", "utf-8")
    assert [(clip.name, clip.text) for clip in speech.clips()] == [("001", ""), ("002", "four queen of clubs")]


def test_missing_speech_is_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(speech, "FOLDER", tmp_path / "nowhere")
    monkeypatch.setattr(speech.dev, "install_debian", lambda package, _lack: asked.append(package))
    speech.clips()
    assert asked == ["pocketsphinx-testdata"]
