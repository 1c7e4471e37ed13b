from common.config.schema import Config, Preset
from common.protocol.spec import DestinationSpec, RouteSpec, SourceSpec
from tray.panel.messages import Preferences, Setup
from tray.setup import setup_of, with_setup

CUP = Setup(
    guild="1",
    guild_name="Cup",
    sources=(SourceSpec(channel="2", bot="red", gain=0.5),),
    destinations=(DestinationSpec(channel="3", bot="cast"),),
    routes=(RouteSpec(source="2", destination="3", gain=0.5),),
)


def test_what_is_put_into_the_settings_is_what_comes_out():
    assert setup_of(with_setup(Config(loudness=-18.0), CUP)) == CUP
    assert with_setup(Config(loudness=-18.0), CUP).loudness == -18.0


def test_settings_and_presets_hold_every_field_under_its_name():
    assert set(Setup.__struct_fields__) <= set(Config.__struct_fields__) & set(Preset.__struct_fields__)
    assert set(Preferences.__struct_fields__) <= set(Config.__struct_fields__)
