"""The original's settings are taken over however people edited them, and no token gets into an error."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.legacy_env import (
    LONGEST_BYTES,
    LegacySettings,
    find_legacy,
    legacy_folders,
    parse_legacy,
    read_legacy,
)
from common.errors import ConfigError, ErrorCode
from common.protocol.state import Role
from common.secret import Secret

RED, BLUE, CASTERS = (f"MTIzNDU2Nzg5MDEy.GinVen.{'tEd-token_of'}-{name}-0123456" for name in ("red", "blue", "casters"))
WRITTEN = f"""guild_id = "950683443266748416"
speaker1_api = "{RED}"
speaker2_api = "{BLUE}"
listener_api = "{CASTERS}"

[user_volumes]
155896701595418626 = 1.0
155896701595418627 = 0.550000011920929
"""
DOTENV = f"""# Discord
export GUILD_ID=950683443266748416
SPEAKER1_API={RED}   # red team
SPEAKER2_API='{BLUE}'
LISTENER_API: "{CASTERS}"
155896701595418626=1
155896701595418627 = 0.55
"""
EXPECTED = LegacySettings(
    roles={"speaker1": Role.SOURCE, "speaker2": Role.SOURCE, "listener": Role.DESTINATION},
    tokens={"speaker1": Secret(RED), "speaker2": Secret(BLUE), "listener": Secret(CASTERS)},
    doubled=(),
    guild="950683443266748416",
    gains={"155896701595418626": 1.0, "155896701595418627": 0.55},
    ignored=(),
)


def parsed(text):
    return parse_legacy(text.encode(), "f")


@pytest.mark.parametrize("text", [WRITTEN, DOTENV], ids=["as the original wrote it", "as in a dotenv file"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_it_is_read_as_it_was_written(text, ends, encoding):
    assert parse_legacy(text.replace("\n", ends).encode(encoding), "f") == EXPECTED


def test_a_comment_in_an_old_japanese_encoding_does_no_harm():
    assert parse_legacy(("# 赤チームのBot\n" + WRITTEN).encode("cp932"), "f") == EXPECTED


def test_an_id_without_quotes_is_an_id():
    assert parsed(WRITTEN.replace('"950683443266748416"', "950683443266748416")).guild == "950683443266748416"


@pytest.mark.parametrize("guild", ["1", '"1"', '"my server"', "true", "1.5", "-5", "0x" + "f" * 9999, '""'])
def test_what_is_no_server_is_left_open(guild):
    assert parsed(WRITTEN.replace('"950683443266748416"', guild)).guild is None


@pytest.mark.parametrize("token", ["API_HERE", "TOKEN_HERE", "", "<token>", "YOUR_DISCORD_BOT_TOKEN_HERE", "two words"])
@pytest.mark.parametrize("text", [WRITTEN, DOTENV])
def test_a_placeholder_is_no_token(text, token):
    found = parsed(text.replace(RED, token))
    assert "speaker1" in found.roles
    assert set(found.tokens) == {"speaker2", "listener"}


def test_a_token_copied_with_its_scheme_or_spaces_is_a_token():
    assert parsed(WRITTEN.replace(RED, f" Bot {RED} ")).tokens == EXPECTED.tokens


def test_one_token_for_two_bots_is_kept_once():
    found = parsed(WRITTEN.replace(BLUE, RED))
    assert set(found.tokens) == {"speaker1", "listener"}
    assert found.doubled == ("speaker2",)


@pytest.mark.parametrize(
    ("written", "gain"),
    [("0.0", 0.0), ("2", 2.0), ("5.0", 2.0), ("-1.0", 0.0), ("55", 0.55), ("200", 2.0), ("1000", 2.0), ('"0.5"', 0.5)],
)
def test_a_volume_is_a_gain_between_silence_and_twofold(written, gain):
    assert parsed(WRITTEN.replace("0.550000011920929", written)).gains["155896701595418627"] == gain


@pytest.mark.parametrize("written", ["nan", "inf", "true", '"loud"', "[1]", "0x" + "f" * 9999])
def test_what_is_no_volume_is_named_and_left_out(written):
    found = parsed(WRITTEN.replace("0.550000011920929", written))
    assert list(found.gains) == ["155896701595418626"]
    assert found.ignored == ("155896701595418627",)


def test_what_nobody_knows_is_named_but_a_token_in_the_wrong_place_is_not():
    found = parsed(f'colour = "red"\n"{RED}" = 1\n{WRITTEN}')
    assert found.ignored == ("colour",)


@pytest.mark.parametrize("data", [b"", b"PATH=/usr/bin\nDATABASE=x", b"\x00\xff", b"[", b"a=" * LONGEST_BYTES])
def test_another_file_is_refused(data):
    with pytest.raises(ConfigError) as refused:
        parse_legacy(data, "f")
    assert refused.value.code is ErrorCode.CONFIG_INVALID
    assert refused.value.details["file"] == "f"


def test_nothing_of_a_file_gets_into_what_is_printed():
    with pytest.raises(ConfigError) as refused:
        parsed(f"token = {RED}\n= {RED}\n{RED}")
    assert RED not in "".join(traceback.format_exception(refused.value))
    assert RED not in repr(parsed(WRITTEN))


def test_it_is_found_among_folders_and_other_programs_files_are_not(tmp_path):
    for name, text in (("a", None), ("b", "SECRET_OF_ANOTHER=1"), ("c", WRITTEN), ("d", WRITTEN)):
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / ".env").write_text(text)
    folders = [tmp_path / name for name in "abcd"]
    assert find_legacy(folders) == tmp_path / "c" / ".env"
    assert find_legacy(folders[:2]) is None


def test_the_folders_are_those_of_the_original(tmp_path):
    assert legacy_folders({"LOCALAPPDATA": "/local", "ProgramFiles": ""}, tmp_path)[1:] == (
        tmp_path.__class__("/local/discordvoicecomm"),
    )


def test_a_file_that_can_t_be_read_says_so(tmp_path):
    with pytest.raises(ConfigError) as refused:
        read_legacy(tmp_path)
    assert refused.value.code is ErrorCode.CONFIG_UNREADABLE


LINES = st.lists(
    st.sampled_from(
        [*WRITTEN.splitlines(), *DOTENV.splitlines(), "listener_api = 1", "guild_id = [[", "user_volumes=1"]
    )
    | st.text(max_size=40)
)


@given(st.binary(max_size=300) | LINES.map(lambda lines: "\n".join(lines).encode("utf-8", "replace")))
def test_any_bytes_give_settings_or_a_refusal(data):
    try:
        found = parse_legacy(data, "f")
    except ConfigError:
        return
    assert found.roles
    assert all(0 <= gain <= 2 for gain in found.gains.values())
    assert found.tokens.keys() | set(found.doubled) <= found.roles.keys()
