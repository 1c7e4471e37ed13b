"""What the menu offers when, and what can't happen by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.schema import Language
from common.protocol.messages import Command, Kill, MuteSource, StopSession
from common.protocol.spec import SessionSpec, SourceSpec
from common.protocol.state import MatchPhase, Phase, SessionState
from common.sentences import LANGUAGES, templates
from tests.tray.face_data import DESTINATIONS, desk, desks, session, sessions
from tray.face import look, on_air
from tray.menu import LONGEST_TEXT, OpenPanel, Quit, flat, menu, tidy
from tray.panel.messages import LoadPreset, PanelCommand, SetPreferences, Setup, Start, StartRehearsal, StopRehearsal
from tray.restart_policy import EngineLink

LIVE = session(match=MatchPhase.LIVE)


def items(known=None, state=None, language="en"):
    known = known or desk()
    shown = look(state, known.engine, rehearsing=known.rehearsing)
    return {item.id: item for item in flat(menu(known, state, shown, templates(language)))}


def possible(found):
    return [item.action for item in found.values() if item.enabled and item.action is not None]


def test_idle_and_set_up_it_offers_to_start():
    found = items(state=SessionState())
    assert found["start"].action == Start()
    assert found["start"].enabled
    assert "stop" not in found
    assert not found["kill"].enabled


def test_before_the_set_up_it_leads_there():
    assert items(desk(setup=Setup()))["set_up"].action == OpenPanel("setup")


def test_nothing_starts_while_the_engine_is_away():
    assert not items(desk(engine=EngineLink.RESTARTING))["start"].enabled


def test_on_air_every_source_can_be_muted_and_shows_whether_it_is():
    found = items(state=session())
    assert (found["mute.11"].text, found["mute.11"].checked) == ("Mute Team A", False)
    assert found["mute.11"].action == MuteSource(source="11", muted=True)
    assert (found["mute.12"].text, found["mute.12"].checked) == ("Mute 12", True)
    assert found["mute.12"].action == MuteSource(source="12", muted=False)


def test_kill_is_one_click_and_shows_that_it_is_on():
    assert items(state=LIVE)["kill"].action == Kill(active=True)
    killed = items(state=session(kill=True))["kill"]
    assert (killed.action, killed.checked) == (Kill(active=False), True)


def test_stop_stops_but_a_live_match_is_asked_about():
    assert items(state=session())["stop"].action == StopSession()
    assert items(state=LIVE)["stop"].action == OpenPanel("mixer", ask="stop")


def test_quit_is_asked_about_on_air_but_not_in_a_rehearsal():
    assert items(state=SessionState())["quit"].action == Quit()
    assert items(state=session())["quit"].action == OpenPanel("mixer", ask="quit")
    assert items(desk(rehearsing=True), session())["quit"].action == Quit()


def test_a_preset_is_chosen_between_sessions_only():
    assert items()["preset.Finals"].action == LoadPreset(name="Finals")
    assert not items(state=session())["presets"].enabled


def test_a_rehearsal_begins_only_off_air_and_can_be_ended():
    assert items()["rehearsal"].action == StartRehearsal()
    assert not items(state=session())["rehearsal"].enabled
    assert items(desk(rehearsing=True), session())["rehearsal"].action == StopRehearsal()


def test_trouble_in_a_rehearsal_says_that_it_is_one():
    assert items(desk(rehearsing=True), session(kill=True))["state"].text.startswith("Rehearsal: Kill")


def test_preferences_change_one_thing_each():
    found = items(desk(hotkeys=True))
    assert found["login"].action == SetPreferences(preferences=desk(hotkeys=True, start_at_login=True).preferences)
    chosen = found["language.ja"].action.preferences
    assert (chosen.language, chosen.hotkeys) == (Language.JA, True)
    assert [found[f"language.{each}"].checked for each in Language] == [True, False, False]


@given(desks, st.none() | sessions)
def test_a_live_match_can_t_be_ended_or_changed_by_one_click(known, state):
    live = on_air(state) and state.match is MatchPhase.LIVE and not known.rehearsing
    if live:
        ending = (StopSession, Quit, Start, LoadPreset, StartRehearsal)
        parents = menu(known, state, look(state, known.engine, rehearsing=False), templates("en"))
        reachable = [item for item in parents if item.enabled]
        assert not [item for item in flat(tuple(reachable)) if item.enabled and isinstance(item.action, ending)]


@pytest.mark.parametrize("language", LANGUAGES)
@given(known=desks, state=st.none() | sessions)
def test_every_menu_is_whole(known, state, language):
    shown = look(state, known.engine, rehearsing=known.rehearsing)
    every = list(flat(menu(known, state, shown, templates(language))))
    assert len({item.id for item in every}) == len(every)
    assert [item.id for item in every if item.default] == ["panel"]
    for item in every:
        assert item.separator or item.text.isprintable()
        assert "{name}" not in item.text
        assert "{version}" not in item.text
        assert not (item.children and item.action)
        assert item.action is None or isinstance(item.action, Command | PanelCommand | OpenPanel | Quit)


@given(st.text())
def test_a_name_fits_a_line(text):
    assert tidy(text).isprintable()
    assert len(tidy(text)) <= LONGEST_TEXT
    assert tidy(tidy(text)) == tidy(text)


def test_many_sources_and_presets_don_t_fill_the_screen():
    sources = tuple(SourceSpec(channel=str(n), bot=f"b{n}") for n in range(1, 60))
    state = SessionState(phase=Phase.RUNNING, spec=SessionSpec(guild="1", sources=sources, destinations=DESTINATIONS))
    found = items(desk(presets=tuple(map(str, range(200)))), state)
    assert sum(each.startswith("mute.") for each in found) == 20
    assert sum(each.startswith("preset.") for each in found) == 20
    assert found["presets.more"].action == OpenPanel("settings")
