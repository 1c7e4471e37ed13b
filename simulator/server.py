"""The whole simulator in one context manager: REST and gateway on one TLS port, two voice servers, people.

Everything is bound to 127.0.0.1, on ports the system chooses.
"""

import socket
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from simulator import tls
from simulator.calls import Calls
from simulator.clock import Clock, RealClock
from simulator.faults import Faults
from simulator.gateway import Gateway, GatewaySettings
from simulator.limits import Renames, RequestLimits, SessionStarts
from simulator.network import Network
from simulator.people import People
from simulator.rest import BASE, Rest
from simulator.rooms import Clock as MediaClock
from simulator.rooms import RoomSettings, real_clock
from simulator.routes import Routes
from simulator.scene import SCENES, Cast, Scene, build, load
from simulator.show import Show
from simulator.tasks import Tasks
from simulator.timeline import play
from simulator.voice_gateway import VoiceServer, VoiceSettings
from simulator.world import VoicePlane, World

HOST = "127.0.0.1"

TWO_TEAMS = SCENES / "two_teams.toml"
"""The scene that is played if none is named."""

VOICE_SERVERS = 2
"""So that a call can move to another."""

_RESUME_PATH = "/resume"
_LARGEST_BODY = 8 << 20  # an avatar as a data URI


class Simulator:
    """A Discord on this computer, between ``async with`` and its end.

    ``scene`` defaults to the one of two teams; ``folder`` (for ``ca.pem``) to a temporary one; ``seed`` to the scene's;
    ``voice_servers`` to two real ones, made with ``rooms`` and ``voice``. Limits and faults go by ``clock`` (s), people
    and links by ``media_clock`` (ns).
    """

    def __init__(
        self,
        scene: Scene | None = None,
        *,
        folder: Path | None = None,
        seed: int | None = None,
        gateway: GatewaySettings | None = None,
        clock: Clock | None = None,
        media_clock: MediaClock = real_clock,
        rooms: RoomSettings | None = None,
        voice: VoiceSettings | None = None,
        voice_servers: Sequence[VoicePlane] | None = None,
    ) -> None:
        self._scene = load(TWO_TEAMS) if scene is None else scene
        self._folder = folder
        self._gateway_settings = gateway or GatewaySettings()
        self._clock = clock or RealClock()
        self._media_clock = media_clock
        self._tasks = Tasks()
        self._stack = AsyncExitStack()
        self._seed = self._scene.seed if seed is None else seed
        self.world = World(self._seed)
        self.cast: Cast = build(self._scene, self.world)
        self.limits = RequestLimits(self._clock)
        self.starts = SessionStarts(self._clock)
        self.network = Network(self._seed)
        self.voice_servers: Sequence[VoicePlane] = voice_servers or ()
        self.real_voice_servers: list[VoiceServer] = []
        self._makes_voice_servers = voice_servers is None
        self._room_settings = rooms
        self._voice_settings = voice

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        self.certificates = tls.make_certificates(self._folder or Path(stack.enter_context(_temporary_folder())))
        if self._makes_voice_servers:
            await self._serve_voice(stack)
        self.calls = Calls(self.world, self.voice_servers)
        self.calls.start()
        stack.push_async_callback(self.calls.close)
        await self._serve_control(stack)
        people = self._start_show(stack).people if self._makes_voice_servers else None
        servers = self.real_voice_servers
        self.faults = Faults(self.world, self.gateway, self.calls, self.limits, voice_servers=servers, people=people)
        self._tasks.start(play(self._scene.faults, self.faults, self.cast, self._clock), name="timeline")
        if period := self._scene.guild.update_period:
            self._tasks.start(self.gateway.keep_updating(self.cast.guild.id, period), name="guild-updates")
        stack.push_async_callback(self._tasks.close)

    async def _serve_voice(self, stack: AsyncExitStack) -> None:
        for number in range(1, VOICE_SERVERS + 1):
            server = VoiceServer(
                self.world,
                self.certificates.server,
                self.network,
                self._media_clock,
                name=f"voice-{number}",
                seed=self._seed,
                settings=self._voice_settings,
                rooms=self._room_settings,
            )
            await server.start()
            stack.push_async_callback(server.close)
            self.real_voice_servers.append(server)
        self.voice_servers = self.real_voice_servers

    def _start_show(self, stack: AsyncExitStack) -> Show:
        self.show = Show(
            self._scene,
            self.cast,
            self.world,
            servers=self.real_voice_servers,
            network=self.network,
            clock=self._media_clock,
            tls=self.certificates.client,
            seed=self._seed,
        )
        self.show.start()
        stack.push_async_callback(self.show.close)
        return self.show

    async def _serve_control(self, stack: AsyncExitStack) -> None:
        app = web.Application(client_max_size=_LARGEST_BODY)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        listener = socket.create_server((HOST, 0))
        port = listener.getsockname()[1]
        self.api_base = f"https://{HOST}:{port}{BASE}"
        self.gateway_url = f"wss://{HOST}:{port}/"
        resume_url = f"wss://{HOST}:{port}{_RESUME_PATH}"
        self.gateway = Gateway(self.world, self.starts, self._clock, resume_url, self._gateway_settings)
        self.rest = Rest(
            self.world, Routes(self.world, self.starts, Renames(self._clock), self.gateway_url), self.limits
        )
        self.rest.attach(app)
        app.router.add_get("/", self.gateway.handle)
        app.router.add_get(_RESUME_PATH, self.gateway.handle)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(self.gateway.close)
        await web.SockSite(runner, listener, ssl_context=self.certificates.server).start()

    @property
    def people(self) -> People:
        """The scene's people who talk; only with the simulator's own voice servers."""
        return self.show.people

    @property
    def ca_file(self) -> Path:
        """The authority a client must trust."""
        return self.certificates.ca_file


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="simulator-")
