"""``dev.py screenshots``: a picture of every page for the guides, both languages and themes, from the running program.

Walks through the program as a person would, beside the simulated Discord, and writes ``docs/images``.
"""

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright

from devtools import debian
from devtools.browser import FLAGS, PROGRAM
from devtools.program import Program, program

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
WORDS: Final[dict[str, str]] = json.loads((ROOT / "web/src/locales/en.json").read_text("utf-8"))
"""What the page says; the walk is made in English."""

LANGUAGES: Final = {"ja": "日本語", "en": "English"}
"""How the settings call each. The last one is the walk's."""
THEMES: Final = ("dark", "light")
SIZE: Final = (1280, 800)
COLOURS: Final = 96
"""As many as a page's letters need to look smooth: a third of the size of a full picture."""
PATIENCE_MS: Final = 30_000.0
REPAINT_MS: Final = 700.0
"""The meters look up their colours every half second."""
PASSPHRASE: Final = "only for pictures"  # noqa: S105 - nothing is kept behind it
"""Of a vault in a folder that is deleted afterwards."""


class Camera:
    """Takes pictures of ``page``; ``settings`` is a second tab, where language and theme are chosen meanwhile."""

    def __init__(self, page: Page, settings: Page, folder: Path) -> None:
        self.page = page
        self._settings = settings
        self._folder = folder

    def take(self, name: str, ready: Callable[[], None] = lambda: None) -> None:
        """Take what is shown in every language and theme; ``ready`` waits for what each picture must show."""
        for language, called in LANGUAGES.items():
            self._settings.locator("fieldset.segments label", has_text=called).click()
            for theme in THEMES:
                self._settings.locator("fieldset.segments").nth(1).locator("label").nth(1 + (theme == "dark")).click()
                self.page.locator(f'html[lang="{language}"][data-theme="{theme}"]').wait_for(state="attached")
                ready()
                picture = small(self.page.screenshot(animations="disabled", caret="hide"))
                file = self._folder / language / f"{name}-{theme}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(picture)


def small(png: bytes) -> bytes:
    """Return the picture with few colours and well packed."""
    packed = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


