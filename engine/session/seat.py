"""One bot of a session with everything that belongs to it: where it should be, what connects it, who watches it."""

from dataclasses import dataclass

from common.protocol.spec import DestinationSpec, SourceSpec
from common.types import BotKey, ChannelId
from engine.gateway.bot import Bot
from engine.session.line import VoiceLine
from engine.session.preflight import is_source
from engine.session.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Seat:
    """A source's or a destination's bot. ``home`` is the session's name of the place, also after a move."""

    spec: SourceSpec | DestinationSpec
    bot: Bot
    line: VoiceLine
    supervisor: Supervisor

    @property
    def key(self) -> BotKey:
        """The bot's name."""
        return self.bot.key

    @property
    def home(self) -> ChannelId:
        """The channel of the spec."""
        return self.supervisor.home

    @property
    def is_source(self) -> bool:
        """Whether the bot listens; otherwise it plays."""
        return is_source(self.spec)
