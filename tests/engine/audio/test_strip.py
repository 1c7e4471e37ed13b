import numpy as np
import pytest

from common.types import Suppression
from engine.audio.frame import FRAME_SAMPLES, SILENCE
from engine.audio.playout import Kind, Take
from engine.audio.settings import TalkerStrip
from engine.audio.strip import Strips
from engine.audio.suppression_rack import SuppressionRack

ALICE, BEN, SOURCE = 1, 2, 10
SLOTS = {ALICE: 0, BEN: 1}


def strip(user=ALICE, gain=1.0, **switches):
    return TalkerStrip(user, SOURCE, gain, **switches)


def take(user=ALICE, silent=False):
    return Take(SLOTS[user], Kind.CONCEAL, silent=silent)


class Half:
    """Noise suppression that can be told by what it does to a level."""

    delay_samples = 0

    def __init__(self, _):
        pass

    def process(self, voice):
        voice *= np.float32(0.5)

    def close(self):
        pass


class Desk:
    """Strips that are told of all their talkers at once."""

    def __init__(self, *strips):
        self.rack = SuppressionRack(Half)
        self.strips = Strips(16, FRAME_SAMPLES, self.rack)
        self.adopt(*strips)

    def adopt(self, *strips, fresh=()):
        self.strips.adopt(strips, SLOTS, fresh, -20.0)

    def hear(self, *takes, level=1.0):
        return self.strips.process(takes, np.full((len(takes), FRAME_SAMPLES), level, np.float32))


def test_a_new_talker_starts_at_its_gain_and_a_change_is_ramped_over_one_frame():
    desk = Desk(strip(gain=0.5))
    voices = desk.hear(take())
    assert (voices.before[0], voices.after[0]) == (0.5, 0.5)
    desk.adopt(strip(gain=1.5))
    voices = desk.hear(take())
    assert (voices.before[0], voices.after[0]) == (0.5, 1.5)
    voices = desk.hear(take())
    assert (voices.before[0], voices.after[0]) == (1.5, 1.5)


def test_a_slot_gets_a_new_owner_in_the_tick_in_which_everybody_falls_silent():
    desk = Desk(strip())
    desk.hear(take())
    desk.adopt(strip(), fresh=[SLOTS[BEN]])
    assert len(desk.hear().slots) == 0


def test_a_talker_muted_before_the_first_sample_is_never_heard():
    desk = Desk(strip(muted=True))
    voices = desk.hear(take())
    assert (voices.before[0], voices.after[0]) == (0.0, 0.0)


@pytest.mark.parametrize("pause", [lambda desk: desk.strips.rest(), lambda desk: desk.hear(take(BEN))])
def test_who_is_silent_takes_a_change_at_once(pause):
    desk = Desk(strip(), strip(BEN))
    desk.hear(take(), take(BEN))
    desk.adopt(strip(muted=True), strip(BEN))
    pause(desk)
    voices = desk.hear(take(), take(BEN))
    assert voices.before.tolist() == [0.0, 1.0]
    assert voices.after.tolist() == [0.0, 1.0]


def test_one_talker_s_gain_is_not_another_s_and_peaks_are_measured_behind_it():
    desk = Desk(strip(ALICE, gain=0.25), strip(BEN))
    voices = desk.hear(take(BEN), take(ALICE))
    assert voices.after.tolist() == [1.0, 0.25]
    assert (desk.strips.peak(0), desk.strips.peak(1)) == (0.25, 1.0)
    desk.hear(take(BEN))
    assert desk.strips.peak(0) == 0.0


def test_the_sender_s_own_silence_does_not_sound():
    desk = Desk(strip(ALICE), strip(BEN))
    assert desk.hear(take(ALICE, silent=True), take(BEN)).sounding.tolist() == [False, True]


def test_a_frame_far_below_the_ones_before_is_quiet():
    desk = Desk(strip(ALICE), strip(BEN))
    desk.hear(take(), take(BEN), level=0.5)
    assert desk.strips.quiet == frozenset()
    desk.hear(take(), level=0.02)
    assert desk.strips.quiet == {0}


