"""What was, and what is inside."""

import asyncio
import re
from contextlib import suppress
from importlib import metadata
from typing import Final

from common.version import VERSION
from tray.desk import TrayDesk
from tray.panel import messages as m

OURS: Final = "discord-voice-comm"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


async def get_history(desk: TrayDesk, _command: m.GetHistory) -> m.History:
    """Return the last sessions."""
    return m.History(await asyncio.to_thread(desk.history.latest))


async def get_about(_desk: TrayDesk, _command: m.GetAbout) -> m.About:
    """Return what is installed beside us, with the licence each names."""
    return await asyncio.to_thread(about)


def about() -> m.About:
    """Read the installed packages' own words; takes some hundredths of a second."""
    ingredients = (m.Ingredient(each.name, each.version, _licence(each)) for each in _inside(OURS).values())
    return m.About(VERSION, tuple(sorted(ingredients, key=lambda each: each.name.lower())))


def _inside(name: str, found: dict[str, metadata.Distribution] | None = None) -> dict[str, metadata.Distribution]:
    """Return what a package needs, all the way down, by name; without what only an extra or another system needs."""
    found = {} if found is None else found
    for line in metadata.distribution(name).requires or ():
        needed, _, condition = line.partition(";")
        known = _NAME.match(needed)
        if known is None or "extra" in condition:
            continue
        with suppress(metadata.PackageNotFoundError):
            package = metadata.distribution(known[0])
            if package.name not in found:
                found[package.name] = package
                _inside(package.name, found)
    return found


def _licence(package: metadata.Distribution) -> str:
    """Return the licence a package declares, the newer way (SPDX) or one of the older ones."""
    declared = package.metadata
    for name in ("License-Expression", "License"):
        text = str(declared[name] or "").strip() if name in declared else ""
        if text and "\n" not in text:
            return text[:80]
    classified = [line for line in declared.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(line.rpartition(" :: ")[2] for line in classified)[:80]
