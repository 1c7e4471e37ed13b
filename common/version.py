"""Which version this is, read from the installed package so that it stands in one place: pyproject.toml."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("discord-voice-comm")
    except PackageNotFoundError:
        return "0+source"


VERSION = _installed()
"""Of the installed package; ``0+source`` when run from a bare checkout."""
