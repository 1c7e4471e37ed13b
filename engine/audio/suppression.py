"""Noise suppression of all talkers: who gets which, decided where a stretch of talk begins or a person changes it."""

from collections.abc import Mapping

from common.types import Suppression, UserId
from engine.audio.effect import Effect
from engine.audio.effect import make as make_effect
from engine.audio.effect_builder import EffectBuilder, Make
from engine.audio.effect_pool import EffectPool
from engine.audio.frame import Samples
from engine.audio.insert import Insert
from engine.metrics import Counters

STRONG_AT_ONCE = 4
"""Talkers with strong suppression at the same time: each costs 1 to 2 ms of a tick of 20 ms, and everybody's sound
leaves so much later. It is also how many states there are; eleven megabytes each."""

_UNLIMITED = 1_000_000


class _Talker:
    """What one talker asked for, and what this stretch of talk has of it."""

    __slots__ = ("insert", "settled", "talking", "turn", "wanted")

    def __init__(self, wanted: Suppression) -> None:
        self.insert = Insert()
        self.talking = True
        self.ask(wanted)

    def ask(self, wanted: Suppression) -> None:
        self.wanted = wanted
        self.renew()

    def renew(self) -> None:
        """Ask anew for what is wanted."""
        self.turn = self.wanted
        self.settled = False


class Suppressors:
    """The rack. A talker whose effect isn't built yet, or can't be, passes untouched; who gets no strong one, standard.

    Used by the mix thread alone, except ``failed`` and ``counts``. Costs 0.3 µs for a talker without suppression.
    """

    def __init__(self, make: Make = make_effect) -> None:
        self._builder = EffectBuilder(make)
        self._standard = EffectPool(Suppression.STANDARD, _UNLIMITED, self._builder)
        self._strong = EffectPool(Suppression.STRONG, STRONG_AT_ONCE, self._builder)
        self._talkers: dict[UserId, _Talker] = {}
        self._counters = Counters()

    @property
    def idle(self) -> bool:
        """Whether nobody's voice is to be changed, so that a tick need not ask for each."""
        return not self._talkers

    @property
    def failed(self) -> Mapping[Suppression, str]:
        """Which kinds don't work on this computer until the next start, and why (any thread)."""
        return self._builder.failed.copy()

    @property
    def counts(self) -> dict[str, int]:
        """``strong_refused`` (stretches), ``effect_failed``, ``effect_not_built`` (any thread)."""
        return self._counters.snapshot() | self._builder.counters.snapshot()

    def adopt(self, wanted: Mapping[UserId, Suppression]) -> None:
        """Serve exactly these talkers from now on; what is missing is built meanwhile. Never blocks."""
        for gone in self._talkers.keys() - wanted.keys():
            self._release(gone)
            del self._talkers[gone]
        for user, kind in wanted.items():
            self._ask(user, kind)
        asking = [user for user, kind in wanted.items() if kind is not Suppression.OFF]
        strong = [user for user in asking if wanted[user] is Suppression.STRONG]
        self._strong.adopt(strong, STRONG_AT_ONCE)
        self._standard.adopt(asking, len(asking) - min(len(strong), STRONG_AT_ONCE))

    def process(self, user: UserId, voice: Samples) -> None:
        """Take the noise out of a frame of ``user``'s voice, shape (480,) or (960,), in place. Never blocks."""
        talker = self._talkers.get(user)
        if talker is None:
            return
        if not talker.settled:
            self._settle(user, talker)
        try:
            changed = talker.insert.process(voice)
        except Exception as error:  # noqa: BLE001 - whatever a library does, the others' sound goes on
            self._give_up(user, talker, error)
        else:
            if changed:
                self._release(user, but=talker.insert)

    def silence(self, user: UserId) -> None:
        """Note that ``user`` stopped talking: his next frame begins a stretch. Again and again is fine."""
        talker = self._talkers.get(user)
        if talker is not None and talker.talking:
            talker.talking = False
            talker.insert.begin(None)
            talker.renew()
            self._release(user)
            if talker.wanted is Suppression.OFF:
                del self._talkers[user]

    def settle(self) -> None:
        """Wait until everything asked for is built or failed; for measurements and tests, never for the mix thread."""
        self._builder.settle()

    def close(self) -> None:
        """Free everything; call after the mix thread has ended."""
        self._builder.close()
        self._talkers.clear()
        self._standard.close()
        self._strong.close()

    def _ask(self, user: UserId, kind: Suppression) -> None:
        talker = self._talkers.get(user)
        if talker is None:
            if kind is not Suppression.OFF:
                self._talkers[user] = _Talker(kind)
        elif talker.wanted is not kind:
            talker.ask(kind)
        elif kind is Suppression.OFF and not talker.talking:
            del self._talkers[user]

    def _settle(self, user: UserId, talker: _Talker) -> None:
        effect = self._choose(user, talker)
        if talker.talking:
            talker.insert.change(effect)
        else:
            talker.talking = True
            talker.insert.begin(effect)

    def _choose(self, user: UserId, talker: _Talker) -> Effect | None:
        """Return the effect to use; settled unless the right one is still being built."""
        talker.settled = True
        if talker.turn is Suppression.STRONG:
            effect = self._strong.take(user)
            if effect is not None:
                return effect
            if self._strong.pending:
                talker.settled = False
                return talker.insert.effect
            self._refuse(talker)
        if talker.turn is Suppression.STANDARD:
            effect = self._standard.take(user)
            talker.settled = effect is not None or not self._standard.pending
            return effect if talker.settled else talker.insert.effect
        return None

    def _refuse(self, talker: _Talker) -> None:
        if not self._strong.failed:
            self._counters.add("strong_refused")
        talker.turn = Suppression.STANDARD

    def _give_up(self, user: UserId, talker: _Talker, error: Exception) -> None:
        """Go on without what failed. Of two that were crossfaded, both go: which one it was isn't known."""
        self._counters.add("effect_failed")
        talker.insert.begin(None)
        talker.renew()
        for pool in (self._standard, self._strong):
            if pool.held_by(user) is not None:
                pool.discard(user, error)

    def _release(self, user: UserId, but: Insert | None = None) -> None:
        """Let others have what ``user`` holds, except what ``but`` uses."""
        for pool in (self._standard, self._strong):
            if but is None or pool.held_by(user) is not but.effect:
                pool.release(user)
