"""Everything that can be wrong is found before a bot enters a channel, each with its own code, all at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ErrorCode, RelayError
from common.permissions import Permission
from common.protocol.spec import DestinationSpec, EqualizerSpec, RouteSpec, SessionSpec, SourceSpec
from common.types import BotKey, ChannelId, GuildId, UserId
from engine.gateway.views import ChannelKind, ChannelView, GuildView, VoiceMember
from engine.session.preflight import check_guild, check_identities, check_spec

ALL = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.SPEAK
SPEC = SessionSpec(
    guild="1",
    sources=(SourceSpec(channel="10", bot="red"), SourceSpec(channel="20", bot="blue")),
    destinations=(DestinationSpec(channel="30", bot="casters"),),
)
BOTS = (BotKey("red"), BotKey("blue"), BotKey("casters"))
IDENTITIES = {bot: UserId(100 + number) for number, bot in enumerate(BOTS)}


def voice(channel: int, **changes: object):
    return ChannelView(id=ChannelId(channel), name=f"c{channel}", kind=ChannelKind.VOICE, permissions=ALL, **changes)


def guild(*channels: ChannelView):
    return GuildView(id=GuildId(1), name="Cup", channels=channels)


GOOD = guild(voice(10), voice(20), voice(30))


def views(**changed: object):
    return {bot: changed.get(bot, GOOD) for bot in BOTS}


def codes(errors: list[RelayError]):
    return [error.code for error in errors]


def test_a_good_session_has_nothing_wrong():
    assert check_spec(SPEC, BOTS) == []
    assert check_identities(SPEC, IDENTITIES) == []
    assert check_guild(SPEC, views(), IDENTITIES) == []


def change(**fields: object):
    whole = {"guild": SPEC.guild, "sources": SPEC.sources, "destinations": SPEC.destinations, "routes": SPEC.routes}
    return SessionSpec(**{**whole, **fields})


SPECS = [
    (change(sources=()), [ErrorCode.SESSION_EMPTY]),
    (change(destinations=()), [ErrorCode.SESSION_EMPTY]),
    (change(sources=(), destinations=()), [ErrorCode.SESSION_EMPTY, ErrorCode.SESSION_EMPTY]),
    (change(guild="Cup"), [ErrorCode.GUILD_UNKNOWN]),
    (change(guild=str(1 << 64)), [ErrorCode.GUILD_UNKNOWN]),
    (change(destinations=(DestinationSpec(channel="casters", bot="casters"),)), [ErrorCode.CHANNEL_UNKNOWN]),
    (change(destinations=(DestinationSpec(channel="010", bot="casters"),)), [ErrorCode.CHANNEL_UNKNOWN]),
    (change(destinations=(DestinationSpec(channel="10", bot="casters"),)), [ErrorCode.CHANNEL_DUPLICATE]),
    (
        change(sources=(SourceSpec(channel="10", bot="red"), SourceSpec(channel="10", bot="blue"))),
        [ErrorCode.CHANNEL_DUPLICATE],
    ),
    (change(destinations=(DestinationSpec(channel="30", bot="red"),)), [ErrorCode.TOKEN_DUPLICATE]),
    (change(destinations=(DestinationSpec(channel="30", bot="stranger"),)), [ErrorCode.TOKEN_MISSING]),
    (change(routes=(RouteSpec(source="10", destination="20"),)), [ErrorCode.ROUTE_UNKNOWN]),
    (change(routes=(RouteSpec(source="10", destination="30", gain=9.0),)), [ErrorCode.VALUE_OUT_OF_RANGE]),
    (change(sources=(SourceSpec(channel="10", bot="red", gain=float("nan")),)), [ErrorCode.VALUE_OUT_OF_RANGE]),
    (change(sources=(SourceSpec(channel="10", bot="red", pan=1.1),)), [ErrorCode.VALUE_OUT_OF_RANGE]),
    (
        change(sources=(SourceSpec(channel="10", bot="red", equalizer=EqualizerSpec(low_db=-13.0, high_db=13.0)),)),
        [ErrorCode.VALUE_OUT_OF_RANGE] * 2,
    ),
    (
        change(destinations=(DestinationSpec(channel="30", bot="casters", delay_s=301.0, duck_db=-1.0),)),
        [ErrorCode.VALUE_OUT_OF_RANGE] * 2,
    ),
    (change(loudness=0.0), [ErrorCode.VALUE_OUT_OF_RANGE]),
]


@pytest.mark.parametrize(("spec", "found"), SPECS)
def test_a_wrong_spec_is_told_without_a_login(spec: SessionSpec, found: list[ErrorCode]):
    assert codes(check_spec(spec, BOTS)) == found


def test_two_tokens_of_one_account_are_the_same_bot():
    twice = {**IDENTITIES, "blue": IDENTITIES["red"]}
    found = check_identities(SPEC, twice)
    assert {(error.code, error.details["bot"]) for error in found} == {
        (ErrorCode.TOKEN_DUPLICATE, "red"),
        (ErrorCode.TOKEN_DUPLICATE, "blue"),
    }


def people(count: int):
    return tuple(VoiceMember(UserId(n), f"p{n}", ChannelId(10)) for n in range(1, count + 1))


PLACES = [
    (None, ErrorCode.GUILD_UNKNOWN, {"bot": "red", "guild": "1"}),
    (guild(), ErrorCode.CHANNEL_UNKNOWN, {"bot": "red", "channel": "10"}),
    (guild(replace(voice(10), kind=ChannelKind.STAGE)), ErrorCode.CHANNEL_IS_STAGE, {"name": "c10"}),
    (guild(replace(voice(10), kind=ChannelKind.OTHER)), ErrorCode.CHANNEL_NOT_VOICE, {"name": "c10"}),
    (
        guild(replace(voice(10), permissions=Permission.VIEW_CHANNEL, denials=(("CONNECT", "role x"),))),
        ErrorCode.PERMISSION_MISSING,
        {"permission": "CONNECT", "denied_by": "role x"},
    ),
    (guild(voice(10, user_limit=2, members=people(2))), ErrorCode.CHANNEL_FULL, {"limit": "2"}),
]


@pytest.mark.parametrize(("seen", "code", "details"), PLACES)
def test_a_wrong_place_has_its_code_and_says_where(seen: GuildView | None, code: ErrorCode, details: dict[str, str]):
    (found,) = check_guild(SPEC, views(red=seen), IDENTITIES)
    assert found.code is code
    assert found.details.items() >= details.items()


def test_only_a_destination_needs_to_speak():
    silent = guild(*(replace(channel, permissions=ALL & ~Permission.SPEAK) for channel in GOOD.channels))
    found = check_guild(SPEC, dict.fromkeys(BOTS, silent), IDENTITIES)
    assert [(error.details["bot"], error.details["permission"]) for error in found] == [("casters", "SPEAK")]


def test_everything_is_found_at_once():
    found = check_guild(
        SPEC, {"red": None, "blue": guild(), "casters": guild(replace(voice(30), permissions=0))}, IDENTITIES
    )
    assert codes(found) == [
        ErrorCode.GUILD_UNKNOWN,
        ErrorCode.CHANNEL_UNKNOWN,
        *[ErrorCode.PERMISSION_MISSING] * 3,
    ]


def test_a_full_channel_is_no_trouble_for_who_may_move_members_or_is_inside():
    full = voice(10, user_limit=2, members=people(2))
    mover = replace(full, permissions=ALL | Permission.MOVE_MEMBERS)
    assert check_guild(SPEC, views(red=guild(mover)), IDENTITIES) == []
    inside = replace(full, members=(*people(1), VoiceMember(IDENTITIES["red"], "relay", ChannelId(10))))
    assert check_guild(SPEC, views(red=guild(inside)), IDENTITIES) == []


@given(st.integers(0, 99), st.integers(0, 99))
def test_full_means_limit_reached(limit: int, count: int):
    found = check_guild(SPEC, views(red=guild(voice(10, user_limit=limit, members=people(count)))), IDENTITIES)
    assert bool(found) == (limit > 0 and count >= limit)
