import sys

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.state import Role
from tray.rehearsal import Rehearsal


async def test_a_rehearsal_brings_a_session_that_can_be_started():
    rehearsal = await Rehearsal.start()
    stage = rehearsal.stage
    assert [(place.name, place.bot) for place in stage.setup.sources] == [
        ("Team Red", "relay-red"),
        ("Team Blue", "relay-blue"),
    ]
    assert [(place.name, place.bot) for place in stage.setup.destinations] == [("Casters", "relay-casters")]
    assert {bot.bot: bot.role for bot in stage.bots}["relay-casters"] is Role.DESTINATION
    assert stage.tokens.keys() == {bot.bot for bot in stage.bots}
    assert not rehearsal.over
    await rehearsal.end()
    assert rehearsal.over


@pytest.mark.parametrize(
    "command",
    [
        ("/nowhere/at/all",),
        (sys.executable, "-c", "pass"),
        (sys.executable, "-c", "print('no JSON')"),
        (sys.executable, "-c", "print('{}')"),
    ],
)
async def test_a_simulator_that_does_not_start_is_said(command):
    with pytest.raises(RelayError) as caught:
        await Rehearsal.start(command)
    assert caught.value.code is ErrorCode.REHEARSAL_FAILED
