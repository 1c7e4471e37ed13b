"""Faces are told apart by shape alone, by colour alone, and stand on any bar."""

import itertools

import numpy as np
import pytest

from tray.face import Face
from tray.icon import COLOURS, SIZES, picture

PAIRS = list(itertools.combinations(Face, 2))


def grey_on(face, size, bar):
    """Return the picture on a bar, all inks made one grey: 0 (bar) to 1 (ink), what is white in it -1."""
    rgba = np.asarray(picture(face, size), float)
    ink = np.array(COLOURS[face], float)
    white = np.linalg.norm(rgba[..., :3] - ink, axis=-1) > np.linalg.norm(rgba[..., :3] - 255, axis=-1)
    return np.where(white, bar, 1.0) * (rgba[..., 3] / 255)


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_shapes_differ_without_colour(one, other, size):
    # On a white bar the white in a picture is the bar: the outline must do.
    differing = np.abs(grey_on(one, size, 0.0) - grey_on(other, size, 0.0)) > 0.5
    assert differing.mean() > 0.08


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize("bar", [(255, 255, 255), (0, 0, 0)])
def test_every_colour_is_seen_on_light_and_dark(face, bar):
    assert contrast(COLOURS[face], bar) >= 3


def test_no_colour_is_used_twice():
    assert len(set(COLOURS.values())) == len(Face)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("face", Face)
def test_a_picture_is_square_on_no_ground_and_made_once(face, size):
    made = picture(face, size)
    assert (made.size, made.mode) == ((size, size), "RGBA")
    assert made is picture(face, size)
    alpha = np.asarray(made)[..., 3]
    assert alpha.min() < 64
    assert (alpha == 255).mean() > 0.1
