"""Which browser our tools and tests look at the panel with, and how it is started: alone, and asking nobody outside."""

from typing import Final

PROGRAM: Final = "chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
