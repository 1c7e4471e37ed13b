"""docs/protocol.md says what the messages say."""

from typing import get_args

from common.errors import ErrorCode
from common.protocol.messages import ClientMessage, Command, EngineMessage
from common.protocol.spec import EQUALIZER_PRESETS
from devtools.protocol_docs import PAGE, page


def test_the_page_is_fresh():
    assert PAGE.read_text("utf-8") == page(), "run: python -m devtools.protocol_docs"


def test_every_message_and_every_code_is_on_it():
    text = page()
    for kind in (*get_args(ClientMessage), *get_args(EngineMessage), *get_args(Command)):
        assert f"### `{kind.__struct_config__.tag}`" in text
    for code in (*ErrorCode, *EQUALIZER_PRESETS):
        assert f"| `{code}` |" in text
