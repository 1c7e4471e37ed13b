"""What the desk makes known; what its commands do is in tests/tray/commands."""

import pytest

from common.config.schema import BotEntry, Config, Language
from common.errors import ErrorCode, RelayError
from common.protocol.state import BotState, LinkState, Phase, Role, SessionState
from common.secret import Secret
from tests.tray.desks import make_desk
from tray.panel.messages import SecretsKind, TokenStanding


@pytest.fixture
async def desk(tmp_path, monkeypatch):
    """A desk whose engine was not started."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    config = Config(language=Language.JA, bots=(BotEntry(bot="red", role=Role.SOURCE),))
    made = make_desk(tmp_path, config=config)
    yield made
    await made.close()


async def test_it_tells_what_was_set_and_what_is_lacking(desk):
    await desk._open_secrets()
    told = desk.desk()
    assert told.shown == "ja"
    assert (told.secrets.kind, told.secrets.fault.code) == (SecretsKind.NONE, ErrorCode.KEYCHAIN_MISSING)
    assert [(bot.bot, bot.standing) for bot in told.bots] == [("red", TokenStanding.UNCHECKED)]
    assert "vault" not in told.wizard.done


async def test_listeners_hear_of_changes_until_they_leave(desk):
    heard = []
    leave = desk.listen(lambda: heard.append(1))
    desk.change(Config(language=Language.EN))
    leave()
    desk.change(Config(language=Language.JA))
    assert heard == [1]


async def test_tokens_that_are_not_there_are_missing(desk):
    await desk.secrets.open()
    await desk.secrets.unlock(Secret("a long passphrase"))
    await desk.load_tokens()
    assert desk.desk().bots[0].standing is TokenStanding.MISSING
    await desk.secrets.put("red", Secret("t"))
    await desk.load_tokens()
    assert desk.tokens == {"red": Secret("t")}
    with pytest.raises(RelayError) as caught:
        desk.token("blue")
    assert caught.value.code is ErrorCode.TOKEN_MISSING


async def test_a_token_that_is_revoked_on_air_is_invalid(desk):
    bot = BotState("red", "1", "Red", Role.SOURCE, "2", LinkState.STOPPED, cause=ErrorCode.TOKEN_REVOKED)
    desk._told(SessionState(phase=Phase.DEGRADED, bots=(bot,)))
    assert desk.desk().bots[0].standing is TokenStanding.INVALID
    assert desk.facts().refused == 1


async def test_nobody_touches_a_session_that_runs(desk):
    desk.refuse_on_air()
    desk._told(SessionState(phase=Phase.STARTING))
    with pytest.raises(RelayError) as caught:
        desk.refuse_on_air()
    assert caught.value.code is ErrorCode.ALREADY_RUNNING


async def test_without_a_set_up_there_is_no_session(desk):
    with pytest.raises(RelayError) as caught:
        desk.session()
    assert caught.value.code is ErrorCode.GUILD_UNKNOWN


async def test_an_engine_that_was_given_up_took_its_session_with_it(desk):
    desk._told(SessionState(phase=Phase.RUNNING))
    desk.engines.supervisor._fail(RelayError(ErrorCode.ENGINE_CRASH_LOOP, count="5", seconds="60"))
    assert not desk.on_air
    assert desk.desk().engine_fault.code is ErrorCode.ENGINE_CRASH_LOOP
