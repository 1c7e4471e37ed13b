import sys

import pytest

from benchmarks import desktop
from benchmarks.desktop import AbsentError, Desktop, demand


def test_what_is_missing_is_named():
    demand(("here",), lambda program: f"/usr/bin/{program}")
    with pytest.raises(AbsentError, match="Xvfb, dbus-daemon"):
        demand(("Xvfb", "here", "dbus-daemon"), lambda program: program if program == "here" else None)


async def test_a_moment_that_never_comes_is_given_up(monkeypatch):
    monkeypatch.setattr(desktop, "PATIENCE_S", 0.01)
    with pytest.raises(TimeoutError, match="the icon"):
        await desktop.until(lambda: False, "the icon")


async def test_a_moment_is_the_first_at_which_it_is_so():
    seen = iter((False, False, True))
    before = await desktop.until(lambda: True, "now")
    assert await desktop.until(lambda: next(seen), "the third time") > before


class Screen:
    """A screen whose pixels are given, four bytes each."""

    def __init__(self, *pixels):
        self.root = self
        self.data = b"".join(bytes((blue, green, red, 0)) for red, green, blue in pixels)

    def screen(self):
        return self

    def get_image(self, *_area):
        return self


@pytest.mark.skipif(sys.platform != "linux", reason="X")
@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        ([(0, 0, 0), (1, 2, 3)], True),
        ([(3, 2, 1), (0, 0, 0)], False),
        ([(2, 3, 0), (0, 0, 1)], False),  # the same bytes, but of two pixels
        ([(2, 3, 0), (0, 0, 1), (1, 2, 3)], True),
    ],
)
def test_a_colour_is_found_where_a_pixel_has_it(tmp_path, pixels, shown):
    pytest.importorskip("Xlib")
    found = Desktop(tmp_path)
    found._display = Screen(*pixels)
    assert found.shows((1, 2, 3)) is shown
