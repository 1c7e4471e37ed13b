"""Time that jumps: an event loop which, when nothing is left to do, is at once where its next timer is due."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine

import pytest

Play = Callable[[Coroutine[None, None, None]], None]
"""Runs a coroutine in jumping time."""


class JumpingSelector(selectors.DefaultSelector):
    """Never waits; asks its loop to jump instead."""

    jump: Callable[[float | None], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self.jump(timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only between timers."""

    def __init__(self) -> None:
        selector = JumpingSelector()
        selector.jump = self._jump
        self._now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def _jump(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("nothing will ever happen again")
        self._now += seconds


@pytest.fixture
def play() -> Play:
    """Run a coroutine in jumping time."""

    def run(coroutine: Coroutine[None, None, None]) -> None:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(coroutine)

    return run
