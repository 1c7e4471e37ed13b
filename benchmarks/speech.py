"""Real speech to measure with: the recordings of Debian's pocketsphinx-testdata, 47 s by several speakers.

They have 16 kHz; what is measured with them is judged at 16 kHz, too. Each is brought to the same level, and none to
where the limiter would act.
"""

import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

import dev
from engine.audio.frame import FRAME_SAMPLES, SAMPLE_RATE

PACKAGE = "pocketsphinx-testdata"
FOLDER = Path("/usr/share/pocketsphinx/test/data")

RECORDED_RATE = 16_000
RMS = 0.05
"""Root mean square of each clip, −26 dBFS; the highest peak is then 0.63."""

_STEPS = SAMPLE_RATE // RECORDED_RATE
_EDGE_SAMPLES = SAMPLE_RATE // 100
_INT16 = 32_768

Samples = NDArray[np.float32]
"""Mono, shape (n,)."""


class Clip(NamedTuple):
    """One recording: ``samples`` 48 kHz mono, full scale ± 1.0; ``text`` is what is said, empty if nobody wrote it."""

    name: str
    samples: Samples
    text: str


def clips() -> list[Clip]:
    """Return every recording, in order of name; fetches Debian's package if it isn't there.

    Ends the program with a message where that can't be done.
    """
    if not FOLDER.exists():
        dev.install_debian(PACKAGE, "The speech that this benchmark measures with is missing.")
    texts = dict(_transcripts())
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in {".wav", ".raw"})
    return [Clip(path.stem, prepare(read(path)), texts.get(path.stem, "")) for path in paths]


def read(path: Path) -> Samples:
    """Return the samples of a 16 kHz mono file of 16 bits, with or without a RIFF header."""
    if path.suffix == ".raw":
        data = path.read_bytes()
    else:
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RECORDED_RATE, 1, 2):
                message = f"{path} is no 16 kHz mono recording"
                raise ValueError(message)
            data = file.readframes(file.getnframes())
    return np.asarray(np.frombuffer(data, "<i2") / _INT16, np.float32)


def write(path: Path, samples: Samples, rate: int = SAMPLE_RATE) -> None:
    """Write a mono WAV file of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1.0, 1.0) * (_INT16 - 1)).astype("<i2").tobytes())


def prepare(recorded: Samples) -> Samples:
    """Bring a recording to 48 kHz and to our level, with 10 ms of fade at both ends."""
    samples = to_48k(recorded - recorded.mean())
    samples *= RMS / np.sqrt(np.mean(np.square(samples)))
    ramp = np.linspace(0.0, 1.0, _EDGE_SAMPLES, dtype=np.float32)
    samples[:_EDGE_SAMPLES] *= ramp
    samples[-_EDGE_SAMPLES:] *= ramp[::-1]
    return samples


def join(parts: Sequence[Samples]) -> Samples:
    """Return the parts one after another, filled up with silence to whole frames of 20 ms."""
    whole = np.concatenate(parts)
    return np.pad(whole, (0, -len(whole) % FRAME_SAMPLES))


def to_48k(samples: Samples) -> Samples:
    """Return 16 kHz samples at 48 kHz."""
    return np.asarray(resample_poly(samples, _STEPS, 1), np.float32)


def to_16k(samples: Samples) -> Samples:
    """Return 48 kHz samples at 16 kHz."""
    return np.asarray(resample_poly(samples, 1, _STEPS), np.float32)


def _transcripts() -> list[tuple[str, str]]:
    """Return name and text of each line like ``<s> ten of clubs </s> (001)``."""
    found = []
    for path in sorted(FOLDER.rglob("*transcription")):
        for line in path.read_text("utf-8").splitlines():
            text, _, name = line.rpartition("(")
            found.append((name.strip(") "), " ".join(text.replace("<s>", "").replace("</s>", "").split())))
    return found
