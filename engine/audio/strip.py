"""Talkers' strips: high-pass, noise suppression, levelling, gain and mute, without a step when any of them changes."""

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.types import UserId
from engine.audio.frame import FRAME_SAMPLES, Samples
from engine.audio.high_pass import HighPass
from engine.audio.levelling import Levelling
from engine.audio.loudness import Loudness
from engine.audio.meter import peaks
from engine.audio.playout import Take
from engine.audio.settings import DEFAULT_LOUDNESS, TalkerStrip
from engine.audio.suppression import Suppressors
from engine.audio.suppression_rack import SuppressionRack

_QUIET = np.float32(0.06)
"""A frame is quiet, fit for a cut, when its peak is 24 dB below the talker's recent ones."""

_SILENT = np.float32(0.003)
"""Quiet whatever came before, −50 dBFS."""

_HOLD_PER_FRAME = 0.995

Gains = NDArray[np.float32]
SlotArray = NDArray[np.intp]

_NONE: frozenset[int] = frozenset()


class Voices(NamedTuple):
    """What leaves the strips in one tick, a row per talker who sounds.

    ``rows`` (n, samples) are before the fader. ``before`` and ``after`` (n,) are the gains at the tick's ends, fader
    and levelling together; ``level_before`` and ``level_after`` levelling alone, what a solo is heard with.
    ``sounding`` (n,): sends more than silence.
    """

    slots: SlotArray
    rows: Samples
    before: Gains
    after: Gains
    level_before: Gains
    level_after: Gains
    sounding: NDArray[np.bool_]


