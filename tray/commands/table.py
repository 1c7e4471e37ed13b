"""What each of the tray's own commands does: one handler each, in one table."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tray.commands import bots, files, guilds, preferences, presets, records, secrets, show, wizard
from tray.desk import TrayDesk
from tray.panel import messages as m

Handler = Callable[[TrayDesk, Any], Awaitable[m.PanelPayload | None]]

TABLE: Final[Mapping[type, Handler]] = MappingProxyType(
    {
        m.SetPreferences: preferences.set_preferences,
        m.Start: show.start,
        m.StartRehearsal: show.start_rehearsal,
        m.StopRehearsal: show.stop_rehearsal,
        m.QuitProgram: show.quit_program,
        m.CheckToken: bots.check_token,
        m.SaveBot: bots.save_bot,
        m.RemoveBot: bots.remove_bot,
        m.DressBot: bots.dress_bot,
        m.FindGuilds: guilds.find_guilds,
        m.FindChannels: guilds.find_channels,
        m.SaveSetup: guilds.save_setup,
        m.CheckPlaces: guilds.check_places,
        m.WizardGo: wizard.go,
        m.WizardDone: wizard.done,
        m.SavePreset: presets.save_preset,
        m.LoadPreset: presets.load_preset,
        m.RemovePreset: presets.remove_preset,
        m.GetHistory: records.get_history,
        m.GetAbout: records.get_about,
        m.UnlockSecrets: secrets.unlock_secrets,
        m.ImportLegacy: files.import_legacy,
        m.DeleteLegacy: files.delete_legacy,
        m.ExportPack: files.export_pack,
        m.ImportPack: files.import_pack,
    }
)
"""Every command of ours; a test compares it with ``messages.PanelCommand``."""


class Commands:
    """The desk as the faces use it: what is known, what changes, and every command."""

    def __init__(self, desk: TrayDesk) -> None:
        self.desk = desk.desk
        self.listen = desk.listen
        self._desk = desk

    async def carry_out(self, command: m.PanelCommand) -> m.PanelPayload | None:
        """Carry out one command; raises RelayError."""
        return await TABLE[type(command)](self._desk, command)
