from urllib.parse import parse_qs, urlsplit

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.spec import DestinationSpec, SourceSpec
from common.protocol.state import Role
from common.secret import Secret
from tray.panel import messages as m
from tray.wizard.invites import permissions


async def test_the_servers_of_all_bots_come_first(office):
    await office.unlock()
    await office.save_bots()
    (guild,) = (await office.do(m.FindGuilds())).guilds
    assert (guild.guild, guild.absent) == (str(office.discord.cast.guild.id), ())


async def test_without_bots_there_are_no_servers(office):
    assert (await office.do(m.FindGuilds())).guilds == ()
    with pytest.raises(RelayError) as caught:
        await office.do(m.FindChannels(guild="1"))
    assert caught.value.code is ErrorCode.GUILD_UNKNOWN


async def test_channels_are_proposed_and_checked(office):
    setup = await office.set_up()
    assert [(place.name, place.bot) for place in setup.sources] == [
        ("Team Red", "relay-red"),
        ("Team Blue", "relay-blue"),
    ]
    assert [(place.name, place.bot) for place in setup.destinations] == [("Casters", "relay-casters")]
    assert office.desk.desk().setup == setup
    checks = (await office.do(m.CheckPlaces())).places
    assert [check.channel for check in checks] == [place.channel for place in (*setup.sources, *setup.destinations)]
    assert {fault.code for check in checks for fault in check.faults} <= {ErrorCode.CHANNEL_LIMITED}


async def test_a_channel_with_a_limit_is_told_and_its_bot_s_invite_asks_for_what_it_needs(office):
    red, blue = (office.discord.cast.channels[name] for name in ("Team Red", "Team Blue"))
    red.user_limit = blue.user_limit = 0
    await office.set_up()
    before = {bot.bot: bot.invite for bot in office.desk.desk().bots}
    red.user_limit = 5
    checks = (await office.do(m.CheckPlaces())).places
    assert [(check.name, check.works, [fault.code for fault in check.faults]) for check in checks] == [
        ("Team Red", True, [ErrorCode.CHANNEL_LIMITED]),
        ("Team Blue", True, []),
        ("Casters", True, []),
    ]
    assert "check" not in office.desk.desk().wizard.done
    after = {bot.bot: bot.invite for bot in office.desk.desk().bots}
    changed = {bot: parse_qs(urlsplit(after[bot]).query)["permissions"] for bot in after if after[bot] != before[bot]}
    assert changed == {"relay-red": [str(int(permissions(Role.SOURCE, limited=True)))]}


async def test_a_channel_is_used_once(office):
    twice = m.Setup(
        guild="1", sources=(SourceSpec(channel="2", bot="a"),), destinations=(DestinationSpec(channel="2", bot="b"),)
    )
    with pytest.raises(RelayError) as caught:
        await office.do(m.SaveSetup(setup=twice))
    assert (caught.value.code, caught.value.details["channel"]) == (ErrorCode.CHANNEL_DUPLICATE, "2")
    assert office.desk.desk().setup.guild is None


async def test_nothing_set_up_is_nothing_to_check(office):
    assert (await office.do(m.CheckPlaces())).places == ()


async def test_a_token_that_discord_refuses_is_asked_for_and_its_bot_not_called_absent(office):
    await office.set_up()
    office.desk.tokens["relay-red"] = Secret("no.longer.valid")
    (guild,) = (await office.do(m.FindGuilds())).guilds
    assert guild.absent == ()
    standings = {bot.bot: bot.standing for bot in office.desk.desk().bots}
    assert standings["relay-red"] is m.TokenStanding.INVALID
    assert standings["relay-blue"] is m.TokenStanding.GOOD
