"""The built page belongs to its source, fits its budget and has every word in every language."""

import gzip
import json
import re
import shutil

import pytest

from devtools.web import OUTPUT, STAMP, WEB, digest, environment, installed, npm

MOST_KB = 60
LANGUAGES = ("en", "ja")
SOURCES = [path for path in (WEB / "src").rglob("*.ts*") if "gen" not in path.parts]


def words(language):
    return json.loads((WEB / "src" / "locales" / f"{language}.json").read_text("utf-8"))


def test_the_built_page_is_fresh():
    assert STAMP.read_text("utf-8").strip() == digest(), "run: python dev.py web build"


def test_a_page_in_either_language_is_small():
    files = [path for path in OUTPUT.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]
    sizes = {path: len(gzip.compress(path.read_bytes(), mtime=0)) for path in files}
    assert sum(sizes.values()) <= MOST_KB * 1000


def test_nothing_is_fetched_from_elsewhere_and_nothing_stands_inline():
    page = (OUTPUT / "index.html").read_text("utf-8")
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)


def test_languages_have_the_same_keys_and_the_same_places():
    english, japanese = words("en"), words("ja")
    assert list(english) == list(japanese) == sorted(english)
    for key, text in english.items():
        assert sorted(set(re.findall(r"\{\w+\}", text))) == sorted(set(re.findall(r"\{\w+\}", japanese[key]))), key


def test_no_word_is_unused():
    text = "".join(path.read_text("utf-8") for path in SOURCES)
    made = tuple(f"{start}" for start in re.findall(r"`([a-z.]+[._])\$\{", text))
    unused = [key for key in words("en") if f'"{key}"' not in text and not key.startswith(made)]
    steps = [
        key for key in unused if key.startswith("wizard.action.")
    ]  # what is done on Discord's pages, for the guide
    assert sorted(set(unused) - set(steps)) == []


def test_japanese_is_japanese():
    plain = {key for key, text in words("ja").items() if not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text)}
    assert plain <= {
        "meter.clip",
        "settings.bots",
        "chain.bots",
        "strip.delay",
        "list.and",
        "wizard.channel_of",
        "matrix.route",
    }


def test_packages_are_locked_without_addresses():
    lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_npm_is_found():
    assert shutil.which("npm", path=environment()["PATH"])


@pytest.mark.slow
def test_types_and_the_page_s_own_tests():
    assert installed() == 0
    assert npm("run", "check") == 0
    assert npm("run", "test") == 0
