"""What settings are, and that no token can be among them."""

import msgspec
import pytest

from common.config.schema import Config
from common.protocol.spec import DestinationSpec, SourceSpec

DISCORD_TOKEN = "MTE3NDExMDE4MTY2MTAwODY4NQ.GxYzAb.abcdefghijklmnopqrstuvwxyz0123456789AB"


def test_settings_make_a_session():
    config = Config(
        guild="1", sources=(SourceSpec(channel="2", bot="A"),), destinations=(DestinationSpec(channel="3", bot="B"),)
    )
    session = config.session()
    assert session is not None
    assert (session.guild, session.sources, session.destinations) == ("1", config.sources, config.destinations)
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
