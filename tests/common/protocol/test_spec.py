"""What everybody gets who said nothing, and that what has a name is allowed."""

import msgspec
import pytest

from common.protocol.spec import EQUALIZER_PRESETS, DestinationSpec, EqualizerSpec, SessionSpec, SourceSpec, StripSpec
from common.types import Suppression


def test_a_match_balances_itself_and_nothing_else_happens_unasked():
    assert StripSpec() == StripSpec(
        gain=1.0, muted=False, priority=False, suppression=Suppression.OFF, levelling=True, high_pass=False
    )
    assert SourceSpec("1", "a") == SourceSpec("1", "a", gain=1.0, muted=False, equalizer=EqualizerSpec(), pan=0.0)
    assert DestinationSpec("1", "a") == DestinationSpec("1", "a", delay_s=0.0, duck_db=0.0, monitor=False)
    assert SessionSpec("1", (), ()) == SessionSpec("1", (), (), tick_ms=20, loudness=-20.0)


@pytest.mark.parametrize("preset", EQUALIZER_PRESETS.values())
def test_a_preset_is_an_equalizer_that_may_be_set(preset):
    assert msgspec.convert(msgspec.to_builtins(preset), EqualizerSpec) == preset


def test_flat_changes_nothing_and_every_other_preset_does():
    assert EQUALIZER_PRESETS["flat"] == EqualizerSpec()
    assert len(set(EQUALIZER_PRESETS.values())) == len(EQUALIZER_PRESETS)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (StripSpec, {"gain": 2.01}),
        (StripSpec, {"suppression": "most"}),
        (EqualizerSpec, {"mid_db": -12.01}),
        (SourceSpec, {"channel": "05", "bot": "a"}),
        (DestinationSpec, {"channel": "00", "bot": "a"}),
        (SourceSpec, {"channel": "1" * 21, "bot": "a"}),
        (SourceSpec, {"channel": "1", "bot": "a", "pan": 1.01}),
        (DestinationSpec, {"channel": "1", "bot": "a", "delay_s": 300.01}),
        (DestinationSpec, {"channel": "1", "bot": "a", "duck_db": -0.01}),
        (SessionSpec, {"guild": "1", "sources": [], "destinations": [], "tick_ms": 40}),
        (SessionSpec, {"guild": "1", "sources": [], "destinations": [], "loudness": -13.99}),
    ],
)
def test_what_is_out_of_range_does_not_arrive(kind, value):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)
