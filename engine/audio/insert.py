"""The place in a talker's strip where an effect is put in, taken out or exchanged without a click."""

import functools

import numpy as np

from engine.audio.effect import Effect
from engine.audio.frame import FRAME_SAMPLES, Samples

_ONSET_SAMPLES = 120


class Insert:
    """Sends a voice through an effect, or past it.

    An effect delays. So one that comes hears the voice until its delay is over, before a crossfade of one frame to it;
    and where a stretch of talk begins, what an effect still holds of the stretch before (perhaps another talker's) is
    not heard.
    """

    __slots__ = ("_changing", "_coming", "_coming_voice", "_heard", "_unheard", "effect")

    def __init__(self) -> None:
        self.effect: Effect | None = None
        """What is heard; None is the untouched voice."""
        self._coming: Effect | None = None
        self._changing = False
        self._unheard = 0
        self._heard = 0
        self._coming_voice = np.zeros(FRAME_SAMPLES, np.float32)

    def begin(self, effect: Effect | None) -> None:
        """Use ``effect`` at once: a stretch of talk begins, or ends (None)."""
        self.effect = effect
        self._changing, self._coming = False, None
        self._heard = 0

    def change(self, effect: Effect | None) -> None:
        """Go over to ``effect`` while the talker talks; asking again for what is on its way changes nothing."""
        if effect is self.effect:
            self._changing, self._coming = False, None
        elif not self._changing or effect is not self._coming:
            self._changing, self._coming = True, effect
            self._unheard = 0 if effect is None else effect.delay_samples

    def process(self, voice: Samples) -> bool:
        """Change ``voice`` (480,) or (960,) in place; tell whether a change is complete with it."""
        if self._changing:
            return self._cross(voice)
        if self.effect is not None:
            self._through(self.effect, voice)
        return False

    def _cross(self, voice: Samples) -> bool:
        new = self._coming_voice[: len(voice)]
        new[:] = voice
        if self._coming is not None:
            self._coming.process(new)
        if self.effect is not None:
            self._through(self.effect, voice)
        if self._unheard > 0:
            self._unheard -= len(voice)
            return False
        new -= voice
        new *= _ramp(len(voice))
        voice += new
        self.effect, self._coming, self._changing = self._coming, None, False
        self._heard = len(_veil(self.effect.delay_samples)) if self.effect is not None else 0
        return True

    def _through(self, effect: Effect, voice: Samples) -> None:
        effect.process(voice)
        veil = _veil(effect.delay_samples)[self._heard : self._heard + len(voice)]
        if len(veil):
            voice[: len(veil)] *= veil
            self._heard += len(veil)


@functools.cache
def _ramp(samples: int) -> Samples:
    return np.linspace(0.0, 1.0, samples, dtype=np.float32)


@functools.cache
def _veil(delay: int) -> Samples:
    """Return the gain of a stretch's beginning: nothing for ``delay``, then a rise over 2.5 ms."""
    return np.concatenate([np.zeros(delay, np.float32), _ramp(_ONSET_SAMPLES)])
