"""The built page in memory: every file with its type, its tags and what of it is compressed already.

Files are read once, when the program starts. A request only looks up a name among them, so that no path of a request
ever reaches the file system.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

PAGE: Final = "/"
TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""What is served; other files of the build (its digest, its manifest) are nobody's business."""

_HASHED: Final = "/assets/"
"""Where the build puts files whose name changes with their content."""
_FOREVER: Final = "private, max-age=31536000, immutable"
_ALWAYS_ASK: Final = "no-cache"
_NEVER_KEPT: Final = "no-store"

_REFUSED: Final = re.compile(r"q=0(\.0*)?")


@dataclass(frozen=True, slots=True)
class Variant:
    """A file as it is sent; ``tag`` without quotes."""

    body: bytes
    tag: str
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file; ``small`` is its compressed variant where that is smaller."""

    content_type: str
    caching: str
    plain: Variant
    small: Variant | None

    def variant(self, accepted: str) -> Variant:
        """Return what to send to somebody who accepts these encodings (the header's text)."""
        return self.small if self.small is not None and accepts_gzip(accepted) else self.plain


def accepts_gzip(accepted: str) -> bool:
    """Read an Accept-Encoding header; ``gzip;q=0`` refuses it."""
    for each in accepted.lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in {"gzip", "*"}:
            return _REFUSED.fullmatch(weight.strip()) is None
    return False


def built_page() -> Traversable:
    """Return the folder with the built page."""
    return resources.files("tray.panel").joinpath("static")


def load(folder: Traversable) -> dict[str, StaticFile]:
    """Read a folder's files by their address; the page itself is ``/``. An absent folder has none."""
    if not folder.is_dir():
        return {}
    files = {path: _made(path, data) for path, data in _walk(folder, "") if _suffix(path) in TYPES}
    if "/index.html" in files:
        files[PAGE] = files.pop("/index.html")
    if "/favicon.svg" in files:  # what browsers ask for while they have not read the page
        files.setdefault("/favicon.ico", files["/favicon.svg"])
    return files


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _walk(each, f"{path}/{each.name}")
        else:
            yield f"{path}/{each.name}", each.read_bytes()


def _suffix(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _made(path: str, data: bytes) -> StaticFile:
    tag = hashlib.sha256(data).hexdigest()[:32]
    packed = gzip.compress(data, mtime=0)
    small = Variant(packed, f"{tag}-gz", "gzip") if len(packed) < len(data) else None
    return StaticFile(TYPES[_suffix(path)], _caching(path), Variant(data, tag), small)


def _caching(path: str) -> str:
    if path.startswith(_HASHED):
        return _FOREVER
    return _NEVER_KEPT if _suffix(path) == "html" else _ALWAYS_ASK