class Walk:
    """A person's way through the program, a picture at every stop."""

    def __init__(self, camera: Camera, tokens: Sequence[str]) -> None:
        self._camera = camera
        self._page = camera.page
        self._tokens = tokens

    def whole(self) -> None:
        """Go all the way."""
        self.welcome()
        self.rehearsal()
        self.set_up()
        self.records()

    def welcome(self) -> None:
        """Take what a person sees first, once the engine is up."""
        self._page.locator(".choices").wait_for()
        self._gone(".banner")
        self._camera.take("setup-welcome")

    def rehearsal(self) -> None:
        """Rehearse: the show's pages with two teams that talk, one of them muted in the end."""
        self._button("rehearsal.start").click()
        self._page.locator(".badge.running").wait_for()
        self._camera.take("mixer", ready=self._talk)
        self._page.keyboard.press("?")
        self._page.locator("dialog[open]").wait_for()
        self._camera.take("shortcuts", ready=self._talk)
        self._page.keyboard.press("Escape")
        self._page.locator("[data-strip].bus .toggle.mute").nth(1).click()
        self._open("chain")
        self._page.locator(".hops li.failed").first.wait_for()
        self._camera.take("chain", ready=self._page.locator(".hops li.failed").first.wait_for)
        self._page.locator(".topbar").get_by_role("button", name=WORDS["action.stop"], exact=True).click()
        self._page.locator(".badge.idle").wait_for()
        self._page.locator(".banner.info").get_by_role("button").click()
        self._gone(".banner")

    def set_up(self) -> None:
        """Go through the set-up from the passphrase to the end, with the simulator's bots."""
        self._open("setup")
        self._button("wizard.have_bots").click()
        self._passphrase()
        self._bots()
        self._heading("wizard.channels").wait_for()
        self._page.locator("select").first.wait_for()
        self._camera.take("setup-channels")
        self._step("wizard.invite", ".servers")
        self._camera.take("setup-invite")
        self._step("wizard.channels", "select")
        self._button("wizard.action.confirm_channels").click()
        self._step("wizard.check", ".wizard-step .verdict")
        self._camera.take("setup-check")
        self._button("action.next").click()
        self._sound()
        self._heading("wizard.done").wait_for()
        self._camera.take("setup-done")

    def records(self) -> None:
        """Stop the session, and take the pages that are there at any time."""
        self._page.locator(".topbar").get_by_role("button", name=WORDS["action.stop"], exact=True).click()
        self._page.locator(".badge.idle").wait_for()
        self._open("history")
        self._page.locator(".past").wait_for()
        self._camera.take("history")
        self._open("settings")
        self._camera.take("settings")
        self._open("about")
        self._page.locator("table.list tr").nth(1).wait_for()
        self._camera.take("about")

    def _passphrase(self) -> None:
        self._heading("wizard.vault").wait_for()
        self._camera.take("setup-vault")
        for field in self._page.locator(".wizard-step input").all():
            field.fill(PASSPHRASE)
        self._button("secrets.make").click()

    def _bots(self) -> None:
        for number, token in enumerate(self._tokens):
            self._page.locator(".slot.good").nth(number - 1).wait_for() if number else None
            field = self._page.get_by_label(WORDS["wizard.action.paste_token"])
            field.wait_for()
            if number == 1:
                self._camera.take("setup-bots")
            field.fill(token)

    def _sound(self) -> None:
        self._heading("wizard.sound").wait_for()
        self._page.locator(".wizard-step").get_by_role("button", name=WORDS["wizard.action.start"]).click()
        self._button("sound.check").click()
        self._page.locator(".sound-check .verdict").wait_for()
        self._camera.take("setup-sound")
        self._button("action.next").click()

    def _talk(self) -> None:
        """Wait until the meters have the theme's colours, and somebody is between -10 and -29 dBFS."""
        self._page.wait_for_timeout(REPAINT_MS)
        self._page.locator(", ".join(f'.strip .meter[aria-valuenow^="-{tens}"]' for tens in (1, 2))).first.wait_for()

    def _step(self, key: str, shows: str) -> None:
        self._page.locator(".steps").get_by_role("button", name=WORDS[key]).click()
        self._page.locator(shows).first.wait_for()

    def _open(self, page: str) -> None:
        self._page.locator(f'.nav a[href="#/{page}"]').click()

    def _button(self, key: str) -> Locator:
        return self._page.locator("main").get_by_role("button", name=WORDS[key], exact=True)

    def _heading(self, key: str) -> Locator:
        return self._page.get_by_role("heading", name=WORDS[key], exact=True)

    def _gone(self, selector: str) -> None:
        self._page.locator(selector).first.wait_for(state="detached")


@contextmanager
def camera(shown: Program, folder: Path, browser: str) -> Iterator[Camera]:
    """Open the program's panel in a browser that reaches nothing else."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        context = running.new_context(viewport={"width": SIZE[0], "height": SIZE[1]}, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        page, settings = context.new_page(), context.new_page()
        page.goto(shown.link())
        settings.goto(page.url.partition("#")[0] + "#/settings")
        _keep_to(context, page.url)
        try:
            yield Camera(page, settings, folder)
        finally:
            running.close()


def _keep_to(context: BrowserContext, address: str) -> None:
    """Close the pages of Discord that the set-up opens, before they load."""
    context.route(lambda url: not url.startswith(address.partition("#")[0]), lambda route: route.abort())
    context.on("page", lambda opened: opened.close())


def main() -> int:
    """Make all pictures anew."""
    debian.prepare()
    browser = shutil.which(PROGRAM)
    if browser is None:
        print(f"The pictures are made with {PROGRAM}, which is not installed.", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="relay-pictures-") as home,
        program(Path(home)) as shown,
        camera(shown, IMAGES, browser) as made,
    ):
        Walk(made, tuple(shown.discord["tokens"].values())).whole()
    print(f"{sum(1 for _ in IMAGES.rglob('*.png'))} pictures in {IMAGES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
