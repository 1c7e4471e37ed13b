"""Every destination's encoder; a destination that does not sound is not encoded."""

from collections.abc import Sequence

from common.types import ChannelId
from engine.audio.frame import TICK_MS, Frame
from engine.audio.opus import Opus, OpusEncoder

TAIL_MS = 60
"""Silence encoded after the last sound: it carries what effects (30 ms), limiter and encoder still hold."""


class Encoders:
    """One encoder per destination, in the settings' order."""

    def __init__(self, opus: Opus, tick_ms: int = TICK_MS) -> None:
        self._opus = opus
        self._tail_ticks = TAIL_MS // tick_ms
        self._states: dict[ChannelId, OpusEncoder] = {}
        self._tail: dict[ChannelId, int] = {}

    def adopt(self, destinations: Sequence[ChannelId]) -> None:
        """Have exactly these destinations from now on."""
        for gone in self._states.keys() - set(destinations):
            self._states.pop(gone).close()
        self._states = {channel: self._states.get(channel) or self._opus.encoder() for channel in destinations}
        self._tail = {channel: self._tail.get(channel, 0) for channel in destinations}

    def encode(self, frames: Sequence[Frame], sounding: Sequence[bool]) -> dict[ChannelId, bytes | None]:
        """Return one packet per destination, ``None`` for one where nobody is sounding; frames are (samples, 2)."""
        rows = zip(self._states.items(), frames, sounding, strict=True)
        return {channel: self._one(channel, state, frame, sounds) for (channel, state), frame, sounds in rows}

    def close(self) -> None:
        """Free every state."""
        self.adopt(())

    def _one(self, channel: ChannelId, state: OpusEncoder, frame: Frame, sounds: bool) -> bytes | None:
        if sounds:
            self._tail[channel] = self._tail_ticks
        elif self._tail[channel] == 0:
            return None
        else:
            self._tail[channel] -= 1
        return state.encode(frame)
