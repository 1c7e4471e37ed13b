from pathlib import Path

import pytest

from simulator.permissions import Permission, channel_permissions
from simulator.scene import SCENES, SceneError, build, load, parse
from simulator.timeline import CloseVoice, Kick
from simulator.world import ChannelType, World

GUILD = '[guild]\nname = "Cup"\n'


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_scene_that_comes_along_can_be_built(path: Path):
    cast = build(load(path), World())
    assert cast.bots


def test_two_teams_each_player_talks_alone_for_a_second_within_twelve():
    scene = load(SCENES / "two_teams.toml")
    talkers = [person for person in scene.people if person.talks]
    assert len(talkers) == 10
    assert len(scene.bots) == 3
    assert {person.channel for person in talkers} == {"Team Red", "Team Blue"}
    assert [person.name for person in scene.people if person.channel == "Casters"] == ["hikaru", "oliver"]
    spans = [(start, end, person.name) for person in talkers for start, end in person.talks]
    for person in talkers:
        start, end = person.talks[0]
        assert end <= 12
        assert end - start >= 1.0
        assert all(name == person.name or other_end <= start or other >= end for other, other_end, name in spans)
    assert any(a[0] < b[0] < a[1] for a in spans for b in spans)


def test_a_scene_becomes_a_guild():
    scene = parse(
        GUILD
        + """
[[roles]]
name = "Relay"
permissions = ["MOVE_MEMBERS"]
[[categories]]
name = "Match"
[[channels]]
name = "Red"
category = "Match"
limit = 5
overwrites = [{ target = "@everyone", deny = ["CONNECT"] }, { target = "bot", allow = ["CONNECT"] }]
[[channels]]
name = "Stage"
kind = "stage"
[[bots]]
name = "bot"
token = "t"
nickname = "RELAY"
roles = ["Relay"]
[[people]]
name = "akari"
channel = "Red"
clip = "ja_1"
talks = [[0, 1.5]]
[[faults]]
kind = "close_voice"
at = 1.5
user = "bot"
code = 4006
[[faults]]
kind = "kick"
at = 3
user = "akari"
"""
    )
    cast = build(scene, World())
    red, bot, akari = cast.channels["Red"], cast.bots["bot"], cast.people["akari"]
    assert cast.guild.categories[red.category_id].name == "Match"
    assert red.user_limit == 5
    assert cast.channels["Stage"].type is ChannelType.STAGE
    assert (bot.bot, bot.token, akari.bot) == (True, "t", False)
    assert cast.guild.members[bot.id].nickname == "RELAY"
    assert Permission.CONNECT | Permission.MOVE_MEMBERS in channel_permissions(cast.guild, red, bot.id)
    assert Permission.CONNECT not in channel_permissions(cast.guild, red, akari.id)
    assert scene.faults == (CloseVoice(at=1.5, user="bot", code=4006), Kick(at=3, user="akari"))
    assert cast.account("akari") == akari.id
    with pytest.raises(KeyError):
        cast.account("nobody")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[guild", "at end of document"),
        ("", "missing required field `guild`"),
        (GUILD + "[[channels]]\nname = 'a'\nlimits = 3", "unknown field `limits`"),
        (GUILD + "[[channels]]\nname = 'a'\nkind = 'radio'", "channels[0].kind"),
        (GUILD + "[[channels]]\nname = 'a'\n[[channels]]\nname = 'a'", "channel 'a' is there 2 times"),
        (GUILD + "[[channels]]\nname = 'a'\ncategory = 'x'", "channel 'a': unknown category 'x'"),
        (GUILD + "[[channels]]\nname = 'a'\noverwrites = [{target = 'x'}]", "unknown overwrite target 'x'"),
        (GUILD + "[[bots]]\nname = 'a'\ntoken = 't'\n[[bots]]\nname = 'b'\ntoken = 't'", "the same token"),
        (GUILD + "[[bots]]\nname = 'a'\ntoken = 't'\nroles = ['x']", "member 'a': unknown role 'x'"),
        (GUILD + "[[people]]\nname = 'a'\nchannel = 'x'", "person 'a': unknown channel 'x'"),
        (GUILD + "[[people]]\nname = 'a'\nclip = 'en_1'\ntalks = [[2, 1]]", "0 <= from < to <= 30"),
        (GUILD + "[[people]]\nname = 'a'\nclip = 'c'", "person 'a': unknown clip 'c'"),
        (GUILD + "[[people]]\nname = 'a'\ntalks = [[1, 2]]", "talks without a clip"),
        (GUILD + "[[faults]]\nkind = 'kick'\nat = 1\nuser = 'x'", "fault at 1: unknown user 'x'"),
        (GUILD + "[[faults]]\nkind = 'flood'\nat = 1", "faults[0]"),
        (GUILD + "[[faults]]\nkind = 'move_voice_server'\nat = 1\nchannel = 'x'", "unknown channel 'x'"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str):
    with pytest.raises(SceneError) as caught:
        parse(text)
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(SceneError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")
