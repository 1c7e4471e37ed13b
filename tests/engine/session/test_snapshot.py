"""What is shown of people and places besides what the spec says."""

from common.errors import ErrorCode
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec, StripSpec
from common.protocol.state import (
    BotState,
    DestinationState,
    LinkState,
    Phase,
    Role,
    SourceState,
    TalkerState,
)
from common.types import ChannelId, UserId
from engine.audio.settings import SourceStrip
from engine.session.desk import desk_from_spec
from engine.session.roster import StripMemory, Talker
from engine.session.snapshot import destination_states, phase_of, source_states, talker_states

RED = ChannelId(10)
DESK = desk_from_spec(
    SessionSpec(
        guild="1",
        sources=(SourceSpec("10", "a"), SourceSpec("20", "b")),
        destinations=(DestinationSpec("30", "c", monitor=True), DestinationSpec("40", "d", delay_s=30.0)),
    )
)


def bot(link=LinkState.CONNECTED, cause=None):
    return BotState(bot="a", user="1", name="", role=Role.SOURCE, channel="10", link=link, cause=cause)


def test_a_talker_is_shown_with_the_strip_in_force_and_the_solo():
    memory = StripMemory()
    memory.put(UserId(7), StripSpec(gain=0.5))
    people = [Talker(UserId(7), "Ann", RED), Talker(UserId(8), "music", RED, bot=True)]
    assert talker_states(people, memory, DESK.with_solo(UserId(7), solo=True)) == (
        TalkerState(user="7", name="Ann", source="10", strip=StripSpec(gain=0.5), solo=True),
        TalkerState(user="8", name="music", source="10", strip=StripSpec(), bot=True),
    )


def test_every_place_is_shown_and_a_delay_says_until_when_it_is_silent():
    assert source_states(DESK.with_source(SourceStrip(RED, solo=True))) == (
        SourceState(source="10", solo=True),
        SourceState(source="20", solo=False),
    )
    assert destination_states(DESK, {30.0: 1234}) == (
        DestinationState(destination="30", silent_until_ms=None),
        DestinationState(destination="40", silent_until_ms=1234),
    )


def test_a_session_runs_degraded_while_a_bot_does_not_do_its_work():
    assert phase_of(Phase.RUNNING, [bot()]) is Phase.RUNNING
    assert phase_of(Phase.RUNNING, [bot(), bot(LinkState.RECOVERING)]) is Phase.DEGRADED
    assert phase_of(Phase.RUNNING, [bot(cause=ErrorCode.SERVER_MUTED)]) is Phase.DEGRADED
    assert phase_of(Phase.STARTING, [bot(LinkState.CONNECTING)]) is Phase.STARTING
