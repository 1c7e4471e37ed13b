import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import SetMatch, StopSession
from common.protocol.state import MatchPhase, Phase, Role
from tray.panel import messages as m


async def runs(office):
    await office.until(lambda _desk: office.desk.state is not None and office.desk.state.phase is Phase.RUNNING)


async def test_what_was_set_up_is_started_and_goes_into_the_history(office):
    with pytest.raises(RelayError) as caught:
        await office.do(m.Start())
    assert caught.value.code is ErrorCode.GUILD_UNKNOWN
    await office.set_up()
    await office.do(m.Start())
    await runs(office)
    await office.desk.client().call(StopSession())
    await office.until(lambda _desk: office.desk.state.phase is Phase.IDLE)
    (session,) = (await office.do(m.GetHistory())).sessions
    assert (session.sources, session.destinations) == (("Team Red", "Team Blue"), ("Casters",))
    assert session.ended_ms is not None


async def test_a_rehearsal_needs_nothing_and_leaves_nothing(office):
    await office.do(m.StartRehearsal())
    await runs(office)
    desk = office.desk.desk()
    assert desk.rehearsing
    assert {bot.standing for bot in desk.bots} == {m.TokenStanding.GOOD}
    assert desk.setup.guild is not None
    await office.do(m.StopRehearsal())
    desk = office.desk.desk()
    assert (desk.rehearsing, desk.bots, desk.setup.guild) == (False, (), None)
    assert (await office.do(m.GetHistory())).sessions == ()


async def test_nobody_rehearses_on_air(office):
    await office.set_up()
    await office.do(m.Start())
    await runs(office)
    with pytest.raises(RelayError) as caught:
        await office.do(m.StartRehearsal())
    assert caught.value.code is ErrorCode.ALREADY_RUNNING


async def test_a_live_match_is_left_only_by_somebody_who_is_sure(office):
    quits = []
    office.desk.on_quit = lambda: quits.append(True)
    await office.set_up()
    await office.do(m.Start())
    for phase in (MatchPhase.READY, MatchPhase.LIVE):
        await office.desk.client().call(SetMatch(phase=phase))
    await office.until(lambda _desk: office.desk.state.match is MatchPhase.LIVE)
    with pytest.raises(RelayError) as caught:
        await office.do(m.QuitProgram())
    assert (caught.value.code, quits) == (ErrorCode.MATCH_LIVE, [])
    await office.do(m.QuitProgram(sure=True))
    assert quits == [True]


async def test_a_rehearsal_s_bots_are_not_taken_for_one_s_own(office):
    await office.do(m.StartRehearsal())
    token = office.tokens["relay-red"]
    for command in (
        m.CheckToken(token=token),
        m.SaveBot(bot="red", role=Role.SOURCE, token=token),
        m.RemoveBot(bot="red"),
        m.SaveSetup(setup=m.Setup()),
        m.SavePreset(name="mine"),
    ):
        with pytest.raises(RelayError) as caught:
            await office.do(command)
        assert caught.value.code in {ErrorCode.REHEARSAL_ON, ErrorCode.ALREADY_RUNNING}
    found = await office.do(m.CheckPlaces())
    assert len(found.places) == 3
    assert office.desk.hindered is None
