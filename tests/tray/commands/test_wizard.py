import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.state import Role
from tray.panel import messages as m


def wizard(office):
    return office.desk.desk().wizard


async def test_the_world_moves_the_set_up_on_by_itself(office):
    await office.do(m.WizardDone(step="welcome"))
    assert wizard(office).step == "vault"
    await office.unlock()
    assert wizard(office).step == "bots"
    await office.save_bots()
    assert wizard(office).step == "invite"
    (guild,) = (await office.do(m.FindGuilds())).guilds
    await office.do(m.SaveSetup(setup=m.Setup(guild=guild.guild, guild_name=guild.name)))
    await office.do(m.FindGuilds())
    assert wizard(office).step == "channels"


async def test_going_back_loses_nothing(office):
    await office.set_up()
    await office.do(m.WizardGo(step="bots"))
    assert wizard(office).step == "bots"
    assert "bots" in wizard(office).done
    assert len(office.desk.desk().setup.sources) == 2


async def test_a_step_that_builds_upon_nothing_can_t_be_opened(office):
    for command in (m.WizardGo(step="sound"), m.WizardDone(step="channels"), m.WizardGo(step="no step")):
        with pytest.raises(RelayError) as caught:
            await office.do(command)
        assert caught.value.code is ErrorCode.WIZARD_STEP


async def test_a_token_that_discord_revokes_opens_its_step_again(office):
    await office.set_up()
    office.desk.standings["relay-red"] = m.TokenStanding.INVALID
    office.desk.changed()
    assert "bots" not in wizard(office).done
    await office.do(m.SaveBot(bot="relay-red", role=Role.SOURCE, token=office.tokens["relay-red"]))
    assert "bots" in wizard(office).done
