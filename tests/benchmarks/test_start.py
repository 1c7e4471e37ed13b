import asyncio
import sys

import pytest

from benchmarks.start import Links, Look, Visit, metrics

LINK = "http://127.0.0.1:1/login?k=x#/"


def figures(seen):
    return {each.metric: each.value for each in metrics(seen)}


def test_medians_are_told_and_the_largest_page():
    seen = [Visit(0.5, 0.6, Look(0.2, 40_000)), Visit(0.9, 1.0, Look(0.4, 41_000)), Visit(0.4, 0.5, Look(0.3, 39_000))]
    assert figures(seen) == {"tray_icon_s": 0.5, "tray_menu_s": 0.6, "panel_s": 0.3, "page_gzip_kb": 41.0}


def test_without_a_browser_nothing_is_said_of_the_page():
    assert figures([Visit(0.5, 0.6)]) == {"tray_icon_s": 0.5, "tray_menu_s": 0.6}


@pytest.mark.skipif(sys.platform == "win32", reason="a browser that is a shell script")
async def test_the_next_link_is_what_the_browser_is_told(tmp_path):
    links = Links(tmp_path)
    process = await asyncio.create_subprocess_exec(str(links.browser), LINK)
    assert await links.next() == LINK
    await process.wait()
    links.close()
