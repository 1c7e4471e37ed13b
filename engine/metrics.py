"""Counting without locks: one writer thread per counter set, copies for readers."""


class Counters:
    """Counts by reason; one thread writes, any thread may take a copy (dict operations are atomic in CPython)."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, reason: str, count: int = 1) -> None:
        """Add ``count`` to ``reason``."""
        self._counts[reason] = self._counts.get(reason, 0) + count

    def get(self, reason: str) -> int:
        """Return how often ``reason`` was counted."""
        return self._counts.get(reason, 0)

    def total(self) -> int:
        """Return the sum over all reasons."""
        return sum(self.snapshot().values())

    def snapshot(self) -> dict[str, int]:
        """Return a copy."""
        return self._counts.copy()
