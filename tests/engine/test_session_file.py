"""The session file: what it may hold, where it is wrong, and that no token gets by in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import ConfigError, ErrorCode
from common.protocol.spec import DestinationSpec, EqualizerSpec, RouteSpec, SessionSpec, SourceSpec, StripSpec
from common.secret import Secret
from common.types import Suppression
from engine import session_file
from engine.gateway.endpoint import Endpoint

DISCORD_TOKEN = "MTE3NDExMDE4MTY2MTAwODY4NQ.GxYzAb.abcdefghijklmnopqrstuvwxyz0123456789AB"
GOOD = """
guild = 123
[[sources]]
channel = "9223372036854775807"
token_env = "DVC_TOKEN_1"
name = "Team A"
gain = 2
[[sources]]
channel = 5
token_env = "DVC_TOKEN_2"
muted = true
[[destinations]]
channel = "6"
token_env = "DVC_TOKEN_3"
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "session.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return session_file.load(path)

    return loaded


def test_ids_are_text_or_integers_and_the_rest_has_defaults(load):
    file = load(GOOD)
    assert file.spec == SessionSpec(
        guild="123",
        sources=(
            SourceSpec(channel="9223372036854775807", bot="DVC_TOKEN_1", name="Team A", gain=2.0),
            SourceSpec(channel="5", bot="DVC_TOKEN_2", muted=True),
        ),
        destinations=(DestinationSpec(channel="6", bot="DVC_TOKEN_3"),),
    )
    assert file.strips == {}
    assert file.endpoint == Endpoint()


def test_everything_the_sound_path_can_do_is_in_the_file(load):
    file = load("""
guild = 1
tick_ms = 10
loudness = -23
[[sources]]
channel = 2
token_env = "A"
pan = -0.5
equalizer = { low_db = -3, high_db = 2.5 }
[[destinations]]
channel = 3
token_env = "B"
delay_s = 30
duck_db = 9
monitor = true
[strips."42"]
gain = 0.5
suppression = "strong"
levelling = false
""")
    assert file.spec == SessionSpec(
        guild="1",
        sources=(SourceSpec(channel="2", bot="A", pan=-0.5, equalizer=EqualizerSpec(low_db=-3.0, high_db=2.5)),),
        destinations=(DestinationSpec(channel="3", bot="B", delay_s=30.0, duck_db=9.0, monitor=True),),
        tick_ms=10,
        loudness=-23.0,
    )
    assert file.strips == {"42": StripSpec(gain=0.5, suppression=Suppression.STRONG, levelling=False)}


def test_the_file_knows_every_field_of_a_session():
    for ours, protocols in (
        (session_file._Source, SourceSpec),
        (session_file._Destination, DestinationSpec),
        (session_file._Route, RouteSpec),
        (session_file._File, SessionSpec),
    ):
        known = set(ours.__struct_fields__) | {"bot"}
        assert set(protocols.__struct_fields__) <= known


def test_routes_and_a_byte_order_mark_are_read(load):
    text = "\ufeff" + GOOD + '[[routes]]\nsource = 5\ndestination = "6"\ngain = 0.5\n'
    assert load(text).spec.routes == (RouteSpec(source="5", destination="6", gain=0.5),)


def test_the_authority_file_is_relative_to_the_session_file(tmp_path, load):
    with pytest.raises(ConfigError) as refused:
        load(GOOD + '[endpoint]\nca_file = "ca.pem"\n')
    assert refused.value.details["path"] == "$.endpoint.ca_file"
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError):
        load(GOOD + '[endpoint]\nca_file = "ca.pem"\n')


def test_another_discord(load):
    endpoint = load(
        GOOD + '[endpoint]\napi_base = "https://127.0.0.1:1/api/v10"\ngateway_url = "wss://127.0.0.1:1"\n'
    ).endpoint
    assert (endpoint.api_base, endpoint.gateway_url) == ("https://127.0.0.1:1/api/v10", "wss://127.0.0.1:1")


def test_tokens_come_from_the_environment_and_missing_ones_are_left_to_the_session(load):
    tokens = load(GOOD).tokens({"DVC_TOKEN_1": " a\n", "DVC_TOKEN_2": "", "OTHER": "b"})
    assert tokens == {"DVC_TOKEN_1": Secret("a")}


def test_tokens_keep_the_order_of_the_file_so_that_the_first_error_is_the_same_each_time(load):
    tokens = load(GOOD).tokens({"DVC_TOKEN_3": "c", "DVC_TOKEN_2": "b", "DVC_TOKEN_1": "a"})
    assert list(tokens) == ["DVC_TOKEN_1", "DVC_TOKEN_2", "DVC_TOKEN_3"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD.replace("gain = 2", "gain = 2.5"), "$.sources[0].gain"),
        (GOOD.replace("gain = 2", "gain = nan"), "$.sources[0].gain"),
        (GOOD.replace("channel = 5", 'channel = "five"'), "$.sources[1].channel"),
        (GOOD.replace("channel = 5", "channel = -5"), "$.sources[1].channel"),
        (GOOD.replace("muted = true", "pan = 1.5"), "$.sources[1].pan"),
        (GOOD.replace("muted = true", "equalizer = { low_db = 13 }"), "$.sources[1].equalizer.low_db"),
        (GOOD + "delay_s = 301", "$.destinations[0].delay_s"),
        (GOOD.replace("guild = 123", "guild = 123\ntick_ms = 15"), "$.tick_ms"),
        (GOOD.replace("guild = 123", "guild = 123\nloudness = 0"), "$.loudness"),
        (GOOD + "[strips.42]\ngain = 3", "$.strips[...].gain"),
        (GOOD + "[strips.somebody]\ngain = 1", "$.strips"),
        (GOOD.replace("guild = 123", ""), "$"),
        (GOOD.replace("guild", "gild"), "$"),
        (GOOD.replace('"DVC_TOKEN_3"', '"not a name"'), "$.destinations[0].token_env"),
        (GOOD + "surprise = 1", "$.destinations[0]"),
        (GOOD + '[endpoint]\napi_base = "ftp://x"\n', "$.endpoint.api_base"),
        ("guild = = 1", "line 1, column 9"),
        (b"guild = \xff", "byte 8"),
    ],
)
def test_the_place_that_is_wrong_is_named(load, text, place):
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert refused.value.code is ErrorCode.CONFIG_INVALID
    assert refused.value.details["path"] == place


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(ConfigError) as refused:
        session_file.load(Path("/nowhere/session.toml"))
    assert refused.value.code is ErrorCode.CONFIG_UNREADABLE


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD.replace('token_env = "DVC_TOKEN_2"', 'token = "anything"'), "$.sources[1]"),
        (GOOD.replace("DVC_TOKEN_2", DISCORD_TOKEN), "$.sources[1].token_env"),
        (GOOD.replace("Team A", f"x {DISCORD_TOKEN}"), "$.sources[0].name"),
        (f'note = ["{DISCORD_TOKEN}"]\n' + GOOD, "$.note[0]"),
        (f'"{DISCORD_TOKEN}" = 1\n' + GOOD, "$"),
    ],
)
def test_a_token_in_the_file_is_refused_and_not_repeated(load, text, place):
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert refused.value.code is ErrorCode.TOKEN_IN_FILE
    assert refused.value.details["path"] == place
    assert DISCORD_TOKEN not in str(refused.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_content_is_a_session_or_an_error_of_ours(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "session.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        session_file.load(path)
