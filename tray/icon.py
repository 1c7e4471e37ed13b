"""The icon's pictures: every face has a shape and a colour of its own, so that neither needs the other.

Drawn large and reduced, on a transparent ground; the colours keep a contrast of 3:1 with white and with black
(WCAG 2.2, 1.4.11), since nobody knows which bar they will stand on.
"""

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageDraw

from tray.face import Face

SIZES: Final = (16, 22, 24, 32, 48, 64)
"""Pixels that bars ask for."""
_OVERSAMPLING: Final = 8
_WHITE: Final = (255, 255, 255, 255)
_NOTHING: Final = (0, 0, 0, 0)

COLOURS: Final = MappingProxyType(
    {
        Face.IDLE: (128, 128, 128),
        Face.REHEARSING: (45, 125, 225),
        Face.LIVE: (25, 150, 75),
        Face.DEGRADED: (200, 120, 0),
        Face.FAILED: (220, 50, 47),
    }
)
"""sRGB."""


class _Canvas:
    """Draws in units of the picture: 0 to 1 from left to right and from top to bottom."""

    def __init__(self, size: int, face: Face) -> None:
        self._size = size * _OVERSAMPLING
        self.picture = Image.new("RGBA", (self._size, self._size), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.picture)
        self._ink = (*COLOURS[face], 255)

    def disc(self, radius: float) -> None:
        self._draw.ellipse(self._around(radius), fill=self._ink)

    def hole(self, radius: float) -> None:
        self._draw.ellipse(self._around(radius), fill=_NOTHING)

    def polygon(self, *points: tuple[float, float]) -> None:
        self._draw.polygon([self._at(point) for point in points], fill=self._ink)

    def stroke(self, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
        self._draw.line([self._at(start), self._at(end)], fill=_WHITE, width=round(width * self._size))

    def _around(self, radius: float) -> tuple[float, float, float, float]:
        centre, extent = self._size / 2, radius * self._size
        return centre - extent, centre - extent, centre + extent, centre + extent

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * self._size, point[1] * self._size


def _idle(canvas: _Canvas) -> None:
    """Draw a thin ring: the lamp is there, and dark."""
    canvas.disc(0.47)
    canvas.hole(0.33)


def _rehearsing(canvas: _Canvas) -> None:
    """Draw a triangle that points to the right, as on a player: a recording, not the show."""
    canvas.polygon((0.14, 0.03), (0.97, 0.5), (0.14, 0.97))


def _live(canvas: _Canvas) -> None:
    """Draw a full disc: the lamp is lit."""
    canvas.disc(0.49)


def _degraded(canvas: _Canvas) -> None:
    """Draw a warning triangle with its exclamation mark."""
    canvas.polygon((0.5, 0.02), (1.0, 0.96), (0.0, 0.96))
    canvas.stroke((0.5, 0.32), (0.5, 0.66), 0.13)
    canvas.stroke((0.5, 0.75), (0.5, 0.87), 0.13)


def _failed(canvas: _Canvas) -> None:
    """Draw a square with a cross."""
    canvas.polygon((0.04, 0.04), (0.96, 0.04), (0.96, 0.96), (0.04, 0.96))
    canvas.stroke((0.24, 0.24), (0.76, 0.76), 0.16)
    canvas.stroke((0.76, 0.24), (0.24, 0.76), 0.16)


_DRAWINGS: Final[MappingProxyType[Face, Callable[[_Canvas], None]]] = MappingProxyType(
    {
        Face.IDLE: _idle,
        Face.REHEARSING: _rehearsing,
        Face.LIVE: _live,
        Face.DEGRADED: _degraded,
        Face.FAILED: _failed,
    }
)


@cache
def picture(face: Face, size: int) -> Image.Image:
    """Return the picture of a face, ``size`` pixels wide and high, RGBA; the same one every time: don't change it."""
    canvas = _Canvas(size, face)
    _DRAWINGS[face](canvas)
    return canvas.picture.resize((size, size), Image.Resampling.LANCZOS)
