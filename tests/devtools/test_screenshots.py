"""The pictures are taken from the running program; the guides name them all, and say the words that the page says."""

import io
import json
import re
import shutil

import pytest
from PIL import Image

from devtools.browser import PROGRAM
from devtools.program import program
from devtools.screenshots import IMAGES, LANGUAGES, ROOT, SIZE, THEMES, Walk, camera, small

DOCS = ROOT / "docs"
LONGEST_LINES = 120
MOST_BYTES = 3_000_000
PAGES = sorted(path.name for path in (DOCS / "en").glob("*.md"))
GUIDES = [DOCS / language / page for language in LANGUAGES for page in PAGES]
TOLD = ("VIEW_CHANNEL", "CONNECT", "SPEAK", "MOVE_MEMBERS", "SET_VOICE_CHANNEL_STATUS")
"""Permissions that the program may ask a person for."""


def words(folder, language):
    return json.loads((ROOT / folder / "locales" / f"{language}.json").read_text("utf-8"))


def shape(text):
    """What two languages of a page must share: headings, rows, list items, pictures, links, blocks of code."""
    lines = [re.match(r"#+ |\||- |\d\. |<picture>|\s*```", line) for line in text.splitlines()]
    return [found[0] for found in lines if found]


def addresses(guide):
    return re.findall(r"(?:srcset|src)=\"([^\"]+)\"|\]\((?!https:)([^)]+)\)", guide.read_text("utf-8"))


def noise():
    picture = io.BytesIO()
    Image.effect_noise(SIZE, 80).convert("RGB").save(picture, "PNG")
    return picture.getvalue()


def test_a_packed_picture_shows_the_same_in_less():
    given = noise()
    packed = small(given)
    assert len(packed) < len(given)
    with Image.open(io.BytesIO(packed)) as picture, Image.open(io.BytesIO(given)) as before:
        assert picture.size == before.size == SIZE
        middle = [image.convert("L").resize((1, 1)).getpixel((0, 0)) for image in (picture, before)]
    assert abs(middle[0] - middle[1]) <= 2


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="Chromium is not installed; devtools/debian.py does it")
def test_the_first_page_is_pictured_in_every_language_and_theme(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "images"
    home.mkdir()
    with program(home) as shown, camera(shown, folder, shutil.which(PROGRAM)) as made:
        Walk(made, ()).welcome()
    made = [folder / language / f"setup-welcome-{theme}.png" for language in LANGUAGES for theme in THEMES]
    assert sorted(folder.rglob("*.png")) == sorted(made)
    assert len({path.read_bytes() for path in made}) == len(made)
    for path in made:
        with Image.open(path) as picture:
            assert picture.size == SIZE
            assert (picture.convert("L").getpixel((SIZE[0] - 5, SIZE[1] - 5)) < 128) == ("dark" in path.name)


def test_every_picture_is_in_a_guide_and_every_guides_picture_exists():
    named = {(guide.parent / picture).resolve() for guide in GUIDES for picture, _ in addresses(guide) if picture}
    assert named == {path.resolve() for path in IMAGES.rglob("*.png")}


def test_a_guide_shows_pictures_of_its_own_language_in_both_themes():
    for guide in GUIDES:
        shown = [picture for picture, _ in addresses(guide) if picture]
        assert all(picture.startswith(f"../images/{guide.parent.name}/") for picture in shown)
        assert [each.replace("-dark.", "-light.") for each in shown[::2]] == shown[1::2]


def test_the_pictures_are_of_one_size_and_together_small():
    pictures = list(IMAGES.rglob("*.png"))
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == SIZE


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_pages_of_the_same_shape(page):
    texts = {language: (DOCS / language / page).read_text("utf-8") for language in LANGUAGES}
    assert shape(texts["ja"]) == shape(texts["en"])
    assert max(len(text.splitlines()) for text in texts.values()) < LONGEST_LINES


def test_no_language_has_a_page_more():
    assert all(sorted(path.name for path in (DOCS / language).glob("*.md")) == PAGES for language in LANGUAGES)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.parent.name}-{guide.stem}")
def test_what_a_guide_prints_bold_stands_on_the_page_or_in_the_menu(guide):
    shown = {text for folder in ("web/src", "common") for text in words(folder, guide.parent.name).values()}
    bold = set(re.findall(r"\*\*(.+?)\*\*", guide.read_text("utf-8")))
    titles = {"キーチェーン", "パスフレーズ", "Keychain", "Passphrase"}
    assert bold - shown - titles == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: f"{guide.parent.name}-{guide.stem}")
def test_every_link_leads_somewhere(guide):
    assert [link for _, link in addresses(guide) if link and not (guide.parent / link).exists()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_permissions_are_called_as_the_program_calls_them(language):
    guide = (DOCS / language / "trouble.md").read_text("utf-8")
    for called in ("ja", "en"):
        assert all(f"| {words('common', called)[f'permission.{name}']} |" in guide for name in TOLD)
