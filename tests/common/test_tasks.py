"""Tasks have a name, an owner and an end."""

import asyncio
import logging

from common.tasks import Tasks


async def test_a_failure_is_logged_with_the_task_and_handed_on(caplog):
    failures = []
    tasks = Tasks(on_error=lambda name, error: failures.append((name, str(error))))

    async def fail():
        raise ValueError("no")

    with caplog.at_level(logging.ERROR):
        await asyncio.wait([tasks.start(fail(), name="doomed")])
        await asyncio.sleep(0)
    assert failures == [("doomed", "no")]
    assert "doomed" in caplog.text
    assert len(tasks) == 0


async def test_close_ends_all_and_waits_for_their_goodbyes():
    tasks, said = Tasks(), []

    async def linger():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("bye")

    for number in range(3):
        tasks.start(linger(), name=f"linger-{number}")
    await asyncio.sleep(0)
    await tasks.close()
    assert said == ["bye"] * 3
    assert len(tasks) == 0


async def test_a_task_may_close_its_own_owner():
    tasks = Tasks()
    async with asyncio.timeout(1):
        await tasks.start(tasks.close(), name="closer")
