"""A real engine without bots behind a real control socket."""

from dataclasses import dataclass

import pytest

from common.protocol.address import Address
from common.protocol.client import ControlClient
from common.protocol.messages import Meters
from common.protocol.meters import EngineMeter
from common.secret import Secret
from engine.app import Engine
from engine.control.handlers import Desk
from engine.control.publisher import MeterStream
from engine.control.server import ControlServer
from engine.gateway.endpoint import Endpoint

TOKEN = Secret("control-token")


@dataclass
class Served:
    engine: Engine
    desk: Desk
    server: ControlServer
    address: Address
    clients: list[ControlClient]
    token: Secret = TOKEN

    async def client(self):
        joined = await ControlClient.connect(self.address, TOKEN, client="test")
        self.clients.append(joined)
        return joined


@pytest.fixture
async def served(tmp_path, monkeypatch):
    monkeypatch.setattr("common.paths.state_folder", lambda: tmp_path)
    engine = Engine(Endpoint())
    engine.meters = MeterStream(
        lambda: Meters(at_ms=1, talkers=(), sources=(), destinations=(), engine=EngineMeter()), hz=1000
    )
    desk = engine.desk({})
    server = ControlServer(desk, TOKEN)
    made = Served(engine, desk, server, await server.start(Address()), [])
    yield made
    for client in made.clients:
        await client.close()
    await server.close()
    await engine.close()
