"""Ducking: while a priority talker is heard in a destination, everybody else there is quieter.

Gain moves in decibels along an S-curve, 3p² − 2p³, between nothing and the full depth; p goes down in 40 ms, stays
until 400 ms after the last sound of the last priority talker, and comes back in 500 ms.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

ATTACK_MS: Final = 40
"""From untouched to the full depth."""

HOLD_MS: Final = 400
"""How long the depth stays after the last sound: longer than the pauses between words."""

RELEASE_MS: Final = 500
"""From the full depth back to untouched."""


class Ducking:
    """The gain of those without priority, for ``count`` destinations."""

    def __init__(self, count: int) -> None:
        self._depths = [0.0] * count
        self._held = [0] * count
        self._ducked = [0.0] * count
        self._gains = np.ones(count, np.float32)
        self._moving = False

    def adopt(self, depths_db: Sequence[float]) -> None:
        """Take the depth of each destination, 0 (off) to 24 dB; ``ValueError`` if they are not as many.

        Another depth while ducked is in force with the next step; off forgets what was held.
        """
        if len(depths_db) != len(self._depths):
            raise ValueError(f"{len(depths_db)} depths for {len(self._depths)} destinations")
        self._depths = [float(depth) for depth in depths_db]
        self._moving = True

    def step(self, priority_heard: Sequence[bool], tick_ms: int) -> NDArray[np.float32]:
        """Return the linear gain of each destination at the end of this tick, shape (count,); not to be written to.

        ``priority_heard`` says for each destination whether anybody with priority sounds there in this tick.
        """
        if self._moving or any(priority_heard):
            rows = range(len(self._depths))
            decibels = [self._one(row, priority_heard[row], tick_ms) for row in rows]
            self._gains = np.array([10 ** (value / -20) for value in decibels], np.float32)
            self._moving = any(self._ducked)
        return self._gains

    def _one(self, row: int, heard: bool, tick_ms: int) -> float:
        """Move one destination by one tick and return the decibels taken off."""
        depth = self._depths[row]
        if not depth:
            self._held[row], self._ducked[row] = 0, 0.0
            return 0.0
        held = HOLD_MS + tick_ms if heard else self._held[row]
        change = tick_ms / ATTACK_MS if held > 0 else -tick_ms / RELEASE_MS
        place = min(1.0, max(0.0, self._ducked[row] + change))
        self._held[row], self._ducked[row] = max(0, held - tick_ms), place
        return depth * place * place * (3.0 - 2.0 * place)
