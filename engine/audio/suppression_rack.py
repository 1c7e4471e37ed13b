"""The noise suppressors of one engine: all its lanes take from here, so what they cost together is bounded."""

from collections.abc import Collection, Hashable, Mapping

from common.types import Suppression
from engine.audio.effect import make as make_effect
from engine.audio.effect_builder import EffectBuilder, Make
from engine.audio.effect_pool import EffectPool, Holder
from engine.metrics import Counters

STRONG_AT_ONCE = 4
"""Voices with strong suppression at the same time, in all lanes together: each costs 1 to 2 ms of a tick of 20 ms, and
everybody's sound leaves so much later. It is also how many states there are; eleven megabytes each. A talker whom two
lanes play at the same time takes two."""

_MOST = {Suppression.STANDARD: 1_000_000, Suppression.STRONG: STRONG_AT_ONCE}


class SuppressionRack:
    """Made once, with the engine's audio path; starts the thread that builds.

    Used by the mix thread alone, except ``failed`` and ``counts``; only ``settle`` and ``close`` wait.
    """

    def __init__(self, make: Make = make_effect) -> None:
        self._builder = EffectBuilder(make)
        self.pools = {kind: EffectPool(kind, most, self._builder) for kind, most in _MOST.items()}
        self._asking: dict[Hashable, Collection[tuple[Holder, Suppression]]] = {}
        self.counters = Counters()
        """Stretches of talk with less suppression than wanted, by reason; written by the mix thread."""

    @property
    def failed(self) -> Mapping[Suppression, str]:
        """Which kinds don't work on this computer until the next start, and why (any thread)."""
        return self._builder.failed.copy()

    @property
    def counts(self) -> dict[str, int]:
        """What went otherwise than wanted, by reason (any thread).

        Stretches of talk that had to do with less: ``strong_full``, since enough others had the strong one, and
        ``suppression_failed_strong`` or ``…_standard``, since that doesn't work here. ``effect_not_freed``.
        """
        return self.counters.snapshot() | self._builder.counters.snapshot()

    def adopt(self, lane: Hashable, asking: Collection[tuple[Holder, Suppression]]) -> None:
        """Serve exactly these talkers of ``lane`` from now on; what is missing is built meanwhile. Never blocks."""
        self._asking[lane] = asking
        everybody = [one for talkers in self._asking.values() for one in talkers]
        strong = [holder for holder, kind in everybody if kind is Suppression.STRONG]
        self.pools[Suppression.STRONG].adopt(strong, STRONG_AT_ONCE)
        standard = len(everybody) - min(len(strong), STRONG_AT_ONCE)
        self.pools[Suppression.STANDARD].adopt([holder for holder, _ in everybody], standard)

    def leave(self, lane: Hashable) -> None:
        """Forget a lane, whose talkers hold nothing any more; what nobody needs is freed when a lane adopts next.

        A lane that comes in its place at once finds it still there.
        """
        self._asking.pop(lane, None)

    def settle(self) -> None:
        """Wait until everything asked for is built or failed; for measurements and tests, never for the mix thread."""
        self._builder.settle()

    def close(self) -> None:
        """Free everything; call after the mix thread has ended, since it waits for what is being built."""
        self._builder.close()
        for pool in self.pools.values():
            pool.close()
