import logging
import threading
from collections import deque

from common.types import Suppression
from engine.audio.effect_builder import QUEUE, EffectBuilder

STANDARD, STRONG = Suppression.STANDARD, Suppression.STRONG


class Plain:
    delay_samples = 0

    def __init__(self, kind):
        self.kind = kind
        self.made_in = threading.current_thread()
        self.closed_in = None

    def process(self, voice):
        pass

    def close(self):
        self.closed_in = threading.current_thread()


def test_effects_are_made_and_freed_in_another_thread():
    builder, made = EffectBuilder(Plain), deque()
    assert builder.build(STRONG, 1, made)
    builder.settle()
    effect = made[0]
    assert effect.kind is STRONG
    assert builder.retire([effect])
    builder.settle()
    assert effect.made_in is effect.closed_in is not threading.current_thread()
    builder.close()


def test_a_kind_that_fails_is_not_tried_again_and_logged_once(caplog):
    tries = []

    def fail(kind):
        tries.append(kind)
        raise ImportError("no such wheel")

    builder, made = EffectBuilder(fail), deque()
    for kind in (STRONG, STRONG, STANDARD):
        builder.build(kind, 1, made)
    builder.settle()
    assert tries == [STRONG, STANDARD]
    assert builder.failed[STRONG] == "ImportError: no such wheel"
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    builder.close()


def test_an_effect_that_cannot_be_freed_does_not_end_the_thread(caplog):
    class Stubborn(Plain):
        def close(self):
            raise OSError("in use")

    builder, made = EffectBuilder(Plain), deque()
    builder.retire([Stubborn(STRONG)])
    builder.build(STRONG, 1, made)
    builder.settle()
    assert len(made) == 1
    assert "in use" in caplog.text
    builder.close()


def test_asking_for_too_much_is_refused_and_what_waits_or_comes_late_is_not_kept():
    begun, go_on, made, freed = threading.Event(), threading.Event(), deque(), []

    class Slow(Plain):
        def __init__(self, kind):
            super().__init__(kind)
            begun.set()
            go_on.wait(10)

        def close(self):
            freed.append(self)

    builder = EffectBuilder(Slow)
    builder.build(STRONG, 1, made)
    assert begun.wait(10)
    assert [builder.build(STRONG, 1, made) for _ in range(QUEUE + 1)] == [True] * QUEUE + [False]
    ending = threading.Thread(target=builder.close)
    ending.start()
    assert builder._closing.wait(10)
    go_on.set()
    ending.join(10)
    assert not builder._thread.is_alive()
    assert (len(made), len(freed)) == (0, 1)


def test_what_waits_to_be_freed_is_freed_before_the_end():
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Plain):
        def close(self):
            begun.set()
            go_on.wait(10)

    builder, last = EffectBuilder(Plain), Plain(STRONG)
    builder.retire([Slow(STRONG)])
    assert begun.wait(10)
    builder.retire([last])
    ending = threading.Thread(target=builder.close)
    ending.start()
    go_on.set()
    ending.join(10)
    assert last.closed_in is builder._thread
    assert not builder._thread.is_alive()