class Strips:
    """The strips of one mix, by slot; ``capacity`` slots, frames of ``samples``."""

    def __init__(self, capacity: int, samples: int, rack: SuppressionRack) -> None:
        self._fader = np.ones(capacity, np.float32)
        self._heard = np.ones(capacity, np.float32)
        self._level = np.ones(capacity, np.float32)
        self._levelled = np.zeros(capacity, np.bool_)
        self._filtered = np.zeros(capacity, np.bool_)
        self._levelling_now = False
        self._ones = np.ones(capacity, np.float32)
        self._filtering = False
        """Whether the high-pass has work: somebody wants it, or just stopped wanting it."""
        self._seen = np.full(capacity, -2, np.int64)
        self._hold = np.zeros(capacity, np.float32)
        self._fading = np.float32(_HOLD_PER_FRAME ** (samples / FRAME_SAMPLES))
        self._peaks = np.zeros(capacity, np.float32)
        self._suppressed: dict[int, UserId] = {}
        self._high_pass = HighPass(capacity, samples)
        self._loudness = Loudness(capacity, samples, every=4, first=1)
        self._levelling = Levelling(capacity, samples)
        self.suppressors = Suppressors(rack)
        self.quiet: frozenset[int] = _NONE
        """The slots whose last frame was quiet."""
        self._target = DEFAULT_LOUDNESS
        self._tick = 0
        self._last: list[int] | None = None
        self._slots: SlotArray = np.zeros(0, np.intp)
        self._silent: list[bool] = []
        self._sounding: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._fresh: NDArray[np.bool_] | None = None

    def adopt(
        self, strips: Sequence[TalkerStrip], slots: Mapping[UserId, int], fresh: Sequence[int], loudness: float
    ) -> None:
        """Take the talkers' settings, and forget what the ``fresh`` slots' last owners left behind."""
        for slot in fresh:
            self._forget(slot)
        if fresh:
            self._last = None  # the same slots may be other people's now
        for strip in strips:
            slot = slots[strip.user]
            self._fader[slot] = 0.0 if strip.muted else strip.gain
            self._levelled[slot] = strip.levelling
            self._filtered[slot] = strip.high_pass
        self._filtering = self._filtering or bool(self._filtered.any())
        self._levelling_now = self._levelling_now or bool(self._levelled.any())
        self._target = loudness
        self.suppressors.adopt({strip.user: strip.suppression for strip in strips})
        self._suppressed = {slots[user]: user for user in self.suppressors.users}

    def process(self, takes: Sequence[Take], rows: Samples) -> Voices:
        """Process ``rows`` (as in ``takes``) in place."""
        slots = self._find(takes)
        if self._filtering:
            self._filtering = bool(self._filtered.any())
            self._high_pass.process(slots, rows, self._filtered[slots])
        if not self.suppressors.idle:
            self._suppress(takes, rows)
        self._listen(slots, rows)
        return self._gains(slots, rows)

    def rest(self) -> None:
        """Let a tick pass in which nobody sounds."""
        self._tick += 1
        self._last = None
        self._loudness.rest()
        self.quiet = _NONE
        self._hush(())

    # reading, any thread

    def peak(self, slot: int) -> float:
        """Return the highest sample of the last frame after the fader, 0.0 for who does not sound."""
        return float(self._peaks[slot]) if self._seen[slot] == self._tick else 0.0

    def level(self, slot: int) -> float:
        """Return the gain that levelling adds."""
        return float(self._level[slot])

    @property
    def short_term(self) -> Gains:
        """Loudness after the fader, LUFS by slot."""
        return self._loudness.short_term

    def close(self) -> None:
        """Give the effects back."""
        self.suppressors.close()

    def _forget(self, slot: int) -> None:
        self._heard[slot] = self._level[slot] = 1.0
        self._seen[slot] = -2
        self._hold[slot] = self._peaks[slot] = 0.0
        self._high_pass.reset(slot)
        self._loudness.reset(slot)
        self._levelling.reset(slot)

    def _suppress(self, takes: Sequence[Take], rows: Samples) -> None:
        for row, take in enumerate(takes):
            user = self._suppressed.get(take.slot)
            if user is not None:
                self.suppressors.process(user, rows[row])
        self._hush([take.slot for take in takes])

    def _hush(self, sounding: Collection[int]) -> None:
        """Tell the effects of who has stopped."""
        for slot, user in self._suppressed.items():
            if slot not in sounding:
                self.suppressors.silence(user)

    def _listen(self, slots: SlotArray, rows: Samples) -> None:
        """Measure the peaks before the fader, and who is quiet."""
        highest = peaks(rows)
        if not isfinite(np.add.reduce(highest)):
            rows[~np.isfinite(highest)] = 0.0
            highest = np.nan_to_num(highest, posinf=0.0)
        hold = np.maximum(highest, self._hold[slots] * self._fading)
        self._hold[slots], self._peaks[slots] = hold, highest
        quiet = highest <= np.maximum(hold * _QUIET, _SILENT)
        self.quiet = frozenset(slots[quiet].tolist()) if np.logical_or.reduce(quiet) else _NONE

    def _find(self, takes: Sequence[Take]) -> SlotArray:
        """Return whose takes these are; most ticks have the same talkers as the one before."""
        slots = [take.slot for take in takes]
        silent = [take.silent for take in takes]
        self._tick += 1
        self._fresh = None
        if slots != self._last:
            self._last, self._slots = slots, np.array(slots, np.intp)
            # Who begins to sound begins with the gain that is set; a change while sounding is ramped.
            self._fresh = self._seen[self._slots] != self._tick - 1
        if silent != self._silent:
            self._silent, self._sounding = silent, ~np.array(silent, np.bool_)
        self._seen[self._slots] = self._tick
        return self._slots

    def _even(self, slots: SlotArray, powers: Gains) -> Gains:
        """Return the gains that levelling gives; nothing is asked while nobody has it, or still has its rest."""
        if not self._levelling_now:
            return self._ones[: len(slots)]
        level = self._levelling.gains(slots, powers, self._levelled[slots], self._target)
        self._levelling_now = bool(self._levelled.any()) or not bool(np.logical_and.reduce(level == 1.0))
        return level

    def _gains(self, slots: SlotArray, rows: Samples) -> Voices:
        powers = self._loudness.weigh(slots, rows)
        level, fader = self._even(slots, powers), self._fader[slots]
        after = fader * level
        level_before, before = self._level[slots], self._heard[slots]
        if self._fresh is not None:
            level_before, before = np.where(self._fresh, level, level_before), np.where(self._fresh, after, before)
        self._heard[slots] = after
        if np.logical_and.reduce(before == after):
            before = after  # the very same array: no ramp to make
        self._level[slots] = level
        self._peaks[slots] *= after
        self._loudness.keep(slots, powers * after * after)
        return Voices(slots, rows, before, after, level_before, level, self._sounding)
