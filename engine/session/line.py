"""A bot's way into voice: the main gateway's half (op 4) and the voice server's half, put together.

:class:`engine.session.supervisor.Line` says what each call means. The sender outlives connections, so that its RTP
time goes on, and so do the counts.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp

from common.errors import DiscordError, ErrorCode
from common.types import ChannelId, GuildId
from engine.gateway.bot import Bot
from engine.metrics import Counters
from engine.session.measures import add_up
from engine.session.mixing import Mixing
from engine.session.recovery import Cause, Trouble
from engine.session.supervisor import Supervisor, VoiceLost
from engine.voice.client import RelayVoiceProtocol
from engine.voice.connection import Loss, ModeRefusedError, VoiceConnection, VoiceLostError, VoiceRooms
from engine.voice.inbound import OnPacket
from engine.voice.sender import Sender

ANSWER_SECONDS = 3.0
"""How long Discord may take to answer op 4; it does so in a fraction of a second, or never (a full channel)."""

_UNKNOWN_MODE = 4016


class VoiceLine:
    """The line of one bot. ``listens``: self-muted and hearing; otherwise self-deafened and speaking.

    ``on_packet`` takes what is heard, in the receive thread; left out, it is mixed.
    """

    def __init__(
        self,
        bot: Bot,
        guild: GuildId,
        mixing: Mixing,
        tls: ssl.SSLContext,
        *,
        listens: bool,
        on_packet: OnPacket | None = None,
    ) -> None:
        self.sender = None if listens else Sender(mixing.tick_ms)
        self._bot = bot
        self._guild = guild
        self._mixing = mixing
        self._tls = tls
        self._on_packet = mixing.push if on_packet is None else on_packet
        self._listens = listens
        self._counters = Counters()
        self._place: RelayVoiceProtocol | None = None
        self._connection: VoiceConnection | None = None
        self._supervisor: Supervisor | None = None

    def report_to(self, supervisor: Supervisor) -> None:
        """Name who wants to hear of losses and of other voice servers."""
        self._supervisor = supervisor

    @property
    def encryption(self) -> int:
        """The DAVE version in force; 0 without end-to-end encryption or without a connection."""
        return 0 if self._connection is None else self._connection.dave.version

    @property
    def ready(self) -> bool:
        """Whether there is a connection with keys for what its encryption asks for."""
        return self._connection is not None and self._connection.dave.ready

    def take_bot(self, bot: Bot) -> None:
        """Go on with another login, which has no place in voice yet; the old one's is let go."""
        place, self._place = self._place, None
        if place is not None:
            place.cleanup()
        self._bot = bot

    def counts(self) -> dict[str, int]:
        """Return what was counted so far, by hop and reason, over all connections of this line."""
        sent: Mapping[str, int] = {} if self.sender is None else self.sender.counters.snapshot()
        return add_up([self._counters.snapshot(), sent])

    # Line

    async def join(self, channel: ChannelId) -> None:
        """Leave what there is, ask for the channel, wait for the answer, make the handshake."""
        await self.close(leave=self._place is not None)
        self._place = await self._bot.join(
            self._guild,
            channel,
            lambda client, vocal: RelayVoiceProtocol(client, vocal, on_server=self._server_updated),
            timeout=ANSWER_SECONDS,
            self_mute=self._listens,
            self_deaf=not self._listens,
        )
        await self._connect()

    async def handshake(self, channel: ChannelId) -> None:  # noqa: ARG002 - Discord's own word on the place is newer
        """Drop the old connection and make the handshake with the server named last."""
        await self._hang_up()
        await self._connect()

    async def resume(self) -> None:
        """Take the lost connection up again."""
        if self._connection is None:
            raise VoiceLost(Cause(Trouble.ABORT))
        with _in_our_words(self._bot):
            await self._connection.resume()

    async def close(self, *, leave: bool) -> None:
        """Drop the connection; ``leave`` also tells Discord that the bot goes."""
        await self._hang_up()
        place, self._place = self._place, None
        if place is not None:
            place.cleanup()
        if leave:
            await self._bot.leave(self._guild)

    async def _connect(self) -> None:
        server = None if self._place is None else self._place.server
        if server is None:
            raise DiscordError(ErrorCode.VOICE_TIMEOUT, bot=self._bot.key)

        def lost(loss: Loss) -> None:
            # What an older connection says of its end is no news.
            if self._connection is connection and self._supervisor is not None:
                self._supervisor.lost(_cause(loss))

        connection = VoiceConnection(
            server,
            VoiceRooms(
                receiver=self._mixing.receiver,
                ssl=self._tls,
                on_packet=self._on_packet,
                on_lost=lost,
                on_encryption=self._encryption_changed,
                sender=self.sender,
                counters=self._counters,
            ),
        )
        self._connection = connection
        with _in_our_words(self._bot):
            await connection.open()

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _encryption_changed(self) -> None:
        if self._supervisor is not None:
            self._supervisor.show()

    def _server_updated(self, available: bool) -> None:
        if self._supervisor is not None:
            self._supervisor.server_updated(available=available)


@contextmanager
def _in_our_words(bot: Bot) -> Iterator[None]:
    """Say the voice room's failures in this room's words; a time-out stays one."""
    try:
        yield
    except VoiceLostError as lost:
        raise VoiceLost(_cause(lost.loss)) from lost
    except ModeRefusedError as refused:
        raise VoiceLost(Cause(Trouble.CLOSE, _UNKNOWN_MODE)) from refused
    except TimeoutError:
        raise
    except (OSError, aiohttp.ClientError) as error:
        raise DiscordError(ErrorCode.DISCORD_UNREACHABLE, bot=bot.key, reason=type(error).__name__) from error


def _cause(loss: Loss) -> Cause:
    """Translate the voice room's word for a loss."""
    return Cause(Trouble(loss.kind), loss.code)
