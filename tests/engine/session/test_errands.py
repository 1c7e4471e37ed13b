import asyncio

import pytest

from common.errors import ErrorCode, SessionError
from common.tasks import Tasks
from engine.session.errands import Errands

ENDED = SessionError(ErrorCode.NOT_RUNNING)


async def test_who_waits_is_told_the_reason_and_may_clean_up():
    errands, cleaned, tasks = Errands(), asyncio.Event(), Tasks()

    async def work():
        async with errands.errand():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.set()

    async def waits():
        with pytest.raises(SessionError) as caught:
            await work()
        return caught.value, asyncio.current_task().cancelling()

    waiting = tasks.start(waits(), name="errand")
    await asyncio.sleep(0)
    await errands.close(ENDED)
    assert cleaned.is_set()
    assert await waiting == (ENDED, 0)
    with pytest.raises(SessionError):
        await work()


async def test_a_cancel_from_elsewhere_stays_one():
    errands, tasks = Errands(), Tasks()

    async def work():
        async with errands.errand():
            await asyncio.Event().wait()

    waiting = tasks.start(work(), name="errand")
    await asyncio.sleep(0)
    await tasks.close()
    assert waiting.cancelled()
    await errands.close(ENDED)


async def test_an_end_at_the_very_last_moment_is_one_too():
    errands = Errands()
    with pytest.raises(SessionError) as caught:
        async with errands.errand():
            errands.end(ENDED)
    assert caught.value is ENDED
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_without_an_end_nothing_happens():
    errands = Errands()
    async with errands.errand():
        pass
    errands.end(ENDED)
    async with errands.errand():
        await asyncio.sleep(0)
