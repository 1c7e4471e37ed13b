"""The wizard's steps: what is done, what can be opened, and how much a person has to do."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.schema import WizardPlace
from common.errors import ErrorCode, SessionError
from tray.wizard.steps import Facts, Standing, Step, actions, finish, go, moved_on, next_event, standing, steps, view

NOTHING = Facts()
BOTS = Facts(sources=2, destinations=1)
INVITED = replace(BOTS, guild=True, absent=False)
CHOSEN = replace(INVITED, chosen=True)
CHECKED = replace(CHOSEN, hindered=False)
HEARD = replace(CHECKED, heard=True, relaying=True)
ALL_SAID = WizardPlace(done=tuple(step.value for step in Step))
FRESH = WizardPlace()


def test_at_first_there_is_the_welcome_and_bots_can_be_made():
    assert view(FRESH, NOTHING) == WizardPlace(step="welcome", done=())
    possible = [step for step in steps(NOTHING) if standing(step, FRESH, NOTHING) is Standing.POSSIBLE]
    assert possible == [Step.WELCOME, Step.BOTS]


def test_the_passphrase_is_a_step_only_without_a_keychain():
    locked = Facts(has_keychain=False, locked=True)
    assert Step.VAULT not in steps(NOTHING)
    assert standing(Step.VAULT, FRESH, locked) is Standing.POSSIBLE
    assert standing(Step.BOTS, FRESH, locked) is Standing.CLOSED
    opened = replace(locked, locked=False)
    assert standing(Step.VAULT, FRESH, opened) is Standing.DONE
    assert standing(Step.BOTS, FRESH, opened) is Standing.POSSIBLE


def test_a_keychain_that_is_locked_must_be_opened_first():
    locked = replace(HEARD, locked=True)
    assert view(ALL_SAID, locked).step == "vault"
    assert moved_on(WizardPlace(step="vault", done=ALL_SAID.done), locked, HEARD).step == "done"


WALK = [
    (NOTHING, "welcome", "bots"),
    (Facts(sources=1, destinations=1), "bots", "invite"),
    (INVITED, "invite", "channels"),
    (CHOSEN, "channels", "check"),
    (CHECKED, "check", "sound"),
    (HEARD, "sound", "done"),
]


@pytest.mark.parametrize(("facts", "step", "following"), WALK)
def test_finishing_a_step_opens_the_next(facts: Facts, step: str, following: str):
    before = WizardPlace(step=step, done=tuple(each[1] for each in WALK[: [row[1] for row in WALK].index(step)]))
    after = finish(before, step, facts)
    assert after.step == following
    assert after.done == (*before.done, step)
    assert finish(after, step, facts).done == after.done


NOT_YET = [
    (NOTHING, "bots"),
    (Facts(sources=2), "bots"),
    (replace(BOTS, refused=1), "bots"),
    (BOTS, "invite"),
    (replace(INVITED, absent=True), "invite"),
    (INVITED, "channels"),
    (replace(CHOSEN, hindered=True), "check"),
    (replace(CHECKED, heard=False), "sound"),
    (NOTHING, "done"),
    (NOTHING, "vault"),
    (NOTHING, "no_such_step"),
]


@pytest.mark.parametrize(("facts", "step"), NOT_YET)
def test_nobody_can_claim_what_the_world_denies(facts: Facts, step: str):
    with pytest.raises(SessionError) as caught:
        finish(FRESH, step, facts)
    assert (caught.value.code, caught.value.details) == (ErrorCode.WIZARD_STEP, {"step": step})


UNDONE = [
    (replace(HEARD, refused=1), "bots"),
    (replace(HEARD, absent=True), "invite"),
    (replace(HEARD, chosen=False), "channels"),
    (replace(HEARD, hindered=True), "check"),
    (replace(HEARD, heard=False), "sound"),
]


@pytest.mark.parametrize(("facts", "step"), UNDONE)
def test_the_world_can_undo_a_step_and_then_it_is_the_open_one(facts: Facts, step: str):
    assert step in view(ALL_SAID, HEARD).done
    shown = view(ALL_SAID, facts)
    assert step not in shown.done
    assert shown.step == step
    assert view(WizardPlace(step="done", done=ALL_SAID.done), facts).step == step
    assert view(ALL_SAID, HEARD).done == view(ALL_SAID, HEARD).done


def test_a_set_up_that_is_complete_rests_on_the_last_step():
    assert view(ALL_SAID, HEARD) == WizardPlace(step="done", done=tuple(each for each in Step if each != "vault"))


def test_what_was_found_is_read_by_a_person_even_if_it_hinders_nothing():
    warned = replace(CHECKED, warned=True)
    assert moved_on(WizardPlace(step="check"), CHOSEN, CHECKED).step == "sound"
    assert moved_on(WizardPlace(step="check"), CHOSEN, warned).step == "check"
    assert finish(WizardPlace(step="check"), "check", warned).step == "sound"


def test_what_the_world_has_not_told_yet_undoes_nothing():
    restarted = replace(HEARD, absent=None, hindered=None, heard=None, relaying=False)
    assert view(ALL_SAID, restarted) == view(ALL_SAID, HEARD)


def test_one_can_go_back_and_loses_nothing():
    back = go(WizardPlace(step="check", done=("bots", "channels")), "bots", CHOSEN)
    assert back == WizardPlace(step="bots", done=("bots", "channels"))
    assert view(back, CHOSEN).step == "bots"
    with pytest.raises(SessionError):
        go(FRESH, "channels", BOTS)


def test_the_wizard_moves_on_when_the_world_has_done_the_open_step():
    place = WizardPlace(step="bots", done=("welcome",))
    assert moved_on(place, replace(BOTS, sources=1), BOTS).step == "invite"
    assert moved_on(place, NOTHING, replace(BOTS, sources=1)) == place
    back = go(ALL_SAID, "bots", HEARD)
    assert moved_on(back, HEARD, HEARD) == back
    assert moved_on(WizardPlace(step="invite"), BOTS, INVITED).step == "channels"


facts = st.builds(
    Facts,
    has_keychain=st.booleans(),
    locked=st.booleans(),
    sources=st.integers(0, 3),
    destinations=st.integers(0, 2),
    refused=st.integers(0, 1),
    absent=st.sampled_from([None, False, True]),
    guild=st.booleans(),
    chosen=st.booleans(),
    hindered=st.sampled_from([None, False, True]),
    warned=st.booleans(),
    heard=st.sampled_from([None, False, True]),
    relaying=st.booleans(),
)
names = st.sampled_from([*Step, "", "gone"])
places = st.builds(WizardPlace, names, st.lists(names, max_size=8).map(tuple))


@given(places, facts)
def test_the_open_step_can_always_be_opened_and_what_is_shown_is_stable(place, known):
    shown = view(place, known)
    assert shown.step in steps(known)
    assert set(shown.done) <= set(steps(known))
    assert view(replace_step(place, shown.step), known) == shown


@given(places, facts, names)
def test_whatever_a_person_presses_nothing_said_is_lost(place, known, step):
    for press in (go, finish):
        try:
            after = press(place, step, known)
        except SessionError:
            continue
        assert set(place.done) <= set(after.done)
        assert standing(after.step, after, known) is not Standing.CLOSED


@given(places, facts, facts)
def test_moving_on_never_loses_and_never_ends_in_a_closed_step(place, before, after):
    moved = moved_on(place, before, after)
    assert moved.done == place.done
    if moved != place:
        assert standing(moved.step, moved, after) is not Standing.CLOSED


def replace_step(place: WizardPlace, step: str) -> WizardPlace:
    return WizardPlace(step=step, done=place.done)


def test_three_bots_take_thirty_actions_and_the_next_event_two():
    assert len(actions()) <= 30
    assert actions() == actions(3)
    assert len(next_event()) <= 2
    assert len(next_event(other_preset=False)) == 1


def test_the_actions_are_in_the_order_of_the_steps_and_end_with_the_start():
    made = actions()
    assert made[0].step is Step.WELCOME
    assert made[-1].name == "start"
    assert Counter(action.name for action in made)["paste_token"] == 3
    assert Counter(action.name for action in made)["choose_server"] == 1
    assert {action.step for action in made} <= set(steps(NOTHING))


def test_another_number_of_bots_must_be_said():
    assert len(actions(2)) == len(actions(3)) - 9 + 1
    assert len(actions(5)) == len(actions(3)) + 18 + 1
