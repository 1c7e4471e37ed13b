"""What was, and what is inside."""

import asyncio
from importlib import metadata

from common.version import VERSION
from tray.desk import TrayDesk
from tray.panel import messages as m


async def get_history(desk: TrayDesk, _command: m.GetHistory) -> m.History:
    """Return the last sessions."""
    return m.History(await asyncio.to_thread(desk.history.latest))


async def get_about(_desk: TrayDesk, _command: m.GetAbout) -> m.About:
    """Return what is installed beside us, with the licence each names."""
    return await asyncio.to_thread(about)


def about() -> m.About:
    """Read the installed packages' own words; takes some hundredths of a second."""
    found = {each.name: each for each in metadata.distributions() if each.name}
    ingredients = (m.Ingredient(name, each.version, _licence(each)) for name, each in found.items())
    return m.About(VERSION, tuple(sorted(ingredients, key=lambda each: each.name.lower())))


def _licence(package: metadata.Distribution) -> str:
    """Return the licence a package declares, the newer way (SPDX) or one of the older ones."""
    declared = package.metadata
    for name in ("License-Expression", "License"):
        text = str(declared[name] or "").strip() if name in declared else ""
        if text and "\n" not in text:
            return text[:80]
    classified = [line for line in declared.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(line.rpartition(" :: ")[2] for line in classified)[:80]
