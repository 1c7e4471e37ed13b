"""What a slow reader misses, and what not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.protocol import changes
from common.protocol.event_queue import EventQueue
from common.protocol.messages import Changed, Meters, Reply, Snapshot
from common.protocol.meters import EngineMeter
from common.protocol.state import Phase, SessionState


class Source:
    """A state that changes, as a publisher would tell it."""

    def __init__(self):
        self.latest = Snapshot(revision=0, state=SessionState())

    def change(self):
        phases = list(Phase)
        revision = self.latest.revision + 1
        change = Changed(revision=revision, phase=phases[revision % len(phases)])
        self.latest = Snapshot(revision=revision, state=changes.applied(self.latest.state, change))
        return change


def meters(at_ms):
    return Meters(at_ms=at_ms, talkers=(), sources=(), destinations=(), engine=EngineMeter())


async def everything(queue):
    queue.close()
    return [message async for message in queue]


async def test_it_begins_with_a_snapshot_then_changes():
    source = Source()
    queue = EventQueue(lambda: source.latest)
    first = await queue.get()
    change = source.change()
    queue.put(change)
    assert first == Snapshot(revision=0, state=SessionState())
    assert await everything(queue) == [change]


async def test_changes_before_the_first_read_are_in_the_snapshot():
    source = Source()
    queue = EventQueue(lambda: source.latest)
    queue.put(source.change())
    assert await everything(queue) == [source.latest]
    assert queue.dropped_changes == 0


async def test_only_the_newest_meters_wait():
    queue = EventQueue(Source().change)
    await queue.get()
    for at_ms in range(5):
        queue.put(meters(at_ms))
    assert await everything(queue) == [meters(4)]
    assert queue.dropped_meters == 4


async def test_too_many_changes_become_one_snapshot_and_answers_stay():
    source = Source()
    queue = EventQueue(lambda: source.latest, capacity=3)
    await queue.get()
    queue.put_answer(Reply(id=1))
    for _ in range(4):
        queue.put(source.change())
    queue.put_answer(Reply(id=2))
    assert await everything(queue) == [source.latest, Reply(id=1), Reply(id=2)]
    assert queue.dropped_changes == 4


async def test_a_reader_that_waits_is_woken():
    source = Source()
    queue = EventQueue(lambda: source.latest)
    await queue.get()
    asyncio.get_running_loop().call_soon(lambda: queue.put(source.change()))
    async with asyncio.timeout(1):
        assert isinstance(await queue.get(), Changed)
    asyncio.get_running_loop().call_soon(queue.close)
    async with asyncio.timeout(1):
        assert await queue.get() is None


@given(st.lists(st.sampled_from(["change", "read", "meters"]), max_size=60), st.integers(1, 5))
def test_a_reader_ends_with_the_true_state_however_slow(steps, capacity):
    async def play():
        source = Source()
        queue = EventQueue(lambda: source.latest, capacity)
        seen = SessionState()
        revision = -1

        def take(message):
            nonlocal seen, revision
            if isinstance(message, Snapshot):
                seen, revision = message.state, message.revision
            elif isinstance(message, Changed):
                assert message.revision == revision + 1
                seen, revision = changes.applied(seen, message), message.revision

        take(await queue.get())
        waiting = 0
        for step in steps:
            if step == "change":
                queue.put(source.change())
                waiting += 1
            elif step == "meters":
                queue.put(meters(1))
            elif waiting:
                take(await queue.get())
                waiting -= 1
                waiting = min(waiting, len(queue._waiting) + queue._resync)
        for message in await everything(queue):
            take(message)
        assert (seen, revision) == (source.latest.state, source.latest.revision)

    asyncio.run(play())


async def test_nothing_is_taken_after_the_end():
    source = Source()
    queue = EventQueue(lambda: source.latest)
    await queue.get()
    queue.close()
    queue.put(source.change())
    queue.put_answer(Reply(id=1))
    with pytest.raises(StopAsyncIteration):
        await anext(queue)


async def test_where_there_is_no_state_yet_the_rest_goes_through_and_the_snapshot_comes_when_there_is():
    source, there = Source(), []
    queue = EventQueue(lambda: source.latest if there else None)
    queue.put_answer(Reply(id=1))
    queue.put(source.change())
    assert await queue.get() == Reply(id=1)
    there.append(True)
    queue.put(source.latest)
    assert await queue.get() == source.latest
    change = source.change()
    queue.put(change)
    assert await everything(queue) == [change]
