import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.frame import FRAME_SAMPLES
from engine.audio.limiter import CEILING, DELAY
from engine.audio.mixer import Mixer
from engine.audio.settings import Bands, DestinationStrip, MixSettings, SourceStrip, TalkerStrip
from engine.audio.strip import Voices

RED, BLUE, CASTERS, STREAM = 10, 20, 30, 40
ALICE, BEN = 1, 2
SLOTS = {ALICE: 0, BEN: 1}


def settings(routes=((1.0, 1.0), (1.0, 1.0)), kill=False, alice=None, red=None, casters=None):
    return MixSettings(
        talkers=(TalkerStrip(ALICE, RED, **(alice or {})), TalkerStrip(BEN, BLUE)),
        sources=(SourceStrip(RED, **(red or {})), SourceStrip(BLUE)),
        destinations=(DestinationStrip(CASTERS, **(casters or {})), DestinationStrip(STREAM)),
        routes=routes,
        kill=kill,
    )


def made(mix, tick_ms=20):
    mixer = Mixer(16, tick_ms)
    mixer.adopt(mix, SLOTS)
    return mixer


def mix(mixer, levels, samples=FRAME_SAMPLES):
    """Mix constant voices, user → level."""
    rows = np.array([np.full(samples, level, np.float32) for level in levels.values()]).reshape(-1, samples)
    ones = np.ones(len(levels), np.float32)
    slots = np.array([SLOTS[user] for user in levels], np.intp)
    return np.stack(mixer.mix(Voices(slots, rows, ones, ones, ones, ones, ones.astype(np.bool_))))


def settled(mixer, levels, ticks=4):
    return [mix(mixer, levels) for _ in range(ticks)][-1]


def test_each_destination_hears_its_routes_and_nothing_else():
    mixer = made(settings(routes=((1.0, 0.0), (0.5, 1.0))))
    frames = settled(mixer, {ALICE: 0.1, BEN: 0.2})
    assert frames[0] == pytest.approx(0.2)
    assert frames[1] == pytest.approx(0.2)
    assert mixer.audible.tolist() == [[True, True], [False, True]]
    assert {channel: round(bus.peak, 3) for channel, bus in mixer.read_sources().items()} == {RED: 0.1, BLUE: 0.2}


def test_a_closed_route_lets_not_one_bit_through():
    mixer = made(settings(routes=((1.0, 0.0), (0.5, 1.0))))
    frames = settled(mixer, {ALICE: 0.9})
    assert np.all(frames[1] == 0.0)
    assert mixer.sounding == [True, False]


CLOSED = [settings(kill=True), settings(red={"muted": True}), settings(red={"gain": 0.0})]


@pytest.mark.parametrize("closed", CLOSED)
def test_kill_mute_and_zero_fade_over_one_frame_then_nothing_sounds(closed):
    mixer = made(settings())
    settled(mixer, {ALICE: 0.5})
    mixer.adopt(closed, SLOTS)
    fading = mix(mixer, {ALICE: 0.5})[0, :, 0]
    assert np.abs(np.diff(fading[DELAY:])).max() < 0.001
    assert mixer.sounding == [True, True]
    assert np.all(settled(mixer, {ALICE: 0.5}, 2) == 0.0)
    assert mixer.sounding == [False, False]


@pytest.mark.parametrize("closed", CLOSED)
def test_what_is_closed_while_nobody_talks_lets_not_one_sample_through(closed):
    mixer = made(settings())
    settled(mixer, {ALICE: 0.5})
    mixer.adopt(closed, SLOTS)
    mixer.rest()
    mix(mixer, {ALICE: 0.5})
    assert np.all(mix(mixer, {ALICE: 0.5}) == 0.0)


CHANGES = [
    settings(alice={"priority": True}),
    settings(alice={"solo": True}, casters={"monitor": True}),
    settings(red={"solo": True}, casters={"monitor": True}),
    settings(),
    settings(red={"solo": True}),
    settings(red={"pan": 1.0}),
    settings(red={"equalizer": Bands(12.0, 0.0, -12.0)}),
    settings(casters={"duck_db": 20.0}),
    settings(alice={"priority": True}, casters={"duck_db": 20.0}),
    settings(red={"gain": 2.0}),
    settings(kill=True),
]


@given(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=6), st.integers(1, 3))
def test_no_change_whatever_makes_a_step(changes, hold):
    """Constant voices come out as a line without a step: what a ramp may move in a sample is far below a click."""
    mixer = made(settings(casters={"monitor": True}))
    heard = [settled(mixer, {ALICE: 0.05, BEN: 0.03})]
    for change in changes:
        mixer.adopt(change, SLOTS)
        heard += [mix(mixer, {ALICE: 0.05, BEN: 0.03}) for _ in range(hold)]
    frames = np.concatenate(heard, axis=1)
    assert np.abs(np.diff(frames, axis=1)).max() < 0.004