def test_a_slot_with_a_new_owner_knows_nothing_of_the_last_one():
    desk = Desk(strip())
    for _ in range(50):
        desk.hear(take(), level=0.5)
    assert desk.strips.short_term[0] > -30.0
    desk.adopt(strip(), fresh=[0])
    assert desk.strips.short_term[0] == -120.0
    assert (desk.strips.peak(0), desk.strips.level(0)) == (0.0, 1.0)


def test_the_high_pass_takes_a_constant_away_and_hands_it_back_without_a_step():
    desk, heard = Desk(strip()), []
    for on in (False, True, True, False, False):
        desk.adopt(strip(high_pass=on))
        heard.append(desk.hear(take()).rows[0].copy())
    assert np.abs(np.diff(np.concatenate(heard))).max() < 0.003
    assert np.abs(heard[2]).max() < 0.05
    assert np.all(heard[4] == 1.0)


def speech(level):
    """Return six seconds of noise in syllables, a little room noise between them."""
    rng = np.random.default_rng(1)
    frames = rng.standard_normal((300, FRAME_SAMPLES)).astype(np.float32).cumsum(axis=1)
    frames -= frames.mean(axis=1, keepdims=True)
    frames *= level / frames.std()
    swell = np.tile([0.02, 0.3, 0.8, 1.0, 1.0, 0.8, 0.3, 0.1, 0.02, 0.02], 30).astype(np.float32)
    return frames * swell[:, None]


def test_levelling_brings_faint_and_loud_talkers_together():
    desk = Desk(strip(levelling=True), strip(BEN, levelling=True))
    for faint, loud in zip(speech(0.01), speech(0.2), strict=True):
        voices = desk.strips.process([take(), take(BEN)], np.stack([faint, loud]))
    assert 20 * np.log10(0.2 * voices.after[1] / (0.01 * voices.after[0])) == pytest.approx(0.0, abs=3.0)
    assert desk.strips.level(0) > 3.0 > desk.strips.level(1)


def test_silence_to_the_gain_is_exact():
    """Gains never hold NaN, whatever comes in."""
    desk = Desk(strip(levelling=True))
    for level in (0.0, np.inf, 1e30, 0.0):
        with np.errstate(all="ignore"):
            voices = desk.hear(take(), level=level)
        assert np.isfinite(voices.after).all()


def test_what_is_silence_frames_stays_out_of_sounding_for_that_frame_only(packet):
    desk = Desk(strip())
    quiet = Take(0, Kind.PACKET, packet(ALICE, 0, 0, SILENCE), silent=True)
    assert desk.hear(quiet).sounding.tolist() == [False]
    assert desk.hear(take()).sounding.tolist() == [True]


def test_what_is_not_a_number_is_one_talker_s_silence_and_no_other_s():
    desk = Desk(strip(), strip(BEN))
    rows = np.array([[np.nan] * FRAME_SAMPLES, [0.5] * FRAME_SAMPLES], np.float32)
    voices = desk.strips.process([take(), take(BEN)], rows)
    assert np.all(voices.rows[0] == 0.0)
    assert np.all(voices.rows[1] == 0.5)
    assert (desk.strips.peak(0), desk.strips.peak(1)) == (0.0, 0.5)


def test_noise_suppression_is_switched_while_somebody_talks_without_a_step():
    desk = Desk(strip())
    said = []
    for kind in (Suppression.OFF, Suppression.STRONG, Suppression.OFF, Suppression.OFF):
        desk.adopt(strip(suppression=kind))
        desk.rack.settle()
        said += [desk.hear(take()).rows[0].copy() for _ in range(3)]
    whole = np.concatenate(said)
    assert np.abs(np.diff(whole)).max() < 1 / 900
    assert [whole[2880 * place - 1] for place in range(1, 5)] == [1.0, 0.5, 1.0, 1.0]
    desk.strips.rest()
    assert desk.strips.suppressors.idle
    desk.rack.close()
