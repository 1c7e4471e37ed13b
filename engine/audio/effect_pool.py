"""All effects of one kind: who has which, and who has to share."""

from collections import deque
from collections.abc import Hashable, Iterable

from common.types import Suppression
from engine.audio.effect import Effect
from engine.audio.effect_builder import EffectBuilder

Holder = Hashable
"""A talker of one lane."""


class EffectPool:
    """At most ``most`` effects. A holder gets the one that was his, while it knows his noise, or the longest unused.

    Used by the mix thread; only ``_fresh`` is filled by the builder.
    """

    def __init__(self, kind: Suppression, most: int, builder: EffectBuilder) -> None:
        self._kind = kind
        self._most = most
        self._builder = builder
        self._holders: frozenset[Holder] = frozenset()
        self._asked = 0
        self._fresh: deque[Effect] = deque()
        self._owned: dict[Holder, Effect] = {}
        """The last holder of each effect, longest ago first."""
        self._held: set[Holder] = set()

    @property
    def pending(self) -> bool:
        """Whether one is being built, or will be as soon as the builder has place for the task."""
        built = len(self._owned) + len(self._fresh)
        return not self.failed and (self._asked > built or self._asked < self._limit)

    @property
    def failed(self) -> bool:
        """Whether this kind can't be used."""
        return self._kind in self._builder.failed

    def adopt(self, holders: Iterable[Holder], ahead: int) -> None:
        """Serve exactly these from now on, and have ``ahead`` effects built before they are taken."""
        self._holders = frozenset(holders)
        for gone in self._owned.keys() - self._holders - self._held:
            self._fresh.append(self._owned.pop(gone))
        self._trim()
        self._ask(min(ahead, self._limit) - self._asked)

    def take(self, holder: Holder) -> Effect | None:
        """Return the effect that ``holder`` holds from now on, or None if there is none to have, now or ever."""
        if self.failed:
            return None
        effect = self._owned.pop(holder, None) or self._unused()
        if effect is None:
            self._ask(min(1, self._limit - self._asked))
            return None
        self._owned[holder] = effect
        self._held.add(holder)
        return effect

    def held_by(self, holder: Holder) -> Effect | None:
        """Return what ``holder`` holds."""
        return self._owned[holder] if holder in self._held else None

    def release(self, holder: Holder) -> None:
        """Let others have the effect of ``holder`` when they need it."""
        self._held.discard(holder)

    def discard(self, holder: Holder, reason: BaseException) -> None:
        """Free the effect that ``holder`` holds, since it failed, and give up the kind."""
        self._builder.fail(self._kind, reason)
        self._held.discard(holder)
        self._fresh.append(self._owned.pop(holder))
        self._trim()

    def close(self) -> None:
        """Free all effects; the builder has ended."""
        for effect in (*self._owned.values(), *self._fresh):
            effect.close()
        self._owned.clear()
        self._fresh.clear()
        self._held.clear()

    @property
    def _limit(self) -> int:
        return min(len(self._holders), self._most)

    def _unused(self) -> Effect | None:
        if self._fresh:
            return self._fresh.popleft()
        idle = next((holder for holder in self._owned if holder not in self._held), None)
        return None if idle is None else self._owned.pop(idle)

    def _trim(self) -> None:
        """Have freed what is not needed; if the builder has no place for the task, the next time."""
        surplus = len(self._fresh) if self.failed else min(len(self._fresh), self._asked - self._limit)
        effects = [self._fresh.popleft() for _ in range(surplus)]
        if not effects:
            return
        if self._builder.retire(effects):
            self._asked -= surplus
        else:
            self._fresh.extend(effects)

    def _ask(self, count: int) -> None:
        """Ask for ``count`` more; if the builder has no place for the task, whoever needs one asks again."""
        if count > 0 and not self.failed and self._builder.build(self._kind, count, self._fresh):
            self._asked += count
