"""The steps of the set-up, which of them are done and can be opened, and what a person does in each. Pure.

Two things decide whether a step is done: what a person said (``WizardPlace``, kept in the settings) and what the
world says (``Facts``). A step that the world contradicts is open again, whatever was said: a token was revoked, a
channel is gone. What was entered is kept elsewhere, so leaving a step, going back and resuming lose nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.config.schema import WizardPlace
from common.errors import ErrorCode, SessionError


class Step(StrEnum):
    """The steps in their order; the page shows each as ``wizard.<step>``."""

    WELCOME = "welcome"
    VAULT = "vault"
    BOTS = "bots"
    INVITE = "invite"
    CHANNELS = "channels"
    CHECK = "check"
    SOUND = "sound"
    DONE = "done"


USUAL_SOURCES: Final = 2
USUAL_DESTINATIONS: Final = 1
"""Two teams and one casters' channel: what nobody needs to say, since most tournaments are so."""


class Standing(StrEnum):
    """How a step stands: ``closed`` waits for those before it, ``possible`` can be opened, ``done`` can be too."""

    DONE = "done"
    POSSIBLE = "possible"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tray knows of the world. Unknown counts for the person: only what is known to be wrong undoes a step.

    ``locked``: tokens can't be kept or read until the person opens the keychain, or makes or opens the vault.
    ``sources`` and ``destinations`` count our bots by role whose token isn't missing or refused, ``refused`` those
    whose is. ``absent``: some bot is known not to be in the chosen server. ``guild``: a server is chosen; ``chosen``:
    a source and a destination too. ``hindered``: a place has a fault that keeps it from working (None: not looked
    yet), ``warned``: some place has one that a person should read. ``heard``: the last sound check was good.
    ``relaying``: a session runs.
    """

    has_keychain: bool = True
    locked: bool = False
    sources: int = 0
    destinations: int = 0
    refused: int = 0
    absent: bool | None = None
    guild: bool = False
    chosen: bool = False
    hindered: bool | None = None
    warned: bool = False
    heard: bool | None = None
    relaying: bool = False


def steps(facts: Facts) -> tuple[Step, ...]:
    """List the steps there are here: without the vault's where a keychain is open."""
    return tuple(step for step in Step if step is not Step.VAULT or facts.locked or not facts.has_keychain)


def standing(step: Step, place: WizardPlace, facts: Facts) -> Standing:
    """Say how a step stands."""
    if _is_done(step, place, facts):
        return Standing.DONE
    return Standing.POSSIBLE if _reachable(step, facts) else Standing.CLOSED


def view(place: WizardPlace, facts: Facts) -> WizardPlace:
    """Return what to show, never to be kept: the open step and those that are done now.

    Opened is where the person stands, as long as that can be opened; else the first step that isn't done.
    """
    here = steps(facts)
    done = tuple(step.value for step in here if standing(step, place, facts) is Standing.DONE)
    wanted = next((step for step in here if step == place.step and _reachable(step, facts)), None)
    return WizardPlace(step=wanted or _next(place, facts), done=done)


def go(place: WizardPlace, step: str, facts: Facts) -> WizardPlace:
    """Open a step; raises SessionError WIZARD_STEP if it isn't one or can't be opened yet."""
    wanted = _named(step, facts)
    if not _reachable(wanted, facts):
        raise SessionError(ErrorCode.WIZARD_STEP, step=step)
    return WizardPlace(step=wanted, done=place.done)


def finish(place: WizardPlace, step: str, facts: Facts) -> WizardPlace:
    """Mark a step as done and open the first after it that isn't; raises SessionError WIZARD_STEP.

    Refused while the world contradicts it. The sound check may be left out: it counts as done then.
    """
    finished = _named(step, facts)
    if not (_reachable(finished, facts) and _holds(finished, facts)):
        raise SessionError(ErrorCode.WIZARD_STEP, step=step)
    said = place.done if finished.value in place.done else (*place.done, finished.value)
    after = WizardPlace(step="", done=said)
    return WizardPlace(step=_next(after, facts, finished), done=said)


def moved_on(place: WizardPlace, before: Facts, after: Facts) -> WizardPlace:
    """Open the next step when the world has just done the open one, so that nobody need press a button for that.

    Who has gone back to a step that was done already stays there.
    """
    step = _named(view(place, before).step, before)
    if standing(step, place, before) is Standing.DONE or standing(step, place, after) is not Standing.DONE:
        return place
    return WizardPlace(step=_next(place, after, step), done=place.done)


def _named(step: str, facts: Facts) -> Step:
    found = next((each for each in steps(facts) if each == step), None)
    if found is None:
        raise SessionError(ErrorCode.WIZARD_STEP, step=step)
    return found


