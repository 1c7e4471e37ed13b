import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import StopSession
from common.protocol.state import Phase, Role
from common.secret import Secret
from tray.panel import messages as m

RED = "relay-red"


def bots(office):
    return {bot.bot: bot for bot in office.desk.desk().bots}


async def test_a_good_token_is_kept_and_says_whose_it_is(office):
    await office.unlock()
    found = await office.do(m.CheckToken(token=office.tokens[RED]))
    assert (found.name, found.same_as) == (office.discord.cast.bots[RED].name, "")
    await office.do(m.SaveBot(bot="red", role=Role.SOURCE, token=Secret(f"  Bot {office.tokens[RED].reveal()}\n")))
    kept = bots(office)["red"]
    assert (kept.standing, kept.user, kept.role) == (m.TokenStanding.GOOD, found.user, Role.SOURCE)
    assert f"client_id={found.application}" in kept.invite
    assert await office.desk.secrets.get("red") == office.tokens[RED]


async def test_one_account_is_one_bot(office):
    await office.unlock()
    await office.do(m.SaveBot(bot="red", role=Role.SOURCE, token=office.tokens[RED]))
    assert (await office.do(m.CheckToken(token=office.tokens[RED]))).same_as == "red"
    with pytest.raises(RelayError) as caught:
        await office.do(m.SaveBot(bot="blue", role=Role.SOURCE, token=office.tokens[RED]))
    assert caught.value.code is ErrorCode.TOKEN_DUPLICATE
    assert list(bots(office)) == ["red"]


async def test_a_token_that_nobody_keeps_is_no_bot(office):
    with pytest.raises(RelayError) as caught:
        await office.do(m.SaveBot(bot="red", role=Role.SOURCE, token=office.tokens[RED]))
    assert caught.value.code is ErrorCode.KEYCHAIN_MISSING
    assert bots(office) == {}


async def test_a_bot_goes_with_its_token_and_its_places(office):
    setup = await office.set_up()
    await office.do(m.RemoveBot(bot=RED))
    assert RED not in bots(office)
    assert await office.desk.secrets.get(RED) is None
    left = office.desk.desk().setup
    assert [place.bot for place in left.sources] == ["relay-blue"]
    assert left.destinations == setup.destinations


async def test_nothing_is_taken_from_a_session_that_runs(office):
    await office.set_up()
    await office.do(m.Start())
    with pytest.raises(RelayError) as caught:
        await office.do(m.RemoveBot(bot=RED))
    assert caught.value.code is ErrorCode.ALREADY_RUNNING
    await office.desk.client().call(StopSession())
    await office.until(lambda _desk: office.desk.state.phase is Phase.IDLE)
    await office.do(m.RemoveBot(bot=RED))


async def test_a_bot_gets_its_name(office):
    await office.set_up()
    await office.do(m.DressBot(bot=RED, name="Relay Red 赤"))
    assert bots(office)[RED].name == office.discord.cast.bots[RED].name == "Relay Red 赤"
    with pytest.raises(RelayError) as caught:
        await office.do(m.DressBot(bot="nobody", name="Relay"))
    assert caught.value.code is ErrorCode.TOKEN_MISSING
