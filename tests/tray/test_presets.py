import pytest
from msgspec import structs

from common.config.schema import Config
from common.errors import ConfigError, ErrorCode
from common.protocol.spec import DestinationSpec, RouteSpec, SourceSpec, StripSpec
from tray import presets

CUP = Config(
    guild="1",
    guild_name="Cup",
    sources=(SourceSpec(channel="2", bot="red"),),
    destinations=(DestinationSpec(channel="3", bot="cast"),),
    routes=(RouteSpec(source="2", destination="3", gain=0.5),),
    strips={"7": StripSpec(gain=0.5)},
)


def test_what_was_saved_comes_back_whatever_was_set_meanwhile():
    config = presets.saved(CUP, "日曜カップ")
    other = structs.replace(config, guild="9", guild_name="", sources=(), destinations=(), routes=(), strips={})
    assert presets.loaded(other, "日曜カップ") == config


def test_people_a_preset_does_not_know_keep_their_strips():
    config = structs.replace(presets.saved(CUP, "a"), strips={"7": StripSpec(gain=2.0), "8": StripSpec(muted=True)})
    assert presets.loaded(config, "a").strips == {"7": StripSpec(gain=0.5), "8": StripSpec(muted=True)}


def test_a_name_stands_for_one_preset():
    config = presets.saved(structs.replace(presets.saved(CUP, "a"), guild_name="new"), "a")
    assert [(preset.name, preset.guild_name) for preset in config.presets] == [("a", "new")]
    assert presets.removed(config, "a").presets == ()


def test_there_is_an_end_to_presets(monkeypatch):
    monkeypatch.setattr(presets, "MOST_PRESETS", 1)
    config = presets.saved(presets.saved(CUP, "a"), "a")
    with pytest.raises(ConfigError) as caught:
        presets.saved(config, "b")
    assert caught.value.code is ErrorCode.PRESETS_FULL


@pytest.mark.parametrize("act", [presets.loaded, presets.removed])
def test_a_preset_that_is_gone_is_said(act):
    with pytest.raises(ConfigError) as caught:
        act(CUP, "gone")
    assert caught.value.code is ErrorCode.PRESET_UNKNOWN


def test_nothing_is_no_preset():
    with pytest.raises(ConfigError):
        presets.saved(Config(), "a")
