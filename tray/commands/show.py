"""Starting, and rehearsing."""

from common.errors import ErrorCode, SessionError
from tray.desk import TrayDesk
from tray.face import match_is_live
from tray.panel import messages as m


async def start(desk: TrayDesk, _command: m.Start) -> None:
    """Start the session of the set-up; an engine that was given up gets another try, since a person asks."""
    spec = desk.session()
    await desk.engines.revive()
    await desk.engines.supervisor.start_session(spec)


async def start_rehearsal(desk: TrayDesk, _command: m.StartRehearsal) -> None:
    """Go over to the simulated Discord and start the session there."""
    desk.refuse_on_air()
    await desk.engines.begin_rehearsal()
    desk.changed()
    await desk.engines.supervisor.start_session(desk.session())


async def stop_rehearsal(desk: TrayDesk, _command: m.StopRehearsal) -> None:
    """Go back to the real bots."""
    await desk.engines.end_rehearsal()
    desk.changed()


async def quit_program(desk: TrayDesk, command: m.QuitProgram) -> None:
    """End the program; raises MATCH_LIVE while a match is live and nobody said that they are sure."""
    if match_is_live(desk.state) and not command.sure:
        raise SessionError(ErrorCode.MATCH_LIVE)
    desk.on_quit()
