"""Snapshot, then changes with their revisions; meters that cost nothing unasked."""

import asyncio

from common.protocol.event_queue import EventQueue
from common.protocol.messages import Changed, Meters, Snapshot
from common.protocol.meters import EngineMeter
from common.protocol.state import MatchPhase, SessionState
from engine.control.publisher import METERS_HZ, MeterStream, Publisher


class Stage:
    """A state to be published."""

    def __init__(self):
        self.state = SessionState()
        self.publisher = Publisher(lambda: self.state)

    def listener(self):
        queue = EventQueue(self.publisher.snapshot)
        self.publisher.add(queue)
        return queue


async def everything(queue):
    queue.close()
    return [event async for event in queue]


async def test_many_changes_in_one_turn_of_the_loop_are_one():
    stage = Stage()
    queue = stage.listener()
    first = await queue.get()
    for _ in range(10):
        stage.state = SessionState(match=MatchPhase.READY)
        stage.publisher.changed()
    await asyncio.sleep(0)
    stage.state = SessionState(match=MatchPhase.READY, kill=True)
    stage.publisher.changed()
    await asyncio.sleep(0)
    assert first == Snapshot(revision=0, state=SessionState())
    assert await everything(queue) == [Changed(revision=1, match=MatchPhase.READY), Changed(revision=2, kill=True)]


async def test_news_that_changes_nothing_is_no_news():
    stage = Stage()
    queue = stage.listener()
    await queue.get()
    stage.publisher.changed()
    await asyncio.sleep(0)
    assert await everything(queue) == []
    assert stage.publisher.snapshot().revision == 0


async def test_who_comes_later_begins_with_what_is_published():
    stage = Stage()
    stage.state = SessionState(kill=True)
    stage.publisher.flush()
    assert await stage.listener().get() == Snapshot(revision=1, state=SessionState(kill=True))


async def test_who_left_hears_nothing():
    stage = Stage()
    queue = stage.listener()
    await queue.get()
    stage.publisher.remove(queue)
    stage.state = SessionState(kill=True)
    stage.publisher.flush()
    assert await everything(queue) == []


class Metering:
    """Meters that count their readings, in a time that a test lets go by."""

    def __init__(self):
        self.readings = 0
        self.slept = []
        self._go = asyncio.Semaphore(0)
        self.stream = MeterStream(self.read, sleep=self.sleep)

    def read(self):
        self.readings += 1
        if self.readings == 1:
            return None
        return Meters(at_ms=self.readings, talkers=(), sources=(), destinations=(), engine=EngineMeter())

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await self._go.acquire()

    async def pass_time(self):
        self._go.release()
        for _ in range(3):
            await asyncio.sleep(0)


async def test_nothing_is_measured_while_nobody_listens():
    metering = Metering()
    queue = EventQueue(Stage().publisher.snapshot)
    before = asyncio.all_tasks()
    assert not metering.stream.running
    metering.stream.add(queue)
    await asyncio.sleep(0)
    assert metering.stream.running
    metering.stream.remove(queue)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    readings = metering.readings
    await metering.pass_time()
    assert metering.readings == readings == 1


async def test_listeners_share_one_reading_25_times_a_second():
    metering = Metering()
    queues = [EventQueue(Stage().publisher.snapshot) for _ in range(3)]
    for queue in queues:
        await queue.get()
        metering.stream.add(queue)
    await asyncio.sleep(0)
    await metering.pass_time()
    assert metering.readings == 2
    assert metering.slept[0] == 1 / METERS_HZ == 0.04
    assert [[event.at_ms for event in await everything(queue)] for queue in queues] == [[2], [2], [2]]
    await metering.stream.close()


async def test_a_stream_may_be_left_and_joined_again():
    metering = Metering()
    queue = EventQueue(Stage().publisher.snapshot)
    for _ in range(3):
        metering.stream.add(queue)
        await asyncio.sleep(0)
        metering.stream.remove(queue)
    metering.stream.add(queue)
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(metering.stream._tasks) == 1
    await metering.stream.close()
    assert not metering.stream.running


async def test_a_reading_that_fails_is_left_out_and_the_next_one_comes(monkeypatch):
    metering = Metering()
    queue = EventQueue(Stage().publisher.snapshot)
    await queue.get()
    monkeypatch.setattr(metering.stream, "_read", lambda: 1 // 0)
    metering.stream.add(queue)
    await asyncio.sleep(0)
    monkeypatch.setattr(metering.stream, "_read", metering.read)
    metering.readings = 1
    await metering.pass_time()
    assert metering.stream.failures == 1
    assert [event.at_ms for event in await everything(queue)] == [2]
    await metering.stream.close()
