"""What settings are, and that no token can be among them."""

import msgspec
import pytest
from msgspec import structs

from common.config.schema import Config
from common.protocol.spec import DestinationSpec, RouteSpec, SessionSpec, SourceSpec

DISCORD_TOKEN = "MTE3NDExMDE4MTY2MTAwODY4NQ.GxYzAb.abcdefghijklmnopqrstuvwxyz0123456789AB"


def test_settings_make_a_session():
    session = SessionSpec(
        guild="1",
        sources=(SourceSpec(channel="2", bot="A", pan=0.5),),
        destinations=(DestinationSpec(channel="3", bot="B", delay_s=30.0),),
        routes=(RouteSpec(source="2", destination="3", gain=0.5),),
        tick_ms=10,
        loudness=-23.0,
    )
    assert Config(**structs.asdict(session)).session() == session
    assert Config().session() is None


@pytest.mark.parametrize(
    "settings",
    [
        {"token": DISCORD_TOKEN},
        {"sources": [{"channel": "1", "bot": DISCORD_TOKEN}]},
        {"sources": [{"channel": "1", "bot": "A", "token": "x"}]},
        {"guild": DISCORD_TOKEN},
    ],
)
def test_there_is_no_place_for_a_token(settings):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, Config)
