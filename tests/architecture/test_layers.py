import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_IN_THE_AUDIO_PATH = ("asyncio", "socket", "ssl", "discord", "davey", "msgspec", "aiohttp", "nacl")


def layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    found = next(contract for contract in contracts if contract.get("containers") == ["engine"])
    return {name.strip() for layer in found["layers"] for name in layer.split("|")}


def test_everything_in_the_engine_has_its_layer_and_every_layer_exists():
    modules = {path.stem for path in (ROOT / "engine").glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in (ROOT / "engine").glob("*/__init__.py")}
    assert modules | rooms == layers()


def test_the_audio_path_loads_nothing_of_the_network():
    # numpy loads none of these; ctypes.util loads subprocess and so selectors, which is why that is not asked about.
    script = f"import sys, engine.audio.pipeline; print(*(sys.modules.keys() & set({NOT_IN_THE_AUDIO_PATH})))"
    loaded = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.split() == []
