import gzip

import pytest

from tray.panel.static_files import PAGE, TYPES, accepts_gzip, built_page, load


def test_the_page_its_assets_and_its_icon_are_there_and_nothing_else(folder):
    assert sorted(load(folder)) == ["/", "/assets/main-a1b2.js", "/favicon.ico", "/favicon.svg"]


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    assert load(tmp_path / "nowhere") == {}


def test_a_file_is_compressed_where_that_helps(folder):
    files = load(folder)
    script = files["/assets/main-a1b2.js"]
    assert script.small is not None
    assert gzip.decompress(script.small.body) == script.plain.body
    assert script.small.tag != script.plain.tag
    assert script.variant("br, gzip") is script.small
    assert script.variant("br") is script.plain
    assert files["/favicon.svg"].small is None


def test_what_is_kept_depends_on_whether_its_name_changes_with_it(folder):
    files = load(folder)
    assert "immutable" in files["/assets/main-a1b2.js"].caching
    assert files[PAGE].caching == "no-store"
    assert files["/favicon.svg"].caching == "no-cache"


def test_the_tag_follows_the_content(folder):
    before = load(folder)
    assert load(folder) == before
    (folder / "index.html").write_text("other", "utf-8")
    assert load(folder)[PAGE].plain.tag != before[PAGE].plain.tag


@pytest.mark.parametrize("text", ["gzip", "deflate, gzip;q=1.0, br", "GZIP", "*", "gzip;q=0.5", "gzip; q=0.001"])
def test_who_takes_gzip(text):
    assert accepts_gzip(text)


@pytest.mark.parametrize("text", ["", "identity", "gzip;q=0", "gzip; q=0.000", "br;q=1, gzip;q=0", "xgzip"])
def test_who_does_not(text):
    assert not accepts_gzip(text)


def test_the_built_page_is_found_beside_the_code():
    assert built_page().name == "static"
    assert all(each.content_type in TYPES.values() for each in load(built_page()).values())
