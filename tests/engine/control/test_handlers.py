"""Every command has one handler, and does what it says."""

from typing import get_args

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol import messages as m
from common.protocol.spec import EqualizerSpec, SessionSpec
from common.protocol.state import MatchPhase
from common.secret import Secret
from common.types import Suppression
from engine.control import handlers
from engine.control.handlers import HANDLERS

EMPTY = SessionSpec(guild="1", sources=(), destinations=())
COMMANDS = (
    (m.StopSession(), ErrorCode.NOT_RUNNING),
    (m.SetTalkerGain(user="1", gain=1.0), ErrorCode.NOT_RUNNING),
    (m.MuteTalker(user="1", muted=True), ErrorCode.NOT_RUNNING),
    (m.SetSourceGain(source="1", gain=1.0), ErrorCode.NOT_RUNNING),
    (m.MuteSource(source="1", muted=True), ErrorCode.NOT_RUNNING),
    (m.SetTalkerSuppression(user="1", suppression=Suppression.STRONG), ErrorCode.NOT_RUNNING),
    (m.SetTalkerLevelling(user="1", levelling=True), ErrorCode.NOT_RUNNING),
    (m.SetTalkerHighPass(user="1", high_pass=True), ErrorCode.NOT_RUNNING),
    (m.SetTalkerPriority(user="1", priority=True), ErrorCode.NOT_RUNNING),
    (m.SoloTalker(user="1", solo=True), ErrorCode.NOT_RUNNING),
    (m.DumpTalker(user="1"), ErrorCode.NOT_RUNNING),
    (m.SetSourceEqualizer(source="1", equalizer=EqualizerSpec()), ErrorCode.NOT_RUNNING),
    (m.SetSourcePan(source="1", pan=0.5), ErrorCode.NOT_RUNNING),
    (m.SoloSource(source="1", solo=True), ErrorCode.NOT_RUNNING),
    (m.DumpSource(source="1"), ErrorCode.NOT_RUNNING),
    (m.SetDestinationDelay(destination="2", delay_s=30.0), ErrorCode.NOT_RUNNING),
    (m.SetDestinationDucking(destination="2", duck_db=6.0), ErrorCode.NOT_RUNNING),
    (m.SetDestinationMonitor(destination="2", monitor=True), ErrorCode.NOT_RUNNING),
    (m.SetLoudness(loudness=-23.0), ErrorCode.NOT_RUNNING),
    (m.SetRouteGain(source="1", destination="2", gain=1.0), ErrorCode.NOT_RUNNING),
    (m.Kill(active=True), ErrorCode.NOT_RUNNING),
    (m.RejoinBot(bot="A"), ErrorCode.NOT_RUNNING),
    (m.SoundCheck(destination="2", listener="A"), ErrorCode.NOT_RUNNING),
    (m.SetToken(bot="A", token=Secret("no token at all")), ErrorCode.TOKEN_INVALID),
    (m.StartSession(spec=EMPTY), ErrorCode.SESSION_EMPTY),
    (m.SetMatch(phase=MatchPhase.LIVE), ErrorCode.MATCH_STEP),
)


def test_every_command_has_exactly_one_handler():
    assert set(HANDLERS) == set(get_args(m.Command))
    assert len(set(HANDLERS.values())) == len(HANDLERS)


def test_a_handler_is_in_the_module_only_to_be_in_the_table():
    found = {
        value
        for name, value in vars(handlers).items()
        if callable(value) and getattr(value, "__module__", "") == handlers.__name__ and name[0].islower()
    }
    assert found == set(HANDLERS.values())


@pytest.mark.parametrize(("command", "code"), COMMANDS)
async def test_without_a_session_a_command_says_why_it_can_not(served, command, code):
    client = await served.client()
    with pytest.raises(RelayError) as refused:
        await client.call(command)
    assert refused.value.code is code


async def test_the_match_goes_on_and_everybody_sees_it(served):
    one, other = await served.client(), await served.client()
    await one.call(m.SetMatch(phase=MatchPhase.READY))
    assert one.state.match is MatchPhase.READY  # the change comes before the answer
    snapshot = await other.call(m.GetSnapshot())
    assert snapshot.state == one.state
    assert snapshot.revision == 1


async def test_ping_and_shutdown_are_answered(served):
    client = await served.client()
    pong = await client.call(m.Ping())
    assert pong.uptime_ms >= 0
    assert await client.call(m.Shutdown()) is None
    assert served.engine.ending.is_set()


async def test_meters_run_only_while_somebody_listens(served):
    one, other = await served.client(), await served.client()
    assert not served.engine.meters.running
    for client in (one, other):
        await client.call(m.SubscribeMeters(active=True))
    assert served.engine.meters.running
    with one.events() as events:
        while not isinstance(await anext(events), m.Meters):
            pass
    await one.call(m.SubscribeMeters(active=False))
    assert served.engine.meters.running
    await other.call(m.SubscribeMeters(active=False))
    assert not served.engine.meters.running
    assert len(served.engine.meters._tasks) <= 1


async def test_a_subscriber_that_goes_takes_its_meters_along(served):
    client, watcher = await served.client(), await served.client()
    await client.call(m.SubscribeMeters(active=True))
    await client.close()
    while served.engine.meters.running:  # a handful of turns: the server hears of the close
        await watcher.call(m.Ping())


async def test_a_token_is_kept_for_the_next_session_and_is_one_bot_s_only(served):
    client = await served.client()
    await client.call(m.SetToken(bot="A", token=Secret("one")))
    await client.call(m.SetToken(bot="B", token=Secret("two")))
    await client.call(m.SetToken(bot="A", token=Secret("three")))
    assert served.desk.tokens == {"A": Secret("three"), "B": Secret("two")}
    with pytest.raises(RelayError) as refused:
        await client.call(m.SetToken(bot="A", token=Secret(" two\n")))
    assert refused.value.code is ErrorCode.TOKEN_DUPLICATE
    assert served.desk.tokens["A"] == Secret("three")
