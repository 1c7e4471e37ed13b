"""The speech that simulated people say: Ogg Opus clips with their text beside them."""

from functools import cache
from pathlib import Path

from simulator import ogg

FOLDER = Path(__file__).parent / "clips"


def names() -> list[str]:
    """Return the clips there are."""
    return sorted(path.stem for path in FOLDER.glob("*.ogg"))


@cache
def packets(name: str) -> tuple[bytes, ...]:
    """Return a clip's Opus packets of 20 ms; KeyError for an unknown one."""
    path = FOLDER / f"{name}.ogg"
    if not path.is_file():
        raise KeyError(name)
    return tuple(ogg.read(path))


def text(name: str) -> str:
    """Return what is said in a clip."""
    return (FOLDER / f"{name}.txt").read_text("utf-8").strip()
