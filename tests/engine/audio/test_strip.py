import numpy as np
import pytest

from engine.audio.frame import FRAME_SAMPLES
from engine.audio.opus import SILENCE
from engine.audio.playout import Kind, Take
from engine.audio.settings import TalkerStrip
from engine.audio.strip import Strips

ALICE, BEN, SOURCE = 1, 2, 10


def strip(user=ALICE, gain=1.0, muted=False):
    return TalkerStrip(user, SOURCE, gain, muted)


@pytest.fixture
def take(packet):
    return lambda user=ALICE, payload=b"\x08abc": Take(user, Kind.PACKET, packet(user, 0, 0, payload))


def ones(rows=1):
    return np.ones((rows, FRAME_SAMPLES, 2), np.float32)


def test_a_new_talker_starts_at_its_gain_and_a_change_is_a_straight_line_over_one_frame(take):
    strips = Strips()
    strips.adopt([strip(gain=0.5)])
    assert np.all(strips.process([take()], ones()) == 0.5)
    strips.adopt([strip(gain=1.5)])
    changed = strips.process([take()], ones())[0, :, 0]
    assert changed[0] == pytest.approx(0.5)
    assert changed[-1] == pytest.approx(1.5)
    assert np.diff(changed).max() < 0.002
    assert np.all(strips.process([take()], ones()) == 1.5)


def test_a_mute_fades_in_one_frame_and_then_nobody_sounds(take):
    strips = Strips()
    strips.adopt([strip()])
    strips.process([take()], ones())
    strips.adopt([strip(muted=True)])
    fading = strips.process([take()], ones())[0]
    assert fading[0, 0] == 1.0
    assert fading[-1, 0] == 0.0
    assert strips.sounding == {ALICE}
    assert np.all(strips.process([take()], ones()) == 0.0)
    assert strips.sounding == set()


def test_a_talker_muted_before_the_first_sample_is_never_heard(take):
    strips = Strips()
    strips.adopt([strip(muted=True)])
    assert np.all(strips.process([take()], ones()) == 0.0)


def test_who_is_silent_takes_a_change_at_once(take):
    strips = Strips()
    strips.adopt([strip()])
    strips.process([take()], ones())
    strips.adopt([strip(muted=True)])
    strips.process([], ones(0))
    assert np.all(strips.process([take()], ones()) == 0.0)


def test_one_talker_s_gain_is_not_another_s_and_peaks_are_measured_behind_it(take):
    strips = Strips()
    strips.adopt([strip(ALICE, gain=0.25), strip(BEN)])
    voices = strips.process([take(BEN), take(ALICE)], ones(2))
    assert np.all(voices[0] == 1.0)
    assert np.all(voices[1] == 0.25)
    assert strips.peaks == {ALICE: 0.25, BEN: 1.0}
    strips.process([take(BEN)], ones())
    assert strips.peaks[ALICE] == 0.0


def test_the_sender_s_own_silence_does_not_sound(take):
    strips = Strips()
    strips.adopt([strip(ALICE), strip(BEN)])
    strips.process([take(ALICE, SILENCE), take(BEN)], ones(2))
    assert strips.sounding == {BEN}


def test_the_gone_leave_nothing_behind():
    strips = Strips()
    strips.adopt([strip(ALICE), strip(BEN)])
    strips.adopt([strip(BEN)])
    assert strips.peaks.keys() == {BEN}
    assert strips._heard.keys() == strips._target.keys() == {BEN}