def _next(place: WizardPlace, facts: Facts, after: Step | None = None) -> Step:
    """Find the first step that isn't done, beginning behind ``after``; the last one when all are."""
    here = steps(facts)
    begin = here.index(after) + 1 if after in here else 0
    for step in (*here[begin:], *here[:begin]):
        if standing(step, place, facts) is Standing.POSSIBLE:
            return step
    return Step.DONE


def _is_done(step: Step, place: WizardPlace, facts: Facts) -> bool:
    """Say whether a step is done: nobody needs to confirm what the world shows, and nobody can claim what it denies."""
    return _reachable(step, facts) and _holds(step, facts) and (step.value in place.done or _shown(step, facts))


def _reachable(step: Step, facts: Facts) -> bool:
    """Say whether what the step builds upon is there; the last one builds upon everything."""
    has_bots = not facts.locked and facts.sources > 0 and facts.destinations > 0
    placed = has_bots and facts.chosen
    return {
        Step.WELCOME: True,
        Step.VAULT: True,
        Step.BOTS: not facts.locked,
        Step.INVITE: has_bots,
        Step.CHANNELS: has_bots and facts.guild,
        Step.CHECK: placed,
        Step.SOUND: placed,
        Step.DONE: placed and all(_holds(each, facts) for each in Step),
    }[step]


def _holds(step: Step, facts: Facts) -> bool:
    """Say whether the world lets the step count as done."""
    return {
        Step.WELCOME: True,
        Step.VAULT: not facts.locked,
        Step.BOTS: facts.sources > 0 and facts.destinations > 0 and not facts.refused,
        Step.INVITE: facts.guild and not facts.absent,
        Step.CHANNELS: facts.chosen,
        Step.CHECK: not facts.hindered,
        Step.SOUND: facts.heard is not False,
        Step.DONE: True,
    }[step]


def _shown(step: Step, facts: Facts) -> bool:
    """Say whether the world shows by itself that the step is done, so that nobody need press a button for it.

    Bots are when there are as many as usual; whoever wants others says so. Channels are confirmed by a person.
    """
    return {
        Step.WELCOME: facts.sources + facts.destinations + facts.refused > 0,
        Step.VAULT: not facts.locked,
        Step.BOTS: facts.sources >= USUAL_SOURCES and facts.destinations >= USUAL_DESTINATIONS,
        Step.INVITE: facts.guild and facts.absent is False,
        Step.CHECK: facts.hindered is False and not facts.warned,
        Step.SOUND: facts.heard is True,
        Step.DONE: facts.relaying,
    }.get(step, False)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person does: a click, a word typed, a paste. The page says it as ``wizard.action.<name>``.

    ``elsewhere``: on Discord's pages, where it can't be spared.
    """

    step: Step
    name: str
    elsewhere: bool = False


_PER_BOT: Final = (
    Action(Step.BOTS, "open_new_application"),
    Action(Step.BOTS, "paste_its_name", elsewhere=True),
    Action(Step.BOTS, "create", elsewhere=True),
    Action(Step.BOTS, "open_bot_page", elsewhere=True),
    Action(Step.BOTS, "reset_token", elsewhere=True),
    Action(Step.BOTS, "confirm_reset", elsewhere=True),
    Action(Step.BOTS, "copy_token", elsewhere=True),
    Action(Step.BOTS, "paste_token"),
    Action(Step.INVITE, "authorize", elsewhere=True),
)
"""A good token is kept at once and opens the bot's invite, so that neither is an action of its own.

The bot's page is one click away on the page that creating opened. Our button leads there too, for who comes back
later, but Discord then asks which application is meant.
"""


def actions(bots: int = USUAL_SOURCES + USUAL_DESTINATIONS) -> list[Action]:
    """List everything a person does from installed to live, with a keychain, one server, channels without a limit.

    Counted as for the original, which takes 82 for three bots: clicks and what is typed or pasted. Not counted there
    nor here: looking, waiting, switching windows, and what Discord asks of some for safety's sake (second factor,
    terms, being human).
    """
    first = [Action(Step.WELCOME, "open_new_application"), *_PER_BOT[1:-1]]
    first += [Action(Step.INVITE, "choose_server", elsewhere=True), _PER_BOT[-1]]
    others = [action for _ in range(bots - 1) for action in _PER_BOT]
    unusual = [] if bots == USUAL_SOURCES + USUAL_DESTINATIONS else [Action(Step.BOTS, "no_more_bots")]
    return [*first, *others, *unusual, Action(Step.CHANNELS, "confirm_channels"), Action(Step.SOUND, "start")]


def next_event(*, other_preset: bool = True) -> list[Action]:
    """List everything a person does for the next event: choose its preset, if it is another one, and start."""
    chosen = [Action(Step.CHANNELS, "load_preset")] if other_preset else []
    return [*chosen, Action(Step.SOUND, "start")]
