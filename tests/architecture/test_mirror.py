from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("common", "engine", "tray", "simulator", "devtools", "web/gen")
WITHOUT_MIRROR = ("journeys", "foreign", "architecture", "browser", "web")
LINES_WITHOUT_A_TEST = 60
WITHOUT_SOURCE = {
    "tests/test_dev.py",  # dev.py stands at the root
    "tests/simulator/test_discord_py.py",  # the real discord.py on the simulator's whole control plane
}

UNTESTED_BY_NAME = {
    # Words only: nothing to decide.
    "common/errors.py",  # test_sentences asks every code for its sentence
    "common/protocol/messages.py",  # test_codec sends every message there and back
    "common/protocol/meters.py",
    "common/protocol/state.py",
    "engine/gateway/views.py",
    # Shown by the tests of the one module that uses them.
    "engine/app.py",  # test_headless, test_main
    "engine/control/peer.py",  # test_server
    "engine/gateway/client.py",  # test_bot
    "engine/gateway/endpoint.py",  # test_bot
    "engine/gateway/failures.py",  # test_bot
    "engine/gateway/pool.py",  # test_relay
    "engine/gateway/reading.py",  # test_bot
    "engine/session/line.py",  # test_relay
    "engine/session/mixing.py",  # test_relay
    "engine/session/outages.py",  # test_supervisor
    "tray/engine_process.py",  # test_supervisor
    "simulator/api_errors.py",  # test_rest
    "simulator/davey_member.py",  # test_dave, test_ears
    "simulator/faults.py",  # test_timeline, journeys
    "simulator/gateway_connection.py",  # test_gateway
    "simulator/gateway_session.py",  # test_gateway
    "simulator/payloads.py",  # test_rest, test_gateway
    "simulator/routes.py",  # test_rest
    "simulator/show.py",  # test_ears
    "simulator/tls.py",  # test_server
    # Run by hand or by dev.py as a whole.
    "devtools/render_clips.py",
}
"""Longer modules without a test file of their own name, and where else they are tested. It may only get shorter."""


def sources(programs=PROGRAMS):
    return [
        path.relative_to(ROOT)
        for program in programs
        for path in (ROOT / program).rglob("*.py")
        if path.name[:3] != "__i"
    ]


def mirror(source):
    return ROOT / "tests" / source.parent / f"test_{source.stem.strip('_')}.py"


def test_every_test_file_is_named_after_a_source_file():
    mirrors = {mirror(source) for source in sources((*PROGRAMS, "benchmarks"))}
    mirrors |= {ROOT / path for path in WITHOUT_SOURCE}
    files = {
        path for path in (ROOT / "tests").rglob("test_*.py") if path.relative_to(ROOT).parts[1] not in WITHOUT_MIRROR
    }
    assert files - mirrors == set()


def test_every_longer_module_has_a_test_of_its_name():
    longer = {each for each in sources() if len((ROOT / each).read_text("utf-8").splitlines()) > LINES_WITHOUT_A_TEST}
    assert {each.as_posix() for each in longer if not mirror(each).exists()} - UNTESTED_BY_NAME == set()


@pytest.mark.parametrize("source", sorted(UNTESTED_BY_NAME))
def test_the_list_of_exceptions_holds_nothing_that_has_a_test_or_is_gone(source):
    assert (ROOT / source).exists()
    assert not mirror(Path(source)).exists()
