"""Noise suppression of a lane's talkers: who gets which, decided where a stretch of talk begins or a wish changes."""

from collections.abc import Collection, Mapping

from common.types import Suppression, UserId
from engine.audio.effect import Effect
from engine.audio.frame import Samples
from engine.audio.insert import Insert
from engine.audio.suppression_rack import SuppressionRack

_WEAKER = {Suppression.STRONG: Suppression.STANDARD, Suppression.STANDARD: Suppression.OFF}


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
    """Those of one lane, taken from the engine's ``rack``.

    A talker whose effect isn't built yet, or can't be, passes untouched; who gets no strong one, standard. Used by the
    mix thread alone, and never blocks it. Costs 0.3 µs for a talker without suppression.
    """

    def __init__(self, rack: SuppressionRack) -> None:
        self._rack = rack
        self._talkers: dict[UserId, _Talker] = {}

    @property
    def idle(self) -> bool:
        """Whether nobody's voice is to be changed, so that a tick need not ask for each."""
        return not self._talkers

    @property
    def users(self) -> Collection[UserId]:
        """Whose voice is to be changed, or still is until a change is complete."""
        return self._talkers.keys()

    def adopt(self, wanted: Mapping[UserId, Suppression]) -> None:
        """Serve exactly these talkers from now on; what is missing is built meanwhile.

        Who is switched off while talking must be among them, or what he has ends in a step.
        """
        for gone in self._talkers.keys() - wanted.keys():
            self._release(self._talkers.pop(gone))
        for user, kind in wanted.items():
            self._ask(user, kind)
        talkers = self._talkers.values()
        self._rack.adopt(self, [(one, one.wanted) for one in talkers if one.wanted is not Suppression.OFF])

    def process(self, user: UserId, voice: Samples) -> None:
        """Take the noise out of a frame of ``user``'s voice, shape (480,) or (960,), in place."""
        talker = self._talkers.get(user)
        if talker is None:
            return
        if not talker.settled:
            self._settle(talker)
        try:
            changed = talker.insert.process(voice)
        except Exception as error:  # noqa: BLE001 - whatever a library does, the others' sound goes on
            self._give_up(talker, error)
        else:
            if changed:
                self._release(talker, but=talker.insert)

    def silence(self, user: UserId) -> None:
        """Note that ``user`` stopped talking: his next frame begins a stretch. Again and again is fine."""
        talker = self._talkers.get(user)
        if talker is not None and talker.talking:
            talker.talking = False
            talker.insert.begin(None)
            talker.renew()
            self._release(talker)
            if talker.wanted is Suppression.OFF:
                del self._talkers[user]

    def close(self) -> None:
        """Give everything back at once; the rack stays."""
        for talker in self._talkers.values():
            self._release(talker)
        self._talkers.clear()
        self._rack.leave(self)

    def _ask(self, user: UserId, kind: Suppression) -> None:
        talker = self._talkers.get(user)
        if talker is None:
            if kind is not Suppression.OFF:
                self._talkers[user] = _Talker(kind)
        elif talker.wanted is not kind:
            talker.ask(kind)
        elif kind is Suppression.OFF and not talker.talking:
            del self._talkers[user]

    def _settle(self, talker: _Talker) -> None:
        effect = self._choose(talker)
        if talker.talking:
            talker.insert.change(effect)
        else:
            talker.talking = True
            talker.insert.begin(effect)

    def _choose(self, talker: _Talker) -> Effect | None:
        """Return the effect to use; settled unless the right one is still being built."""
        talker.settled = True
        while talker.turn is not Suppression.OFF:
            pool = self._rack.pools[talker.turn]
            pending = pool.pending  # asked before: what is finished in between is there in the next tick
            effect = pool.take(talker)
            if effect is not None:
                return effect
            if pending and not pool.failed:
                talker.settled = False
                return talker.insert.effect
            self._refuse(talker)
        return None

    def _refuse(self, talker: _Talker) -> None:
        """Go on with the next weaker one for this stretch."""
        failed = self._rack.pools[talker.turn].failed
        self._rack.counters.add(f"suppression_failed_{talker.turn}" if failed else f"{talker.turn}_full")
        talker.turn = _WEAKER[talker.turn]

    def _give_up(self, talker: _Talker, error: Exception) -> None:
        """Go on without what failed. Of two that were crossfaded, both go: which one it was isn't known."""
        talker.insert.begin(None)
        talker.renew()
        for pool in self._rack.pools.values():
            if pool.held_by(talker) is not None:
                pool.discard(talker, error)

    def _release(self, talker: _Talker, but: Insert | None = None) -> None:
        """Let others have what ``talker`` holds, except what ``but`` uses."""
        for pool in self._rack.pools.values():
            if but is None or pool.held_by(talker) is not but.effect:
                pool.release(talker)
