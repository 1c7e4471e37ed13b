"""A chirp is played into a destination and heard there by another bot, on the simulator."""

import pytest

from common.errors import ErrorCode, RelayError
from common.protocol.messages import Hop
from common.protocol.state import LinkState, MatchPhase
from common.secret import Secret

HOPS = (Hop.MIXED, Hop.SENT, Hop.RECEIVED, Hop.DECRYPTED, Hop.DECODED, Hop.HEARD)
TOKENS = {bot: Secret(f"invented-token-{bot}") for bot in ("red", "blue", "casters", "spare")}


def casters(show):
    return str(show.home("casters"))


@pytest.mark.parametrize("talkers", [{}, None], ids=["silence", "people talking"])
async def test_a_source_s_bot_hears_the_chirp_and_comes_back(on_air, talkers):
    async with on_air(talkers=talkers, heard=() if talkers == {} else ("red", "blue")) as show:
        result = await show.session.sound_check(casters(show), "red", TOKENS)
        assert [(hop.hop, hop.passed, hop.fault) for hop in result.hops] == [(hop, True, None) for hop in HOPS]
        assert result.destination == casters(show)
        assert 0.0 < result.latency_ms < 300.0
        assert result.loss_percent < 20.0
        assert result.level_db == pytest.approx(-20.0, abs=1.5)
        assert result.encryption == 1
        await show.until(lambda: show.state("red").link is LinkState.CONNECTED)
        assert show.place("red") == show.home("red")
