"""What an effect on a voice is, and how one is made.

An effect is one file in ``effects/`` with a function ``create``; it is found by its name and imported when somebody
first wants it, by the thread that builds it and never by the mix thread.
"""

import ctypes
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Protocol, TypeVar

from common.types import Suppression
from engine.audio.frame import Samples

BLOCK = 480
"""Samples that the libraries take at a time, 10 ms."""

_READ_AHEAD = 1 << 20

_Library = TypeVar("_Library", bound=ctypes.CDLL)


class EffectError(RuntimeError):
    """A library of an effect answered what it should not."""


class Effect(Protocol):
    """Something that changes a voice; has state, so one talker's at a time and one thread's at a time."""

    delay_samples: int
    """By how much the voice comes out later, at 48 kHz."""

    def process(self, voice: Samples) -> None:
        """Change ``voice``, shape (480,) or (960,), C-contiguous, in place; raises EffectError."""

    def close(self) -> None:
        """Free the state; nothing may be processed after it."""


def make(kind: Suppression) -> Effect:
    """Return a new effect of ``kind``; takes up to seconds and raises whatever importing and loading can raise."""
    effect: Effect = importlib.import_module(f"engine.audio.effects.{kind.value}").create()
    return effect


def locate(package: str, *places: str) -> Path:
    """Return the first of ``places`` that exists, beside the executable (a bundle) or in the folder of ``package``.

    The package itself is not imported, only its parents. Raises ImportError.
    """
    bundle = Path(sys.executable).parent
    candidates = [bundle / Path(place).name for place in places]
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        candidates += [Path(folder) / place for place in places]
    for path in candidates:
        if path.is_file():
            return path
    raise ImportError(f"{package} holds none of {places}", name=package)


def open_library(path: Path, how: type[_Library]) -> _Library:
    """Load the library at ``path``.

    It is read once before, since ctypes keeps the interpreter lock, and so the mix thread, while a library comes from
    a cold disk; reading a file gives it up.
    """
    with path.open("rb") as file:
        while file.read(_READ_AHEAD):
            pass
    return how(str(path))
