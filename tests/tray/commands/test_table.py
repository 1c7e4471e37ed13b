from typing import get_args

from tray.commands.table import TABLE
from tray.panel.messages import PanelCommand


def test_every_command_of_the_page_has_one_handler():
    assert set(TABLE) == set(get_args(PanelCommand))
