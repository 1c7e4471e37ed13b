"""Brings every talker to one loudness, so that a match balances itself.

Every 100 ms each talker's loudness is judged as ITU-R BS.1770 judges a programme: blocks of 400 ms, an absolute gate
at −70 LUFS, a relative one 10 LU beneath the mean of what passed the first; so the quiet between words counts for
nothing. The blocks lie in a histogram that fades with the speech it hears, not with time: a talker who pauses goes on
with what was learnt. It fades faster while the last seconds contradict it, after a shout or a moved microphone. Gain is
what lies between that loudness and the target, and once much speech was heard it moves as slowly as the histogram, so
the dynamics of speech stay.

Only speech counts. Syllables rise far above the quietest moments near them and last; the noise of a fan does not rise,
the click of a key does not last. A block counts while the last rise that lasted is not long gone.
"""

import numpy as np
from numpy.typing import NDArray

from engine.audio.frame import SAMPLE_RATE
from engine.audio.loudness import to_power

LOWEST_GAIN, HIGHEST_GAIN = 10 ** (-18 / 20), 10 ** (26 / 20)
"""How far levelling goes: −18 to 26 dB."""

_STEP_S = 0.1
_BLOCK_STEPS = 4

_EDGES = np.array([to_power(float(lufs)) for lufs in range(-70, 11)], np.float32)
"""K-weighted powers between which the bins of a histogram lie, 1 LU each; the first is the absolute gate."""

_SUMS = np.stack([np.ones(len(_EDGES) - 1, np.float32), np.sqrt(_EDGES[:-1] * _EDGES[1:])], axis=1)
"""A histogram times this is its number of blocks and their power, shape (80, 2)."""

_ABSOLUTE_GATE = _EDGES[0]
_RELATIVE_GATE = np.float32(0.1)

_MEMORY = np.float32(np.exp(-_STEP_S / 8.0))
"""Fading of a histogram in a step of speech: after 8 s a block counts for a third."""

_SHORT_S = 2.0
_SHORT_MEMORY = np.float32(np.exp(-_STEP_S / _SHORT_S))
"""Fading while the last 2 s of speech contradict the rest, and while too little speech was heard to tell."""

_CONTRADICTION = np.float32(10 ** (4.0 / 10))

_ENOUGH_STEPS = np.float32(4.5)
"""Blocks of speech before the first change of gain."""

_RISE = np.float32(10 ** (5.0 / 10))
"""A step is a syllable's if its power is this many times that of the quietest moment, in four fifths of its frames."""

_CREEP = np.float32(10 ** (0.5 / 10))
"""The quietest moment's power rises so much a step until a quieter one comes."""

_SYLLABLE, _MOST, _SPEECH = 4, 9, 5
"""A syllable's step adds 3 to a slot's score, any other takes 1; from 5 on it is speech, up to 9 are kept."""

_FASTEST = np.float32(10 ** (25.0 * _STEP_S / 20))
"""By how much gain may change in a step: 25 dB a second."""

_STILL = 1e-4
"""A change of gain not worth a tick's work."""

_Values = NDArray[np.float32]
_Slots = NDArray[np.intp]
_Flags = NDArray[np.bool_]


