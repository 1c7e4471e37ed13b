"""Every talker's decoder: what a tick takes becomes rows of samples."""

from collections.abc import Iterable, Sequence

import numpy as np

from common.types import UserId
from engine.audio.frame import CHANNELS, FRAME_SAMPLES, Frame
from engine.audio.opus import LONGEST_PACKET_SAMPLES, CorruptPacketError, Opus, OpusDecoder
from engine.audio.playout import Kind, Take
from engine.metrics import Counters

_FADE = np.linspace(0.0, 1.0, FRAME_SAMPLES, dtype=np.float32)[:, None]
_ONSET_SAMPLES = 120
_ONSET = np.linspace(0.0, 1.0, _ONSET_SAMPLES, dtype=np.float32)[:, None]


class TalkerDecoder:
    """One talker's libopus state."""

    __slots__ = ("_faded", "_opus", "_state", "counters")

    def __init__(self, opus: Opus) -> None:
        self._opus = opus
        self._state: OpusDecoder = opus.decoder()
        self._faded = False
        self.counters = Counters()

    def decode(self, take: Take, out: Frame, scratch: Frame) -> None:
        """Fill ``out`` (960, 2). A packet libopus refuses is counted and concealed.

        What follows a fade rises over 2.5 ms: libopus doesn't know of the fade and would go on where it was.
        """
        self._fill(take, out, scratch)
        if self._faded:
            out[:_ONSET_SAMPLES] *= _ONSET
        self._faded = take.kind is Kind.FADE
        if self._faded:
            out *= 1.0 - _FADE

    def _fill(self, take: Take, out: Frame, scratch: Frame) -> None:
        if take.kind is Kind.OVERLAY and take.skipped is not None and take.packet is not None:
            self._packet(take.skipped.payload, scratch)
            self._packet(take.packet.payload, out)
            _crossfade(scratch, out)
        elif take.kind is Kind.PACKET and take.packet is not None:
            self._packet(take.packet.payload, out)
        elif take.kind is Kind.REDUNDANCY and take.packet is not None:
            self._samples(take.packet.payload, out, fec=True)
        else:
            self._samples(None, out)

    def close(self) -> None:
        """Free the state."""
        self._state.close()

    def _packet(self, payload: bytes, out: Frame) -> None:
        samples = self._opus.packet_samples(payload)
        if samples > FRAME_SAMPLES:
            self._long(payload, out)
        elif samples > 0:
            self._samples(payload, out)
        else:
            self.counters.add("corrupt_opus")
            self._conceal(out)

    def _samples(self, payload: bytes | None, out: Frame, *, fec: bool = False) -> None:
        try:
            samples = self._state.decode(payload, out, fec=fec)
        except CorruptPacketError:
            self.counters.add("corrupt_opus")
            self._conceal(out)
        else:
            out[samples:] = 0.0

    def _long(self, payload: bytes, out: Frame) -> None:
        """Play the first 20 ms of a longer packet; Discord's own clients send none."""
        self.counters.add("odd_duration")
        longest = np.zeros((LONGEST_PACKET_SAMPLES, CHANNELS), np.float32)
        self._samples(payload, longest)
        out[:] = longest[:FRAME_SAMPLES]

    def _conceal(self, out: Frame) -> None:
        try:
            self._state.decode(None, out)
        except CorruptPacketError:
            out[:] = 0.0


class Decoders:
    """The decoders of all talkers; rows of one preallocated array are what they fill."""

    def __init__(self, opus: Opus) -> None:
        self._opus = opus
        self._talkers: dict[UserId, TalkerDecoder] = {}
        self._samples = np.zeros((16, FRAME_SAMPLES, CHANNELS), np.float32)
        self._scratch = np.zeros((FRAME_SAMPLES, CHANNELS), np.float32)

    @property
    def talkers(self) -> dict[UserId, TalkerDecoder]:
        """Every talker's decoder; to read."""
        return self._talkers

    def adopt(self, users: Iterable[UserId]) -> None:
        """Have exactly these talkers from now on; the others' states are freed."""
        wanted = set(users)
        for gone in self._talkers.keys() - wanted:
            self._talkers.pop(gone).close()
        for new in wanted - self._talkers.keys():
            self._talkers[new] = TalkerDecoder(self._opus)
        if len(wanted) > len(self._samples):
            self._samples = np.zeros((2 * len(wanted), FRAME_SAMPLES, CHANNELS), np.float32)

    def decode(self, takes: Sequence[Take]) -> Frame:
        """Return one row per take, shape (len(takes), 960, 2); valid until the next call."""
        for row, take in enumerate(takes):
            self._talkers[take.user].decode(take, self._samples[row], self._scratch)
        return self._samples[: len(takes)]

    def close(self) -> None:
        """Free every state."""
        self.adopt(())


def _crossfade(old: Frame, new: Frame) -> None:
    """Fade from ``old`` to ``new``, in place in ``new``."""
    old *= 1.0 - _FADE
    new *= _FADE
    new += old
