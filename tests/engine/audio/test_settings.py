from dataclasses import FrozenInstanceError, fields

import pytest

from common.types import Suppression
from engine.audio.settings import FLAT, DestinationStrip, MixSettings, SourceStrip, TalkerStrip

MADE = [TalkerStrip(1, 10), SourceStrip(10), DestinationStrip(30), MixSettings(), FLAT]


@pytest.mark.parametrize("made", MADE)
def test_a_snapshot_cannot_change_under_the_mixer(made):
    for field in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, None)
    assert hash(made) == hash(type(made)(**{field.name: getattr(made, field.name) for field in fields(made)}))


def test_what_nobody_has_set_changes_nothing():
    talker, source, destination = MADE[:3]
    assert (talker.gain, talker.suppression, talker.levelling, talker.high_pass) == (1.0, Suppression.OFF, False, False)
    assert (source.gain, source.equalizer, source.pan) == (1.0, FLAT, 0.0)
    assert (destination.delay_s, destination.duck_db, destination.monitor) == (0.0, 0.0, False)
