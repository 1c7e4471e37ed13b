"""docs/set-up.md says what the wizard's steps say."""

from devtools.setup_docs import PAGE, page
from tray.wizard.steps import actions, next_event


def test_the_page_is_fresh():
    assert PAGE.read_text("utf-8") == page(), "run: python -m devtools.setup_docs"


def test_every_action_is_a_row():
    rows = [line for line in page().splitlines() if line.endswith(("| Discord |", "| here |"))]
    assert len(rows) == len(actions()) + len(next_event())
