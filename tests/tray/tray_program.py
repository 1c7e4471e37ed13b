"""A program with nothing but an icon, for tests that look at it through a real tray host.

It shows a real menu of a simulated desk, carries out what is chosen on that desk, and writes one JSON line for each.
``quit`` ends it. SIGINT must be ours again once the icon is there.
"""

import json
import signal
import sys
import threading

from common.protocol.messages import Kill, MuteSource, StopSession
from common.protocol.state import MatchPhase, Phase, SessionState
from common.sentences import templates
from tests.tray.face_data import SPEC, bot, desk
from tray.backend import PystrayPort, TrayUnavailable
from tray.face import look
from tray.menu import Quit, menu
from tray.panel.messages import Start


def say(**what):
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


class Program:
    def __init__(self):
        self.desk = desk()
        self.state = SessionState()
        self.port = PystrayPort("relay-test", self.chosen)

    def show(self):
        shown = look(self.state, self.desk.engine, rehearsing=False)
        words = templates("en")
        self.port.update(shown.face, words[f"tray.state.{shown.line}"], menu(self.desk, self.state, shown, words))

    def chosen(self, action):
        say(chosen=type(action).__name__)
        spec = self.state.spec or SPEC
        match action:
            case Start():
                self.state = SessionState(phase=Phase.RUNNING, match=MatchPhase.IDLE, spec=SPEC, bots=(bot(),))
            case StopSession():
                self.state = SessionState()
            case Kill(active=active):
                self.state = SessionState(phase=Phase.RUNNING, kill=active, spec=spec, bots=(bot(),))
            case MuteSource(source=channel, muted=muted):
                sources = tuple(
                    type(each)(channel=each.channel, bot=each.bot, name=each.name, muted=muted)
                    if each.channel == channel
                    else each
                    for each in spec.sources
                )
                changed = type(spec)(guild=spec.guild, sources=sources, destinations=spec.destinations)
                self.state = SessionState(phase=Phase.RUNNING, spec=changed, bots=(bot(),))
            case Quit():
                self.port.stop()
                return
        self.show()


def main():
    program = Program()
    signal.signal(signal.SIGINT, lambda *_: program.port.stop())
    program.show()
    say(available=program.port.available())
    try:
        program.port.run(lambda: say(ready=True))
    except TrayUnavailable as error:
        say(unavailable=error.details["reason"])
        return 3
    say(ended=True, threads=threading.active_count())
    return 0


if __name__ == "__main__":
    sys.exit(main())
