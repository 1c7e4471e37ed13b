"""What the tests of the tray's face share: a desk, and sessions in every state."""

from hypothesis import strategies as st

from common.errors import ErrorCode
from common.protocol.spec import DestinationSpec, SessionSpec, SourceSpec
from common.protocol.state import BotState, LinkState, MatchPhase, Phase, Role, SessionState
from tray.panel.messages import Desk, Preferences, SecretsInfo, SecretsKind, Setup, WizardInfo
from tray.restart_policy import EngineLink

SOURCES = (SourceSpec(channel="11", bot="a", name="Team A"), SourceSpec(channel="12", bot="b", name="", muted=True))
DESTINATIONS = (DestinationSpec(channel="21", bot="c", name="Casters"),)
SPEC = SessionSpec(guild="1", sources=SOURCES, destinations=DESTINATIONS)
SETUP = Setup(guild="1", sources=SOURCES, destinations=DESTINATIONS)


def bot(link=LinkState.CONNECTED, cause=None):
    return BotState(bot="a", user="5", name="A", role=Role.SOURCE, channel="11", link=link, cause=cause)


def session(phase=Phase.RUNNING, match=MatchPhase.IDLE, kill=False, bots=None):
    bots = (bot(),) if bots is None else bots
    spec = None if phase is Phase.IDLE else SPEC
    return SessionState(phase=phase, match=match, kill=kill, spec=spec, bots=bots)


def desk(engine=EngineLink.READY, rehearsing=False, setup=SETUP, presets=("Finals",), **preferences):
    return Desk(
        version="1.2.3",
        engine=engine,
        engine_fault=None,
        restarts=0,
        rehearsing=rehearsing,
        shown="en",
        preferences=Preferences(**preferences),
        secrets=SecretsInfo(kind=SecretsKind.KEYCHAIN),
        bots=(),
        setup=setup,
        presets=presets,
        wizard=WizardInfo(step="welcome"),
    )


bots = st.builds(bot, st.sampled_from(LinkState), st.sampled_from([None, ErrorCode.KICKED]))
sessions = st.builds(
    session,
    st.sampled_from(Phase),
    st.sampled_from(MatchPhase),
    st.booleans(),
    st.lists(bots, max_size=2).map(tuple),
)
desks = st.builds(
    desk,
    st.sampled_from(EngineLink),
    st.booleans(),
    st.sampled_from([SETUP, Setup()]),
    st.lists(st.text(min_size=1, max_size=60), max_size=25, unique=True).map(tuple),
    start_at_login=st.booleans(),
)
