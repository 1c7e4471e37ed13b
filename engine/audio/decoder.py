"""Every talker's decoder: what a tick takes becomes rows of samples, mono."""

from collections.abc import Mapping, Sequence

import numpy as np

from common.types import UserId
from engine.audio.frame import FRAME_SAMPLES, LONGEST_PACKET_SAMPLES, OpusPacket, Samples, packet_samples
from engine.audio.opus import Opus, OpusDecoder
from engine.audio.playout import Kind, Take
from engine.metrics import Counters

_FADES = {samples: np.linspace(0.0, 1.0, samples, dtype=np.float32) for samples in (480, 960)}
_ONSET_SAMPLES = 120
_ONSET = np.linspace(0.0, 1.0, _ONSET_SAMPLES, dtype=np.float32)
MONO = 1


class TalkerDecoder:
    """One talker's libopus state, and what is left of the packet that it decoded last."""

    __slots__ = ("_address", "_at", "_decoded", "_faded", "_state", "counters", "decode_at", "plain")

    def __init__(self, opus: Opus) -> None:
        self._state: OpusDecoder = opus.decoder(MONO)
        self.decode_at = self._state.decode_at
        self._decoded = np.zeros(2 * LONGEST_PACKET_SAMPLES, np.float32)
        self._address = self._decoded.ctypes.data
        self._at = 0
        self._faded = False
        self.plain = True
        """Whether a packet can be decoded straight into a row: nothing has faded just now."""
        self.counters = Counters()

    def fill(self, take: Take, row: Samples, scratch: Samples) -> None:
        """Fill ``row`` with the first, or with REST the next, part of what ``take`` asks for.

        A packet libopus refuses is counted and concealed. What follows a fade rises over 2.5 ms: libopus doesn't know
        of the fade and would go on where it was.
        """
        if take.kind is not Kind.REST:
            decoded = self._decoded[: take.samples]
            self._make(take, scratch, len(row))
            if self._faded:
                decoded[:_ONSET_SAMPLES] *= _ONSET
            self._faded = take.kind is Kind.FADE
            self.plain = not self._faded
            if self._faded:
                decoded *= 1.0 - _fade(len(decoded))
            self._decoded[take.samples : take.samples + len(row)] = 0.0
            self._at = 0
        row[:] = self._decoded[self._at : self._at + len(row)]
        self._at += len(row)

    def close(self) -> None:
        """Free the state."""
        self._state.close()

    def conceal(self, address: int, samples: int) -> None:
        """Count a packet that libopus refused, and conceal it."""
        self.counters.add("corrupt_opus")
        self.decode_at(None, address, samples)

    def _make(self, take: Take, scratch: Samples, overlap: int) -> None:
        if take.kind is Kind.OVERLAY and take.skipped is not None:
            first = packet_samples(take.skipped.payload) or FRAME_SAMPLES
            start = first - overlap
            self._decode(take.skipped, 0, first)
            scratch[:overlap] = self._decoded[start:first]
            self._decode(take.packet, start, take.samples)
            _crossfade(scratch[:overlap], self._decoded[start:first])
        elif take.kind is Kind.SHORTEN:
            start, end = take.samples - overlap, take.samples
            self._decode(take.packet, 0, end + overlap)
            scratch[:overlap] = self._decoded[start:end]
            self._decoded[start:end] = self._decoded[end : end + overlap]
            _crossfade(scratch[:overlap], self._decoded[start:end])
        elif take.kind is Kind.SEVERAL and take.packet is not None:
            self._several((take.packet, *take.more), take.samples)
        elif take.kind in {Kind.PACKET, Kind.REDUNDANCY}:
            self._decode(take.packet, 0, take.samples, fec=take.kind is Kind.REDUNDANCY)
        else:
            self._decode(None, 0, take.samples)

    def _several(self, packets: Sequence[OpusPacket], end: int) -> None:
        start = 0
        for packet in packets:
            samples = packet_samples(packet.payload) or FRAME_SAMPLES
            self._decode(packet, start, start + samples)
            start += samples
        if start < end:
            self._decode(None, start, end)

    def _decode(self, packet: OpusPacket | None, start: int, end: int, *, fec: bool = False) -> None:
        payload = None if packet is None else packet.payload
        address = self._address + start * self._decoded.itemsize
        decoded = self.decode_at(payload, address, end - start, fec=fec)
        if decoded < 0:
            self.conceal(address, end - start)
        else:
            self._decoded[start + decoded : end] = 0.0


class Decoders:
    """The decoders of those who have spoken, by slot; rows of one preallocated array are what they fill."""

    def __init__(self, opus: Opus, tick: int = FRAME_SAMPLES) -> None:
        self._opus = opus
        self._tick = tick
        self._owner: dict[int, UserId] = {}
        self._by_slot: dict[int, TalkerDecoder] = {}
        self._talkers: dict[UserId, TalkerDecoder] = {}
        self._scratch = np.zeros(LONGEST_PACKET_SAMPLES, np.float32)
        self._make_rows(16)

    @property
    def talkers(self) -> dict[UserId, TalkerDecoder]:
        """The decoders there are; to read."""
        return self._talkers

    def adopt(self, slots: Mapping[UserId, int]) -> None:
        """Have exactly these talkers from now on; the others' states are freed."""
        for gone in self._talkers.keys() - slots.keys():
            self._talkers[gone].close()
        self._talkers = {user: talker for user, talker in self._talkers.items() if user in slots}
        self._by_slot = {slots[user]: talker for user, talker in self._talkers.items()}
        self._owner = {slot: user for user, slot in slots.items()}
        if len(slots) > len(self._rows):
            self._make_rows(2 * len(slots))

    def decode(self, takes: Sequence[Take]) -> Samples:
        """Return one row per take, shape (len(takes), samples of a tick); valid until the next call."""
        by_slot, tick, whole = self._by_slot, self._tick, Kind.PACKET
        for row, take in enumerate(takes):
            slot, kind, packet, _, samples, _, _ = take
            talker = by_slot.get(slot) or self._begin(slot)
            if kind is whole and samples == tick and talker.plain and packet is not None:
                address = self._addresses[row]
                if talker.decode_at(packet.payload, address, tick) != tick:
                    talker.conceal(address, tick)
            else:
                talker.fill(take, self._rows[row], self._scratch)
        return self._rows[: len(takes)]

    def _begin(self, slot: int) -> TalkerDecoder:
        """Make a decoder when its talker is first heard: a lane for a hundred people is made in less than a tick."""
        talker = self._by_slot[slot] = self._talkers[self._owner[slot]] = TalkerDecoder(self._opus)
        return talker

    def close(self) -> None:
        """Free every state."""
        self.adopt({})

    def _make_rows(self, count: int) -> None:
        self._rows = np.zeros((count, self._tick), np.float32)
        self._addresses = [self._rows[row].ctypes.data for row in range(count)]


def _fade(samples: int) -> Samples:
    """Return a ramp from 0 to 1 of that length."""
    ramp = _FADES.get(samples)
    return np.linspace(0.0, 1.0, samples, dtype=np.float32) if ramp is None else ramp


def _crossfade(old: Samples, new: Samples) -> None:
    """Fade from ``old`` to ``new``, in place in ``new``."""
    ramp = _fade(len(new))
    old *= 1.0 - ramp
    new *= ramp
    new += old