class Levelling:
    """The gains of ``capacity`` slots."""

    def __init__(self, capacity: int, samples: int) -> None:
        """Prepare for ticks of ``samples`` at 48 kHz."""
        ticks = round(_STEP_S * SAMPLE_RATE / samples)
        self._frames = np.zeros((ticks, capacity), np.float32)
        self._ticks = self._step = 0
        self._enabled = np.zeros(capacity, np.bool_)
        self._idle = True
        self._steps = np.zeros((_BLOCK_STEPS, capacity), np.float32)
        self._floor = np.full(capacity, np.inf, np.float32)
        self._score = np.zeros(capacity, np.int32)
        self._histogram = np.zeros((capacity, len(_SUMS)), np.float32)
        self._recent = np.zeros(capacity, np.float32)
        self._loudness = np.full(capacity, np.nan, np.float32)
        self._gain = np.ones(capacity, np.float32)
        self._factor = np.ones(capacity, np.float32)

    def gains(self, slots: _Slots, powers: _Values, enabled: _Flags, target: float) -> _Values:
        """Return the linear gains (n,) to be reached at the end of this frame, from those returned last.

        ``powers`` (n,) are the K-weighted mean squares of the rows' frames before levelling
        (:meth:`engine.audio.loudness.Loudness.weigh`), ``target`` is in LUFS. Call it once per tick with all rows; a
        row that is not ``enabled`` is taken back to 1.0. Nothing is learnt while no row is enabled.
        """
        if self._idle and not enabled.any():
            return np.ones(len(slots), np.float32)
        frame = self._frames[self._ticks]
        frame[:] = 0.0
        frame[slots] = np.minimum(powers, _EDGES[-1])
        self._enabled[slots] = enabled
        self._ticks += 1
        if self._ticks == len(self._frames):
            self._ticks = 0
            self._learn()
            self._steer(target)
        gains: _Values = self._gain[slots] * self._factor[slots]
        self._gain[slots] = gains
        return gains

    def reset(self, slot: int) -> None:
        """Forget a slot's talker."""
        self._frames[:, slot] = self._steps[:, slot] = self._histogram[slot] = 0.0
        self._enabled[slot] = False
        self._floor[slot] = np.inf
        self._score[slot] = 0
        self._recent[slot] = 0.0
        self._loudness[slot] = np.nan
        self._gain[slot] = self._factor[slot] = 1.0

    def _learn(self) -> None:
        """Take a step's frames into the blocks, and those that are speech into the histograms."""
        (slots,) = (np.maximum.reduce(self._frames) > _ABSOLUTE_GATE).nonzero()
        if not slots.size:
            return
        frames = self._frames.take(slots, axis=1)
        self._step = (self._step + 1) % _BLOCK_STEPS
        self._steps[self._step, slots] = np.add.reduce(frames) * np.float32(1 / len(frames))
        block = np.add.reduce(self._steps.take(slots, axis=1)) * np.float32(1 / _BLOCK_STEPS)
        frames.sort(axis=0)
        speech = self._speech(slots, frames) & (block > _ABSOLUTE_GATE)
        (counted,) = speech.nonzero()
        if counted.size < slots.size:
            silent = slots[~speech & np.isnan(self._loudness[slots])]
            self._histogram[silent] *= _SHORT_MEMORY
            slots, block = slots[counted], block[counted]
        if slots.size:
            self._count(slots, block)

    def _speech(self, slots: _Slots, ranked: _Values) -> _Flags:
        """Return where there is speech, given a step's frames, the faintest first.

        A step with frames beneath the absolute gate is the edge of a pause and tells nothing of the room's noise.
        """
        faint = ranked[len(ranked) // 5]
        floor = self._floor[slots]
        floor = np.where(faint > _ABSOLUTE_GATE, np.minimum(floor * _CREEP, faint), floor)
        score = self._score[slots] - 1 + _SYLLABLE * (faint > floor * _RISE)
        self._floor[slots], self._score[slots] = floor, score.clip(0, _MOST)
        speech: _Flags = score >= _SPEECH
        return speech

    def _count(self, slots: _Slots, block: _Values) -> None:
        """Take blocks of speech into their slots' histograms, and set the slots' loudness to their gated means."""
        recent = self._recent[slots]
        recent += (block - recent) * np.float32(_STEP_S / _SHORT_S)
        self._recent[slots] = recent
        known = self._loudness[slots]
        contradicted = (recent > known * _CONTRADICTION) | (known > recent * _CONTRADICTION)
        counts = self._histogram.take(slots, axis=0)
        counts *= np.where(contradicted, _SHORT_MEMORY, _MEMORY)[:, None]
        counts[np.arange(len(slots)), np.searchsorted(_EDGES[1:-1], block)] += np.float32(1.0)
        self._histogram[slots] = counts
        total, power = (counts @ _SUMS).T
        gate = power / total * _RELATIVE_GATE
        above, loud = ((counts * (_SUMS[:, 1] >= gate[:, None])) @ _SUMS).T
        self._loudness[slots] = np.where(total > _ENOUGH_STEPS, loud / above, known)

    def _steer(self, target: float) -> None:
        """Set by what factor each gain changes in each tick of the next step."""
        wanted = np.sqrt(np.float32(to_power(target)) / self._loudness).clip(LOWEST_GAIN, HIGHEST_GAIN)
        wanted[~self._enabled | np.isnan(wanted)] = 1.0
        change = (wanted / self._gain).clip(1 / _FASTEST, _FASTEST)
        self._factor = np.power(change, np.float32(1 / len(self._frames)))
        self._idle = not self._enabled.any() and bool(np.abs(change - 1.0).max() < _STILL)
