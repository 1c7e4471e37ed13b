"""Places in arrays: every talker of a mix has a number of its own while present, so that state can live in arrays."""

from collections.abc import Iterable

from common.types import UserId

SMALLEST = 256
"""More than most sessions ever have."""


class Slots:
    """Hands out the lowest free number; ``capacity`` only grows, by doubling."""

    def __init__(self) -> None:
        self._taken: dict[UserId, int] = {}
        self.capacity = SMALLEST

    @property
    def taken(self) -> dict[UserId, int]:
        """Every talker's slot; to read."""
        return self._taken

    def adopt(self, users: Iterable[UserId]) -> list[int]:
        """Have exactly these talkers from now on; return the slots that have a new owner."""
        wanted = list(users)
        kept = {user: self._taken[user] for user in wanted if user in self._taken}
        free = iter(sorted(set(range(len(wanted))) - set(kept.values())))
        fresh = {user: next(free) for user in wanted if user not in kept}
        self._taken = {user: kept[user] if user in kept else fresh[user] for user in wanted}
        while self.capacity <= max(self._taken.values(), default=0):
            self.capacity *= 2
        return list(fresh.values())
