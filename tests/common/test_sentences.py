"""Every code and every outage has a sentence in both languages, with the same placeholders."""

import string

import pytest

from common.errors import CombinedError, ErrorCode, RelayError
from common.protocol.spec import EQUALIZER_PRESETS
from common.sentences import (
    LANGUAGES,
    error_sentence,
    notice_sentence,
    outage_sentence,
    sentences_of,
    system_language,
    templates,
)
from engine.session.recovery import Trouble


def placeholders(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_the_languages_have_the_same_sentences_with_the_same_placeholders():
    english, japanese = templates("en"), templates("ja")
    assert english.keys() == japanese.keys()
    for key, template in english.items():
        assert placeholders(template) == placeholders(japanese[key]), key


def test_there_is_a_sentence_for_every_code_and_none_too_many():
    expected = {f"error.{code}" for code in ErrorCode} | {f"outage.{each}" for each in Trouble} | {"outage.unknown"}
    found = {key for key in templates("en") if key.startswith(("error.", "outage."))}
    assert found == expected


def test_every_equalizer_preset_has_a_name():
    assert {key for key in templates("en") if key.startswith("preset.")} == {f"preset.{p}" for p in EQUALIZER_PRESETS}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_kill_switch_says_what_it_does(language):
    assert notice_sentence("kill_on", language) != notice_sentence("kill_off", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ErrorCode)
def test_a_sentence_is_made_without_any_detail_too(code, language):
    sentence = error_sentence(code, {}, language)
    assert "{" not in sentence
    assert sentence.endswith("。" if language == "ja" else ".")


def test_japanese_is_japanese():
    for key, template in templates("ja").items():
        assert not template.isascii(), key


def test_details_are_filled_in_and_our_own_words_are_translated():
    details = {"bot": "B1", "channel": "5", "name": "Team A", "permission": "CONNECT"}
    assert "permission Connect in the channel Team A" in error_sentence(ErrorCode.PERMISSION_MISSING, details)
    assert "権限 接続" in error_sentence(ErrorCode.PERMISSION_MISSING, details, "ja")


def test_a_channel_without_a_name_is_named_by_its_id():
    assert "channel 5 is full" in error_sentence(ErrorCode.CHANNEL_FULL, {"channel": "5"})


def test_braces_in_a_detail_stay_what_they_are():
    assert "{0.__class__}" in error_sentence(ErrorCode.TOKEN_MISSING, {"bot": "{0.__class__}"})


@pytest.mark.parametrize(
    ("cause", "part"), [("abort", "broke off"), ("close_4006", "code 4006"), ("server_update", "another"), ("x", "(x)")]
)
def test_an_outage_says_its_cause(cause, part):
    assert part in outage_sentence(cause)


def test_everything_that_is_wrong_is_said():
    errors = [RelayError(ErrorCode.TOKEN_MISSING, bot="A"), RelayError(ErrorCode.TOKEN_INVALID, bot="B")]
    assert [text[:24] for text in sentences_of(CombinedError(errors))] == [
        "There is no token for bo",
        "Discord refuses the toke",
    ]


@pytest.mark.parametrize(("lang", "expected"), [("ja_JP.UTF-8", "ja"), ("en_GB.UTF-8", "en"), ("fr_FR", "en")])
def test_the_language_follows_the_system(monkeypatch, lang, expected):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    assert system_language() == expected
