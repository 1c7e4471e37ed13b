"""Every destination's encoder; a destination that does not sound is not encoded."""

from collections.abc import Collection, Sequence

from common.types import ChannelId, UserId
from engine.audio.frame import Frame
from engine.audio.opus import Opus, OpusEncoder

TAIL_TICKS = 2
"""Silent frames encoded after the last sound: they carry what limiter and encoder still hold (3.75 ms)."""


class Encoders:
    """One encoder per destination, in the settings' order."""

    def __init__(self, opus: Opus) -> None:
        self._opus = opus
        self._states: dict[ChannelId, OpusEncoder] = {}
        self._tail: dict[ChannelId, int] = {}

    def adopt(self, destinations: Sequence[ChannelId]) -> None:
        """Have exactly these destinations from now on."""
        for gone in self._states.keys() - set(destinations):
            self._states.pop(gone).close()
        self._states = {channel: self._states.get(channel) or self._opus.encoder() for channel in destinations}
        self._tail = {channel: self._tail.get(channel, 0) for channel in destinations}

    def encode(self, frames: Frame, sounding: Sequence[Collection[UserId]]) -> dict[ChannelId, bytes | None]:
        """Return one packet per destination, ``None`` for one where nobody is sounding."""
        rows = zip(self._states.items(), frames, sounding, strict=True)
        return {channel: self._one(channel, state, frame, bool(heard)) for (channel, state), frame, heard in rows}

    def close(self) -> None:
        """Free every state."""
        self.adopt(())

    def _one(self, channel: ChannelId, state: OpusEncoder, frame: Frame, sounds: bool) -> bytes | None:
        if sounds:
            self._tail[channel] = TAIL_TICKS
        elif self._tail[channel] == 0:
            return None
        else:
            self._tail[channel] -= 1
        return state.encode(frame)
