"""Channels: Discord's order, what names suggest, and who gets which."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.protocol.spec import DestinationSpec, SourceSpec
from common.protocol.state import Role
from tray.panel.messages import BotInfo, TokenStanding
from tray.wizard.answers import GuildChannel
from tray.wizard.channels import CATEGORY, STAGE, VOICE, propose, voice_channels

SOURCE, DESTINATION = Role.SOURCE, Role.DESTINATION


def voice(number: int, name: str, position: int = 0, parent: int | None = None, kind: int = VOICE) -> GuildChannel:
    return GuildChannel(
        id=str(number), type=kind, name=name, position=position, parent_id=None if parent is None else str(parent)
    )


def proposals(*names: str) -> list[Role | None]:
    return [each.proposed for each in voice_channels([voice(n, name, n) for n, name in enumerate(names, 1)])]


NAMES = [
    ("Team A", SOURCE),
    ("TEAM B", SOURCE),
    ("チーム1", SOURCE),
    ("チーム1", SOURCE),
    ("選手VC", SOURCE),
    ("🔴 Red", SOURCE),
    ("青チーム", SOURCE),
    ("Player 1", SOURCE),
    ("プレイヤー席", SOURCE),
    ("実況", DESTINATION),
    ("実況・解説", DESTINATION),
    ("解説席", DESTINATION),
    ("放送", DESTINATION),
    ("Casters", DESTINATION),
    ("CASTER", DESTINATION),
    ("commentary-booth", DESTINATION),
    ("キャスター", DESTINATION),
    ("キャスター", DESTINATION),
    ("選手実況", DESTINATION),
    ("shared", None),
    ("broadcasting tower", None),
    ("credit", None),
    ("選手控室", None),
    ("team lobby", None),
    ("雑談", None),
    ("General", None),
    ("", None),
]


@pytest.mark.parametrize(("name", "role"), NAMES)
def test_a_name_suggests_a_role(name: str, role: Role | None):
    assert proposals(name) == [role]


def test_letters_and_numbers_are_teams_only_where_no_channel_says_so():
    assert proposals("VC 1", "VC 2", "実況") == [SOURCE, SOURCE, DESTINATION]
    assert proposals("A", "B") == [SOURCE, SOURCE]
    assert proposals("VC 1", "Team Red", "実況") == [None, SOURCE, DESTINATION]
    assert proposals("Room 99", "General 1") == [None, None]


def test_a_category_speaks_for_names_that_say_nothing():
    channels = [
        voice(1, "選手VC", 0, kind=CATEGORY),
        voice(2, "スタッフ", 1, kind=CATEGORY),
        voice(3, "ライオンズ", 0, parent=1),
        voice(4, "実況", 1, parent=1),
        voice(5, "1", 0, parent=2),
        voice(6, "本部", 1, parent=2),
    ]
    found = {each.name: (each.category, each.proposed) for each in voice_channels(channels)}
    assert found == {
        "ライオンズ": ("選手VC", SOURCE),
        "実況": ("選手VC", DESTINATION),
        "1": ("スタッフ", None),
        "本部": ("スタッフ", None),
    }


def test_a_stage_is_shown_and_never_proposed():
    (stage,) = voice_channels([voice(1, "実況 Team A", kind=STAGE)])
    assert (stage.stage, stage.proposed) == (True, None)


def test_the_order_is_discord_s():
    channels = [
        voice(1, "second category", 2, kind=CATEGORY),
        voice(2, "first category", 1, kind=CATEGORY),
        voice(10, "f", 0, parent=1),
        voice(11, "d", 0, parent=2),
        voice(9, "c", 0, parent=2),
        voice(12, "e", 1, parent=2),
        voice(13, "b", 5),
        voice(14, "a", 3, kind=STAGE),
        voice(15, "text", 0, kind=0),
        voice(16, "gone category", 9, parent=999),
    ]
    shown = voice_channels(channels)
    assert [each.name for each in shown] == ["a", "b", "gone category", "c", "d", "e", "f"]
    assert voice_channels(channels[::-1]) == shown


BOTS = [
    BotInfo(bot="Casters", role=DESTINATION, standing=TokenStanding.GOOD),
    BotInfo(bot="One", role=SOURCE, standing=TokenStanding.GOOD),
    BotInfo(bot="Two", role=SOURCE, standing=TokenStanding.GOOD),
]


def test_bots_get_the_channels_of_their_role_in_order():
    names = ("Team A", "実況", "Team B", "Team C", "放送")
    channels = voice_channels([voice(n, name, n) for n, name in enumerate(names, 1)])
    assert propose(channels, BOTS) == (
        (SourceSpec(channel="1", bot="One", name="Team A"), SourceSpec(channel="3", bot="Two", name="Team B")),
        (DestinationSpec(channel="2", bot="Casters", name="実況"),),
    )
    assert propose(channels[:1], BOTS) == ((SourceSpec(channel="1", bot="One", name="Team A"),), ())


some_channels = st.lists(
    st.builds(
        voice,
        st.integers(1, 2**64 - 1),
        st.one_of(st.text(max_size=20), st.sampled_from([name for name, _ in NAMES])),
        st.integers(0, 50),
        st.one_of(st.none(), st.integers(1, 5)),
        st.sampled_from([0, VOICE, CATEGORY, STAGE]),
    ),
    unique_by=lambda each: each.id,
    max_size=12,
)
some_bots = st.lists(
    st.builds(BotInfo, st.integers(0, 999).map("b{}".format), st.sampled_from(Role), st.just(TokenStanding.GOOD)),
    unique_by=lambda each: each.bot,
    max_size=6,
)


@given(some_channels, some_bots, st.randoms())
def test_no_channel_and_no_bot_is_given_twice_and_the_order_asked_in_is_nothing(channels, bots, random):
    shown = voice_channels(channels)
    shuffled = random.sample(channels, len(channels))
    assert voice_channels(shuffled) == shown
    assert {each.channel for each in shown} == {each.id for each in channels if each.type in (VOICE, STAGE)}
    places = [place for side in propose(shown, bots) for place in side]
    assert len({place.channel for place in places}) == len({place.bot for place in places}) == len(places)
    assert not {place.channel for place in places} & {each.id for each in channels if each.type == STAGE}


@given(st.sampled_from(NAMES))
def test_width_and_case_say_nothing(row):
    name, role = row
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
    for same in (name.upper(), wide, unicodedata.normalize("NFKC", name), unicodedata.normalize("NFD", name)):
        assert proposals(same) == [role]
