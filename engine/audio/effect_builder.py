"""A thread that makes effects and frees them, so that the mix thread never waits for a model, an import or a disk."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from common.types import Suppression
from engine.audio.effect import Effect
from engine.metrics import Counters

QUEUE = 128
"""Tasks that may wait; what finds no place is asked for again later."""

_PATIENCE_S = 5.0

log = logging.getLogger(__name__)

Make = Callable[[Suppression], Effect]


class EffectBuilder:
    """Works off what the mix thread asks for, in order."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._tasks: queue.Queue[Callable[[], None]] = queue.Queue(QUEUE)
        self._closing = threading.Event()
        self.counters = Counters()
        """``effect_not_freed``; written by the thread."""
        self.failed: dict[Suppression, str] = {}
        """Which kinds can't be used until the program starts anew, and why."""
        self._thread = threading.Thread(target=self._run, name="effect-builder", daemon=True)
        self._thread.start()

    def build(self, kind: Suppression, count: int, into: deque[Effect]) -> bool:
        """Ask for effects, which are appended to ``into``; False if too many tasks wait. Never blocks."""
        return self._put(partial(self._build, kind, count, into))

    def retire(self, effects: Sequence[Effect]) -> bool:
        """Have ``effects`` closed; False if too many tasks wait. Never blocks."""
        return self._put(partial(self._free, effects))

    def fail(self, kind: Suppression, reason: BaseException) -> None:
        """Give up ``kind``; its first failure is logged."""
        if kind not in self.failed:
            self.failed[kind] = f"{type(reason).__name__}: {reason}"
            log.error("%s noise suppression failed and is off until the next start", kind, exc_info=reason)

    def settle(self) -> None:
        """Wait until everything asked for is done; for measurements and tests, never for the mix thread."""
        self._tasks.join()

    def close(self) -> None:
        """Build nothing more, free what waits for it and end the thread.

        Waits for what is being made, though not for ever; what comes after that is freed by the thread itself.
        """
        self._closing.set()
        self._put(_nothing)
        self._thread.join(_PATIENCE_S)

    def _put(self, task: Callable[[], None]) -> bool:
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not self._closing.is_set() or not self._tasks.empty():
            task = self._tasks.get()
            try:
                task()
            finally:
                self._tasks.task_done()

    def _free(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            try:
                effect.close()
            except Exception:  # what can't be freed must not end the thread
                self.counters.add("effect_not_freed")
                log.exception("an effect could not be freed")

    def _build(self, kind: Suppression, count: int, into: deque[Effect]) -> None:
        for _ in range(count):
            if self._closing.is_set() or kind in self.failed:
                return
            self._build_one(kind, into)

    def _build_one(self, kind: Suppression, into: deque[Effect]) -> None:
        try:
            effect = self._make(kind)
        except Exception as error:  # noqa: BLE001 - importing and loading can fail in any way; the voice passes untouched
            self.fail(kind, error)
            return
        if self._closing.is_set():
            self._free([effect])
        else:
            into.append(effect)


def _nothing() -> None:
    """Wake the thread."""
