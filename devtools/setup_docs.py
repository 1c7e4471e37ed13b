"""``python -m devtools.setup_docs``: writes docs/set-up.md, what a person does from installed to live, from the wizard.

The list is ``tray.wizard.steps``, its words are the page's own.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tray.wizard.steps import Action, actions, next_event

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "set-up.md"
WORDS = ROOT / "web" / "src" / "locales"
ORIGINAL = 82
"""Actions that the original application takes for three bots, counted the same way."""

HEAD = """# From installed to live

Written by `python -m devtools.setup_docs` from `tray/wizard/steps.py`; not edited by hand.

An action is a click, or a word typed or pasted. Not counted: looking, waiting, switching windows, and what Discord
asks of some for safety's sake (a second factor, ticking its terms, proving to be human). With a keychain, one server,
and channels without a user limit; a channel with one costs an action to read that, and two to invite its bot anew.
What happens on Discord's pages is taken from its documentation; they change without notice, and nobody has counted
them with a new account.
"""


def page() -> str:
    """Return the whole page."""
    three = actions()
    less = 100 * (ORIGINAL - len(three)) / ORIGINAL
    return "\n".join(
        [
            HEAD,
            "| bots | actions |",
            "|---|---|",
            *(f"| {bots} | {len(actions(bots))} |" for bots in (2, 3, 4, 5)),
            "",
            f"The original application takes {ORIGINAL} for three bots; this is {less:.0f} % less.",
            "",
            f"## Three bots: {len(three)} actions",
            *_table(three),
            f"## The next event: {len(next_event())} actions",
            *_table(next_event()),
        ]
    )


def _table(made: Sequence[Action]) -> list[str]:
    rows = [
        f"| {number} | {_words('en', action)}<br>{_words('ja', action)} | {'Discord' if action.elsewhere else 'here'} |"
        for number, action in enumerate(made, 1)
    ]
    return ["", "| | action | on whose page |", "|---|---|---|", *rows, ""]


def _words(language: str, action: Action) -> str:
    known = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
    step, text = known[f"wizard.{action.step}"], known[f"wizard.action.{action.name}"]
    return f"{step}: {text.format(name='…')}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
