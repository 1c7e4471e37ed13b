"""Presets, by :mod:`tray.presets`."""

from tray import presets
from tray.desk import TrayDesk
from tray.panel import messages as m


async def save_preset(desk: TrayDesk, command: m.SavePreset) -> None:
    """Keep the present set-up under a name."""
    desk.refuse_in_rehearsal()
    desk.change(presets.saved(desk.config, command.name))


async def load_preset(desk: TrayDesk, command: m.LoadPreset) -> None:
    """Take a preset as the set-up; raises ALREADY_RUNNING while a session runs."""
    desk.refuse_on_air()
    desk.refuse_in_rehearsal()
    desk.change(presets.loaded(desk.config, command.name))


async def remove_preset(desk: TrayDesk, command: m.RemovePreset) -> None:
    """Forget a preset."""
    desk.change(presets.removed(desk.config, command.name))
