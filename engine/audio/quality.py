"""What became of one talker's sound in the last 10 s of talk: loss, concealment, one figure for both. Pure.

The figure is the percentage of the talk that was heard as it was said. What the next packet's redundancy restored is
intelligible and counts half; what was made up counts nothing. Nothing is estimated: it says what happened here, not
what a listener's network adds.
"""

from collections import deque

SLICE_FRAMES = 50
"""Frames in a slice of the memory, 1 s of talk."""

SLICES = 10


class Quality:
    """Counts frames of 20 ms as they are played; one method per fate."""

    __slots__ = ("_concealed", "_lost", "_past", "_restored", "_talked", "frames")

    def __init__(self) -> None:
        self.frames = self._concealed = self._restored = self._lost = 0.0
        self._past: deque[tuple[float, float, float, float]] = deque(maxlen=SLICES - 1)
        self._talked = 0.0

    @property
    def talk_frames(self) -> float:
        """Frames of talk since the talker came, made-up ones included."""
        return self._talked + self.frames

    def played(self, frames: float = 1) -> None:
        """Count frames heard as they were said."""
        self.frames += frames
        if self.frames >= SLICE_FRAMES:
            self.turn()

    def turn(self) -> None:
        """Begin the next slice; whoever adds to ``frames`` calls it when the slice is full."""
        self._talked += self.frames
        self._past.append((self.frames, self._concealed, self._restored, self._lost))
        self.frames = self._concealed = self._restored = self._lost = 0.0

    def concealed(self, frames: float = 1) -> None:
        """Count frames, or parts of one, that were made up."""
        self._concealed += frames
        self.played(frames)

    def restored(self, frames: float = 1) -> None:
        """Count frames that the next packet's redundancy gave back."""
        self._restored += frames
        self.played(frames)

    def lost(self, packets: int) -> None:
        """Count packets that did not come in time."""
        self._lost += packets

    def _sums(self) -> tuple[float, float, float, float]:
        past = tuple(self._past)
        now = (self.frames, self._concealed, self._restored, self._lost)
        frames, concealed, restored, lost = (sum(column) for column in zip(now, *past, strict=True))
        return frames, concealed, restored, lost

    def read(self) -> tuple[float, float, float]:
        """Return loss and concealment (shares, 0 to 1) and the quality (0 to 100) of the last 10 s of talk."""
        frames, concealed, restored, lost = self._sums()
        if not frames:
            return 0.0, 0.0, 100.0
        share = concealed / frames
        quality = 100.0 * (1.0 - share - restored / frames / 2)
        return min(1.0, lost / frames), share, max(0.0, quality)
