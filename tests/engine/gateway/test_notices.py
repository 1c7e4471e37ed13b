import asyncio

import pytest

from common.errors import DiscordError, ErrorCode
from engine.gateway.notices import RELAYED, Notices

RED, BLUE = 10, 20


class WritingBot:
    """A bot that writes down what it was asked to show; in channels of ``closed`` it may not."""

    def __init__(self, key="red", closed=()):
        self.key, self.closed = key, closed
        self.written = []
        self.news = asyncio.Event()

    async def show_status(self, channel, text):
        self.written.append((channel, text))
        self.news.set()
        if channel in self.closed:
            raise DiscordError(ErrorCode.PERMISSION_MISSING, bot=self.key)


async def settled(notices):
    while notices._tasks._running:
        await asyncio.wait(set(notices._tasks._running))


async def test_it_is_shown_once_as_long_as_the_bot_stays():
    notices, bot = Notices(), WritingBot()
    for _ in range(3):
        notices.stands_in(bot, RED)
        await settled(notices)
    assert bot.written == [(RED, RELAYED)]
    await notices.clear()
    assert bot.written[1:] == [(RED, None)]


async def test_it_goes_where_the_bot_goes_and_is_taken_back_where_it_was():
    notices, bot = Notices(), WritingBot()
    for channel in (RED, BLUE):
        notices.stands_in(bot, channel)
        await settled(notices)
    assert bot.written == [(RED, RELAYED), (RED, None), (BLUE, RELAYED)]


async def test_it_is_shown_anew_after_an_absence():
    notices, bot = Notices(), WritingBot()
    for channel in (RED, None, RED):
        notices.stands_in(bot, channel)
        await settled(notices)
    assert bot.written == [(RED, RELAYED)] * 2


async def test_what_may_not_be_shown_is_reported_once_and_not_taken_back():
    notices, bot = Notices(), WritingBot(closed=(RED,))
    for _ in range(3):
        notices.stands_in(bot, RED)
        await settled(notices)
    assert bot.written == [(RED, RELAYED)]
    assert notices.failed[bot.key].code is ErrorCode.PERMISSION_MISSING
    await notices.clear()
    assert len(bot.written) == 1


async def test_that_the_old_place_may_not_be_written_hinders_nothing():
    notices, bot = Notices(), WritingBot()
    notices.stands_in(bot, RED)
    await settled(notices)
    bot.closed = (RED,)
    notices.stands_in(bot, BLUE)
    await settled(notices)
    assert bot.written[-1] == (BLUE, RELAYED)
    assert notices.failed == {}


@pytest.mark.parametrize("fails", [False, True])
async def test_shown_half_way_it_counts_as_shown(fails):
    notices, bot = Notices(), WritingBot()
    begun = asyncio.Event()

    async def hang(channel, text):
        bot.written.append((channel, text))
        begun.set()
        if text is not None:
            await asyncio.Event().wait()
        if fails:
            raise DiscordError(ErrorCode.PERMISSION_MISSING, bot=bot.key)

    bot.show_status = hang
    notices.stands_in(bot, RED)
    await begun.wait()
    await notices.clear()
    assert bot.written == [(RED, RELAYED), (RED, None)]
