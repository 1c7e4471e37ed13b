"""All effects of one kind: who has which, and who has to share."""

from collections import deque
from collections.abc import Iterable

from common.types import Suppression, UserId
from engine.audio.effect import Effect
from engine.audio.effect_builder import EffectBuilder


class EffectPool:
    """At most ``most`` effects. A talker gets the one that was his, while it knows his noise, or the longest unused.

    Used by the mix thread; only ``_fresh`` is filled by the builder.
    """

    def __init__(self, kind: Suppression, most: int, builder: EffectBuilder) -> None:
        self._kind = kind
        self._most = most
        self._builder = builder
        self._users: frozenset[UserId] = frozenset()
        self._asked = 0
        self._fresh: deque[Effect] = deque()
        self._owned: dict[UserId, Effect] = {}
        """The last talker of each effect, longest ago first."""
        self._held: set[UserId] = set()

    @property
    def pending(self) -> bool:
        """Whether one is being built."""
        return not self.failed and self._asked > len(self._owned) + len(self._fresh)

    @property
    def failed(self) -> bool:
        """Whether this kind can't be used."""
        return self._kind in self._builder.failed

    def adopt(self, users: Iterable[UserId], ahead: int) -> None:
        """Serve exactly these talkers from now on, and have ``ahead`` effects built before they are taken."""
        self._users = frozenset(users)
        for gone in self._owned.keys() - self._users - self._held:
            self._fresh.append(self._owned.pop(gone))
        while self._fresh and self._asked > self._limit and self._builder.retire(self._fresh[0]):
            self._fresh.popleft()
            self._asked -= 1
        while self._asked < min(ahead, self._limit) and self._ask():
            pass

    def take(self, user: UserId) -> Effect | None:
        """Return the effect that ``user`` holds from now on, or None if there is none to have, now or ever."""
        if self.failed:
            return None
        effect = self._owned.pop(user, None) or self._unused()
        if effect is None:
            self._ask()
            return None
        self._owned[user] = effect
        self._held.add(user)
        return effect

    def held_by(self, user: UserId) -> Effect | None:
        """Return what ``user`` holds."""
        return self._owned[user] if user in self._held else None

    def release(self, user: UserId) -> None:
        """Let others have the effect of ``user`` when they need it."""
        self._held.discard(user)

    def discard(self, user: UserId, reason: BaseException) -> None:
        """Free the effect that ``user`` holds, since it failed, and give up the kind."""
        self._held.discard(user)
        self._builder.retire(self._owned.pop(user))
        self._asked -= 1
        self._builder.fail(self._kind, reason)

    def close(self) -> None:
        """Free all effects; the builder has ended."""
        for effect in (*self._owned.values(), *self._fresh):
            effect.close()
        self._owned.clear()
        self._fresh.clear()
        self._held.clear()

    @property
    def _limit(self) -> int:
        return min(len(self._users), self._most)

    def _unused(self) -> Effect | None:
        if self._fresh:
            return self._fresh.popleft()
        idle = next((user for user in self._owned if user not in self._held), None)
        return None if idle is None else self._owned.pop(idle)

    def _ask(self) -> bool:
        """Ask for one more, if there may be one more and the builder takes the task."""
        if self.failed or self._asked >= self._limit or not self._builder.build(self._kind, self._fresh):
            return False
        self._asked += 1
        return True
