"""People come, go and move, faster than real time: nothing is kept of who is absent, and everybody's audio goes on."""

import asyncio

from benchmarks.churn import SOURCES, churn

TICKS = 6_000
CHANGES = 120


async def test_nothing_is_kept_of_who_is_absent():
    async with churn(seed=3) as show:
        for _ in range(CHANGES):
            await show.play(TICKS // CHANGES)
        await show.settle()
        names = {name for name, _ in show.kept()}
        assert {"roster", "jitter buffers", "decoders", "red: SSRCs", "red: DAVE group", "room", "calls"} <= names
        assert show.kept_of_absent() == {}
        assert show.talkers_differ() == set()
        assert show.changes == CHANGES
        assert show.received == show.forwarded
        assert show.heard > TICKS / 4
        await _all_leave(show)


async def _all_leave(show):
    bots = {bot.id for bot in show.discord.cast.bots.values()}
    caster = show.discord.cast.people["caster"].id
    show.empty()
    await show.settle()
    left = {name: users - bots - {caster} for name, users in show.kept() if users - bots - {caster}}
    assert left == {}
    assert show.session.state().talkers == ()
    for bot in SOURCES:
        connection = show.running.seat(bot).line._connection
        assert connection.ssrc_count == 0
        assert not connection._ssrcs._waiting
        assert len(connection.dave._pending) <= 1
    assert not {task for task in asyncio.all_tasks() if task.get_name() == "voice-speaking"}
