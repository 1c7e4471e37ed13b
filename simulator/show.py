"""A scene's people on the air: who sits where and talks when, and who listens."""

import asyncio
import ssl
from collections.abc import Callable

from common.types import UserId
from simulator.ears import Ears
from simulator.network import Network
from simulator.people import People, Script
from simulator.rooms import Clock
from simulator.scene import Cast, PersonTable, Scene
from simulator.tasks import Tasks
from simulator.voice_gateway import VoiceServer
from simulator.world import VoiceStateChanged, World, WorldEvent

SETTLING_SECONDS = 1.0
"""Between the last bot's arrival and the first word: the encryption groups take a moment."""


class Show:
    """The people of a scene. With ``waits_for_bots`` the schedule begins when all its bots are in voice."""

    def __init__(
        self,
        scene: Scene,
        cast: Cast,
        world: World,
        *,
        servers: list[VoiceServer],
        network: Network,
        clock: Clock,
        tls: ssl.SSLContext,
        seed: int,
    ) -> None:
        self.people = People(world, servers, network, clock, seed)
        self.ears: dict[str, Ears] = {}
        """Who listens through sockets of its own, by name."""
        self.began = asyncio.Event()
        self._scene = scene
        self._cast = cast
        self._world = world
        self._servers = servers
        self._network = network
        self._clock = clock
        self._tls = tls
        self._tasks = Tasks()
        self._unlisten: Callable[[], None] | None = None

    def start(self) -> None:
        """Let everybody come in, and the schedule begin when it may."""
        self.people.link_quality = self._scene.network.from_people
        for table in self._scene.people:
            self._cast_person(table)
        for server in self._servers:
            server.link_quality = self._scene.network.to_clients
            server.uplink_quality = self._scene.network.from_clients
        if self._scene.waits_for_bots:
            self._unlisten = self._world.listen(self._on_event)
        else:
            self._begin()
        self._tasks.start(self.people.run(), name="people")

    async def close(self) -> None:
        """Let everybody go."""
        await self._tasks.close()
        if self._unlisten is not None:
            self._unlisten()
        for ears in self.ears.values():
            await ears.close()
        self.people.close()

    def _cast_person(self, table: PersonTable) -> None:
        account, guild = self._cast.people[table.name], self._cast.guild.id
        channel = self._cast.channel(table.channel) if table.channel else None
        if table.listens and channel is not None:
            self.ears[table.name] = Ears(self._world, guild, account.id, channel, tls=self._tls, clock=self._clock)
            self.ears[table.name].start()
            return
        talks = () if self._scene.waits_for_bots else table.talks
        self.people.add(guild, account.id, self._script(table, talks), channel)

    def _script(self, table: PersonTable, talks: tuple[tuple[float, float], ...]) -> Script:
        return Script(
            clip=table.clip or "",
            talks=talks,
            period=self._scene.period,
            plain_share=self._scene.network.plain_share,
            empty_share=self._scene.network.empty_share,
            late_speaking=table.late_speaking,
        )

    def _on_event(self, event: WorldEvent) -> None:
        if not isinstance(event, VoiceStateChanged) or self._unlisten is None:
            return
        bots: set[UserId] = {bot.id for bot in self._cast.bots.values()}
        if bots <= self._cast.guild.voice_states.keys():
            self._unlisten()
            self._unlisten = None
            asyncio.get_running_loop().call_later(SETTLING_SECONDS, self._begin)

    def _begin(self) -> None:
        for table in self._scene.people:
            voice = self.people.voices.get(self._cast.people[table.name].id)
            if voice is not None:
                voice.script = self._script(table, table.talks)
        self.people.begin(self._clock())
        self.began.set()
