"""What a person chose about the program itself."""

from msgspec import structs

from tray.autostart import choosing
from tray.desk import TrayDesk
from tray.panel import messages as m


async def set_preferences(desk: TrayDesk, command: m.SetPreferences) -> None:
    """Put them in force; raises AUTOSTART_FAILED and changes nothing when start at login can't be set."""
    wanted = command.preferences
    if wanted.start_at_login != desk.config.start_at_login:
        choosing.of_this_system().switch(wanted.start_at_login, choosing.login_command())
    desk.change(structs.replace(desk.config, **structs.asdict(wanted)))
