"""A sound of our own on its way into one destination, and when each part of it got there."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from common.types import ChannelId, Nanoseconds
from engine.audio.frame import Frame, Samples


class Cue:
    """Played once by the mix thread; anybody may stop it. ``now`` returns monotonic ns."""

    def __init__(self, sound: Samples, now: Callable[[], int]) -> None:
        self.over = False
        """Whether nothing of it is still to come."""
        self.entries: list[Nanoseconds] = []
        """When each tick's part of the sound was mixed in; read it when the cue is over."""
        self._sound = sound
        self._now = now
        self._at = 0
        self._stopping = False

    def stop(self) -> None:
        """Fade out in the next frame and be over."""
        self._stopping = True

    def add_to(self, frame: Frame) -> None:
        """Mix the next part into ``frame`` (samples, 2), the same on both sides."""
        self.entries.append(Nanoseconds(self._now()))
        part = self._sound[self._at : self._at + len(frame)]
        if self._stopping:
            part = part * np.linspace(1.0, 0.0, len(part), dtype=np.float32)
        frame[: len(part)] += part[:, None]
        self._at += len(frame)
        self.over = self._stopping or self._at >= len(self._sound)


NO_CUES: Final[Mapping[ChannelId, Cue]] = MappingProxyType({})
"""What is played nearly always."""
