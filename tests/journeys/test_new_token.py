"""A bot's token is reset while everybody is on air: it stops, gets a new one and comes back; the others never stop."""

import asyncio

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.state import LinkState, Phase
from common.secret import Secret

NEW = Secret("invented-token-new")


@pytest.fixture
def logins(monkeypatch):
    """Return the list of every IDENTIFY that is sent from now on, by token."""
    sent = []
    monkeypatch.setattr("engine.gateway.budget.IdentifyBudget.spend", lambda _self, token: sent.append(token))
    return sent


async def lose(show, bot):
    """Reset a bot's token and wait until it has stopped for that."""
    show.faults.revoke_token(show.user(bot))
    await show.until(lambda: show.state(bot).link is LinkState.STOPPED)
    assert show.state(bot).cause is ErrorCode.TOKEN_REVOKED
    assert show.session.state().phase is Phase.DEGRADED


async def refused(awaitable):
    with pytest.raises(RelayError) as caught:
        await awaitable
    return caught.value.code


def others(bot):
    return [other for other in ("red", "blue", "casters") if other != bot]


@pytest.mark.parametrize("bot", ["red", "casters"])
async def test_with_a_new_token_a_bot_is_back_and_the_others_were_never_gone(on_air, logins, bot):
    async with on_air() as show:
        connections = {other: show.session._running.seats[other].line._connection for other in others(bot)}
        since = show.mark()
        logins.clear()
        await lose(show, bot)
        assert logins == []
        show.discord.world.accounts[show.user(bot)].token = NEW.reveal()
        await show.session.renew(bot, NEW)
        await show.until(lambda: show.state(bot).link is LinkState.CONNECTED)
        await show.until_heard()
        assert logins == [NEW]
        assert show.session.state().phase is Phase.RUNNING
        assert [show.outages(other, since) for other in others(bot)] == [[], []]
        assert connections == {other: show.session._running.seats[other].line._connection for other in others(bot)}
        assert [found.recovered for found in show.outages(bot, since)] == [True]
        show.check_nothing_doubled()


async def test_the_token_may_be_another_account_s(on_air):
    async with on_air() as show:
        world = show.discord.world
        successor = world.add_account("successor", bot=True, token=NEW.reveal())
        world.add_member(show.cast.guild.id, successor.id)
        await lose(show, "red")
        world.leave(show.cast.guild.id, show.user("red"))
        await show.session.renew("red", NEW)
        await show.until(lambda: show.state("red").link is LinkState.CONNECTED)
        await show.until_heard()
        assert show.state("red").user == str(successor.id)
        assert world.voice_state(show.cast.guild.id, successor.id).channel_id == show.home("red")
        assert str(successor.id) not in {talker.user for talker in show.session.state().talkers}


async def test_what_does_not_fit_is_refused_and_changes_nothing(on_air):
    async with on_air() as show:
        world, guild = show.discord.world, show.cast.guild.id
        blue = Secret("invented-token-blue")
        assert await refused(show.session.renew("red", blue)) is ErrorCode.TOKEN_DUPLICATE
        await lose(show, "red")
        assert await refused(show.session.renew("red", blue)) is ErrorCode.TOKEN_DUPLICATE
        assert await refused(show.session.renew("red", Secret("invented-token-nobody"))) is ErrorCode.TOKEN_INVALID
        world.add_account("stranger", bot=True, token=NEW.reveal())
        assert await refused(show.session.renew("red", NEW)) is ErrorCode.GUILD_UNKNOWN
        assert (show.state("red").link, show.state("red").cause) == (LinkState.STOPPED, ErrorCode.TOKEN_REVOKED)
        with pytest.raises(RelayError) as caught:
            show.session.rejoin("red")
        assert caught.value.code is ErrorCode.TOKEN_REVOKED
        assert [show.state(bot).link for bot in ("blue", "casters")] == [LinkState.CONNECTED] * 2
        world.leave(guild, show.user("red"))


async def test_the_token_of_a_bot_that_works_is_for_later(on_air, logins):
    async with on_air() as show:
        since = show.mark()
        logins.clear()
        await show.session.renew("red", NEW)
        assert logins == []
        assert show.state("red").link is LinkState.CONNECTED
        assert show.outages("red", since) == []


async def test_the_end_of_the_session_is_the_end_of_a_login(on_air):
    async with on_air() as show, asyncio.TaskGroup() as group:
        await lose(show, "red")
        show.discord.world.accounts[show.user("red")].token = NEW.reveal()
        coming = group.create_task(refused(show.session.renew("red", NEW)))
        await asyncio.sleep(0)
        await show.session.stop()
        assert await coming is ErrorCode.NOT_RUNNING
        show.discord.world.leave(show.cast.guild.id, show.user("red"))


async def test_two_who_enter_a_token_at_once_make_one_bot(on_air):
    async with on_air() as show:
        await lose(show, "red")
        show.discord.world.accounts[show.user("red")].token = NEW.reveal()
        await asyncio.gather(show.session.renew("red", NEW), show.session.renew("red", NEW))
        await show.until(lambda: show.state("red").link is LinkState.CONNECTED)
        await show.until_heard()
        show.check_nothing_doubled()
