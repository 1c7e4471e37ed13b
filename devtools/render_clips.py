"""Renders the speech that simulated people say: ``python -m devtools.render_clips``.

Needs what the project itself does not: Debian's ``espeak-ng`` for English and ``pyopenjtalk-plus`` from PyPI for
Japanese. Writes ``simulator/clips/NAME.ogg`` and ``NAME.txt``.
"""

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from simulator import ogg  # noqa: E402 - found by the line above also where the project isn't installed
from simulator.opus import FRAME, SAMPLE_RATE, Encoder  # noqa: E402 - likewise

FOLDER = ROOT / "simulator" / "clips"
BITRATE = 40_000
PEAK = 0.5
QUIET = 0.02

JAPANESE = {
    "ja_1": ("敵が二人、中央から来ています。右側を見てください。", 0.0),
    "ja_2": ("了解。スモークを入れてから、ゆっくり前に出よう。", -3.0),
    "ja_3": ("あと三十秒です。焦らずに、落ち着いていきましょう。", 2.0),
    "ja_4": ("ナイス！今のはとても良かった。次も同じ形でいこう。", -5.0),
    "ja_5": ("回復するので、少しだけ時間をください。すぐに戻ります。", 4.0),
}
"""Clip → (text, semitones): one voice, five pitches, so that people can be told apart."""

ENGLISH = {
    "en_1": ("Two on the left side, pushing through the smoke. Hold your fire until I say.", "en-us", 50),
    "en_2": ("I have no armor left, somebody cover me while I fall back to the base.", "en-gb", 35),
    "en_3": ("Objective in thirty seconds. Group up in the middle and wait for the signal.", "en-us+f3", 60),
    "en_4": ("Great shot! They have one player left, and he is low. Do not rush it.", "en-gb+m3", 40),
    "en_5": ("Ultimate is ready on my side. Call the target and I will follow you in.", "en-us+f4", 70),
}
"""Clip → (text, espeak-ng voice, pitch 0 to 99)."""

Samples = NDArray[np.float64]


def japanese(text: str, semitones: float) -> Samples:
    """Speak Japanese."""
    import pyopenjtalk  # noqa: PLC0415 - not a dependency of the project

    samples, rate = pyopenjtalk.tts(text, half_tone=semitones)
    return resample(np.asarray(samples, np.float64), rate)


def english(text: str, voice: str, pitch: int) -> Samples:
    """Speak English."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", "165", "--stdout", text], check=True, stdout=subprocess.PIPE
    )
    with wave.open(io.BytesIO(spoken.stdout)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        return resample(data, file.getframerate())


def resample(samples: Samples, rate: int) -> Samples:
    """Bring samples to 48 kHz, band-limited, by their spectrum."""
    if rate == SAMPLE_RATE:
        return samples
    count = len(samples) * SAMPLE_RATE // rate
    spectrum = np.zeros(count // 2 + 1, complex)
    found = np.fft.rfft(samples)
    width = min(len(found), len(spectrum))
    spectrum[:width] = found[:width]
    return np.fft.irfft(spectrum, count)


def trim(samples: Samples) -> Samples:
    """Cut silence off both ends and set the peak."""
    samples = samples / np.abs(samples).max()
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return samples[loud[0] : loud[-1] + 1] * PEAK


def save(name: str, text: str, samples: Samples) -> None:
    """Encode and write one clip with its text."""
    samples = trim(samples)
    frames = -(-len(samples) // FRAME)
    padded = np.zeros(frames * FRAME, np.float32)
    padded[: len(samples)] = samples
    encoder = Encoder(BITRATE)
    ogg.write(FOLDER / f"{name}.ogg", [encoder.encode(frame) for frame in np.split(padded, frames)])
    (FOLDER / f"{name}.txt").write_text(text + "\n", "utf-8")
    print(f"{name}: {len(samples) / SAMPLE_RATE:.2f} s")


def main() -> None:
    """Render all clips."""
    FOLDER.mkdir(exist_ok=True)
    for name, (text, semitones) in JAPANESE.items():
        save(name, text, japanese(text, semitones))
    for name, (text, voice, pitch) in ENGLISH.items():
        save(name, text, english(text, voice, pitch))


if __name__ == "__main__":
    main()
