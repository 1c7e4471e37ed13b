import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.frame import FRAME_SAMPLES
from engine.audio.limiter import CEILING, DELAY
from engine.audio.mixer import Mixer
from engine.audio.playout import Kind, Take
from engine.audio.settings import DestinationStrip, MixSettings, SourceStrip, TalkerStrip

RED, BLUE, CASTERS, STREAM = 10, 20, 30, 40
ALICE, BEN = 1, 2


def settings(routes=((1.0, 1.0), (1.0, 1.0)), kill=False, red=1.0, red_muted=False):
    return MixSettings(
        talkers=(TalkerStrip(ALICE, RED, 1.0, False), TalkerStrip(BEN, BLUE, 1.0, False)),
        sources=(SourceStrip(RED, red, red_muted), SourceStrip(BLUE, 1.0, False)),
        destinations=(DestinationStrip(CASTERS), DestinationStrip(STREAM)),
        routes=routes,
        kill=kill,
    )


def mix(mixer, levels):
    """Mix constant voices, user → level."""
    takes = [Take(user, Kind.CONCEAL) for user in levels]
    voices = np.stack([np.full((FRAME_SAMPLES, 2), level, np.float32) for level in levels.values()])
    return mixer.mix(takes, voices, set(levels)).copy()


@pytest.fixture
def mixer():
    made = Mixer()
    made.adopt(settings(routes=((1.0, 0.0), (0.5, 1.0))))
    return made


def test_each_destination_hears_its_routes_and_nothing_else(mixer):
    frames = mix(mixer, {ALICE: 0.1, BEN: 0.2})
    frames = mix(mixer, {ALICE: 0.1, BEN: 0.2})
    assert frames[0] == pytest.approx(0.2)
    assert frames[1] == pytest.approx(0.2)
    assert mixer.sounding == [{ALICE, BEN}, {BEN}]
    assert mixer.source_peaks == {RED: pytest.approx(0.1), BLUE: pytest.approx(0.2)}


def test_a_closed_route_lets_not_one_bit_through(mixer):
    for _ in range(3):
        frames = mix(mixer, {ALICE: 0.9})
    assert np.all(frames[1] == 0.0)
    assert mixer.sounding == [{ALICE}, set()]


@pytest.mark.parametrize("closed", [settings(kill=True), settings(red_muted=True), settings(red=0.0)])
def test_kill_mute_and_zero_fade_over_one_frame_then_nothing_sounds(closed):
    mixer = Mixer()
    mixer.adopt(settings())
    mix(mixer, {ALICE: 0.5})
    mixer.adopt(closed)
    fading = mix(mixer, {ALICE: 0.5})[0, :, 0]
    assert np.abs(np.diff(fading[DELAY:])).max() < 0.001
    after = [mix(mixer, {ALICE: 0.5}) for _ in range(2)][-1]
    assert np.all(after == 0.0)
    assert mixer.sounding == [set(), set()]


def test_the_same_channels_again_do_not_start_the_limiter_afresh():
    mixer = Mixer()
    mixer.adopt(settings())
    mix(mixer, {ALICE: 3.0})
    limited = mixer.reduction[CASTERS]
    mixer.adopt(settings(red=0.9))
    assert mixer.reduction[CASTERS] == limited < 0.5


@given(st.lists(st.floats(width=32), min_size=2, max_size=2))
def test_whatever_comes_in_nothing_leaves_above_the_ceiling(levels):
    mixer = Mixer()
    mixer.adopt(settings())
    with np.errstate(all="ignore"):
        for _ in range(2):
            frames = mix(mixer, dict(zip((ALICE, BEN), levels, strict=True)))
    assert np.isfinite(frames).all()
    assert np.abs(frames).max() <= CEILING + 1e-6


def test_a_frame_in_which_nobody_talks_is_silence_behind_the_limiter_s_delay(mixer):
    mix(mixer, {ALICE: 0.5})
    frames = mixer.mix([], np.zeros((0, FRAME_SAMPLES, 2), np.float32), set())
    assert np.all(frames[0, :DELAY] == 0.5)
    assert np.all(frames[0, DELAY:] == 0.0)
    assert mixer.sounding == [set(), set()]
