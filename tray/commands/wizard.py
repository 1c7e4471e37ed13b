"""The set-up's steps, by :mod:`tray.wizard.steps`."""

from msgspec import structs

from tray.desk import TrayDesk
from tray.panel import messages as m
from tray.wizard import steps


async def go(desk: TrayDesk, command: m.WizardGo) -> None:
    """Open a step; raises WIZARD_STEP if it can't be opened yet."""
    desk.change(structs.replace(desk.config, wizard=steps.go(desk.config.wizard, command.step, desk.facts())))


async def done(desk: TrayDesk, command: m.WizardDone) -> None:
    """Mark a step as done and open the next; raises WIZARD_STEP while the world contradicts."""
    desk.change(structs.replace(desk.config, wizard=steps.finish(desk.config.wizard, command.step, desk.facts())))