def test_a_solo_is_heard_alone_and_before_the_fader_in_monitors_only():
    mixer = made(settings(alice={"solo": True}, red={"muted": True}, casters={"monitor": True}))
    frames = settled(mixer, {ALICE: 0.1, BEN: 0.2})
    assert frames[0] == pytest.approx(0.1)
    assert frames[1] == pytest.approx(0.2)
    assert mixer.audible.tolist() == [[True, False], [False, True]]


def test_a_soloed_source_is_all_its_talkers():
    mixer = made(settings(red={"solo": True, "gain": 0.5}, casters={"monitor": True}))
    frames = settled(mixer, {ALICE: 0.1, BEN: 0.2})
    assert frames[0] == pytest.approx(0.1)
    assert frames[1] == pytest.approx(0.25)


def test_a_kill_silences_monitors_too():
    mixer = made(settings(alice={"solo": True}, casters={"monitor": True}, kill=True))
    assert np.all(settled(mixer, {ALICE: 0.1}) == 0.0)


def test_pan_takes_from_the_far_side():
    frames = settled(made(settings(red={"pan": 0.75})), {ALICE: 0.4})
    assert frames[0, -1].tolist() == pytest.approx([0.1, 0.4])


def test_priority_talkers_lower_the_others_where_that_is_wanted():
    mixer = made(settings(alice={"priority": True}, casters={"duck_db": 20.0}))
    assert settled(mixer, {BEN: 0.2})[0] == pytest.approx(0.2)
    frames = settled(mixer, {ALICE: 0.1, BEN: 0.2}, 20)
    assert frames[0] == pytest.approx(0.1 + 0.02, rel=0.01)
    assert frames[1] == pytest.approx(0.3, rel=0.01)
    assert mixer.read_destinations(0.0)[CASTERS].ducking == pytest.approx(0.1, rel=0.01)
    assert settled(mixer, {BEN: 0.2}, 100)[0] == pytest.approx(0.2, rel=0.01)


def test_a_muted_priority_talker_ducks_nobody():
    mixer = made(settings(alice={"priority": True}, red={"muted": True}, casters={"duck_db": 20.0}))
    assert settled(mixer, {ALICE: 0.1, BEN: 0.2}, 20)[0] == pytest.approx(0.2)


def test_the_equalizer_is_the_source_s():
    mixer = made(settings(red={"equalizer": Bands(low_db=6.0)}))
    assert settled(mixer, {ALICE: 0.1}, 6)[0] == pytest.approx(0.1 * 10 ** (6 / 20), rel=0.02)
    assert settled(mixer, {BEN: 0.1}, 6)[0] == pytest.approx(0.1, rel=0.001)


def test_the_same_channels_again_do_not_start_the_limiter_afresh():
    mixer = made(settings())
    mix(mixer, {ALICE: 3.0})
    limited = mixer.read_destinations(0.0)[CASTERS].reduction
    mixer.adopt(settings(red={"gain": 0.9}), SLOTS)
    assert mixer.read_destinations(0.0)[CASTERS].reduction == limited < 0.5


@given(st.lists(st.floats(width=32), min_size=2, max_size=2), st.sampled_from([20, 10]))
def test_whatever_comes_in_nothing_leaves_above_the_ceiling(levels, tick_ms):
    mixer = made(settings(), tick_ms)
    with np.errstate(all="ignore"):
        for _ in range(2):
            frames = mix(mixer, dict(zip((ALICE, BEN), levels, strict=True)), 48 * tick_ms)
    assert np.isfinite(frames).all()
    assert np.abs(frames).max() <= CEILING + 1e-6


def test_a_frame_in_which_nobody_talks_is_silence_behind_the_limiter_s_delay():
    mixer = made(settings())
    mix(mixer, {ALICE: 0.5})
    frames = mix(mixer, {})
    assert np.all(frames[0, :DELAY] == 0.5)
    assert np.all(frames[0, DELAY:] == 0.0)
    assert mixer.sounding == [False, False]


def test_a_talker_who_is_nowhere_is_not_heard():
    mixer = made(settings())
    mixer.adopt(
        MixSettings(
            talkers=(), sources=settings().sources, destinations=settings().destinations, routes=settings().routes
        ),
        {},
    )
    assert np.all(settled(mixer, {ALICE: 0.5}) == 0.0)
    assert mixer.sounding == [False, False]


def test_loudness_of_buses_and_destinations_is_measured():
    mixer = made(settings(routes=((1.0, 0.0), (0.0, 1.0))))
    rng = np.random.default_rng(1)
    ones = np.ones(2, np.float32)
    for _ in range(200):
        rows = rng.standard_normal((2, FRAME_SAMPLES)).astype(np.float32) * np.array([[0.1], [0.01]], np.float32)
        mixer.mix(Voices(np.arange(2), rows, ones, ones, ones, ones, np.ones(2, np.bool_)))
    sources, destinations = mixer.read_sources(), mixer.read_destinations(0.0)
    assert sources[RED].loudness - sources[BLUE].loudness == pytest.approx(20.0, abs=0.5)
    # Two sides with the same sound are 3 dB louder than one channel with it.
    assert destinations[CASTERS].loudness - sources[RED].loudness == pytest.approx(3.0, abs=0.3)
