import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("voice_group", Path(__file__).with_name("group.py"))
group = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(group)


@pytest.fixture
def make_group():
    return group.Group
