"""The page's types say what the messages say."""

from typing import get_args

from common.protocol.messages import Command
from tray.panel.messages import PanelCommand
from web.gen.protocol import FILE, page


def test_the_file_is_fresh():
    assert FILE.read_text("utf-8") == page(), "run: python -m web.gen.protocol"


def test_every_command_has_its_tag():
    text = page()
    for kind in (*get_args(Command), *get_args(PanelCommand)):
        assert f'export interface {kind.__name__} {{\n  type: "{kind.__struct_config__.tag}";' in text


def test_what_changed_may_be_missing_and_what_the_tray_sends_may_not():
    text = page()
    changed = text[text.index("export interface Changed ") :].partition("}")[0]
    assert "  phase?: Phase;" in changed
    talker = text[text.index("export interface TalkerState ") :].partition("}")[0]
    assert "  solo: boolean;" in talker


def test_a_token_goes_one_way():
    """No event or answer has a field for one."""
    text = page()
    sent = text[text.index("export interface Desk ") :]
    assert "token: string" not in sent
