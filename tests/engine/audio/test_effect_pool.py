import threading

import pytest

from common.types import Suppression
from engine.audio.effect_builder import EffectBuilder
from engine.audio.effect_pool import EffectPool

STRONG = Suppression.STRONG


class Plain:
    delay_samples = 0

    def __init__(self, _):
        self.closed = False

    def process(self, voice):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def builder():
    builder = EffectBuilder(Plain)
    yield builder
    builder.close()


@pytest.fixture
def pool(builder):
    """Return a pool of two effects for three talkers, built."""
    pool = EffectPool(STRONG, 2, builder)
    pool.adopt([1, 2, 3], ahead=3)
    builder.settle()
    return pool


def test_what_is_wanted_ahead_is_built_but_no_more_than_there_may_be(pool):
    assert pool._asked == len(pool._fresh) == 2
    assert not pool.pending


def test_nobody_takes_an_effect_from_somebody_who_holds_it(pool):
    first, second = pool.take(1), pool.take(2)
    assert first is not second
    assert pool.take(3) is None
    assert pool.held_by(1) is first
    assert pool.held_by(3) is None


def test_a_talker_gets_his_own_again_and_another_the_longest_unused(pool):
    first, second = pool.take(1), pool.take(2)
    pool.release(1)
    pool.release(2)
    assert pool.take(1) is first
    pool.release(1)
    assert pool.take(3) is second
    assert pool.take(1) is first


def test_what_is_taken_before_it_is_built_is_asked_for(builder):
    pool = EffectPool(STRONG, 2, builder)
    pool.adopt([1], ahead=0)
    assert pool._asked == 0
    assert pool.take(1) is None
    assert pool._asked == 1
    builder.settle()
    assert pool.take(1) is not None


def test_what_nobody_needs_any_more_is_freed(pool, builder):
    kept, freed = pool.take(1), pool.take(2)
    pool.release(2)
    pool.adopt([1], ahead=1)
    builder.settle()
    assert (kept.closed, freed.closed) == (False, True)
    assert pool.take(1) is kept


def test_what_is_held_is_not_freed(pool, builder):
    effect = pool.take(1)
    pool.adopt([], ahead=0)
    builder.settle()
    assert not effect.closed
    pool.release(1)
    pool.adopt([], ahead=0)
    builder.settle()
    assert effect.closed


def test_an_effect_that_failed_takes_its_kind_with_it(pool, builder):
    effect = pool.take(1)
    pool.discard(1, RuntimeError("refused"))
    builder.settle()
    assert effect.closed
    assert pool.failed
    assert pool.take(2) is None
    assert builder.failed == {STRONG: "RuntimeError: refused"}


def test_closing_frees_all(pool, builder):
    held, other = pool.take(1), pool._fresh[0]
    builder.close()
    pool.close()
    assert held.closed
    assert other.closed


@pytest.fixture
def jammed(builder):
    """Have the builder take no more tasks until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Plain):
        def close(self):
            begun.set()
            go_on.wait(10)

    builder.retire([Slow(STRONG)])
    assert begun.wait(10)
    while builder.retire([Plain(STRONG)]):
        pass
    yield go_on
    go_on.set()


def test_what_the_builder_has_no_place_for_is_pending_and_asked_for_again(builder, jammed):
    pool = EffectPool(STRONG, 2, builder)
    pool.adopt([1], ahead=1)
    assert pool.take(1) is None
    assert pool.pending
    jammed.set()
    builder.settle()
    assert pool.take(1) is None
    builder.settle()
    assert pool.take(1) is not None
    assert not pool.pending


def test_what_failed_is_freed_even_if_the_builder_has_no_place_for_it_now(pool, builder, request):
    effect = pool.take(1)
    jammed = request.getfixturevalue("jammed")
    pool.discard(1, RuntimeError("refused"))
    jammed.set()
    builder.settle()
    assert not effect.closed
    pool.adopt([1], ahead=1)
    builder.settle()
    assert effect.closed
