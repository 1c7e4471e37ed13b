import importlib.util
from pathlib import Path

import pytest


def beside(name):
    """Load a helper that stands beside this file."""
    spec = importlib.util.spec_from_file_location(f"voice_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


group, other_server = beside("group"), beside("other_server")


@pytest.fixture
def make_group():
    return group.Group


@pytest.fixture
async def other_servers(tmp_path):
    """Start other servers; they end with the test."""
    started = []

    async def start(**ways):
        server = other_server.OtherServer(tmp_path, **ways)
        started.append(await server.__aenter__())
        return server

    yield start
    for server in started:
        await server.__aexit__(None, None, None)
