"""Presets: saved sets of channels, routes, strips and names. Pure: settings in, settings out."""

from typing import Final

from msgspec import structs

from common.config.schema import Config, Preset
from common.errors import ConfigError, ErrorCode
from tray.setup import setup_of, with_setup

MOST_PRESETS: Final = 50


def saved(config: Config, name: str) -> Config:
    """Keep the present set-up under ``name``, instead of one of that name; raises GUILD_UNKNOWN, PRESETS_FULL."""
    if config.guild is None:
        raise ConfigError(ErrorCode.GUILD_UNKNOWN, guild="")
    preset = Preset(name=name, strips=config.strips, **structs.asdict(setup_of(config)))
    others = tuple(other for other in config.presets if other.name != name)
    if len(others) >= MOST_PRESETS:
        raise ConfigError(ErrorCode.PRESETS_FULL, limit=str(MOST_PRESETS))
    return structs.replace(config, presets=tuple(sorted((*others, preset), key=lambda each: each.name)))


def loaded(config: Config, name: str) -> Config:
    """Make a preset the set-up; people it does not know keep their strips. Raises PRESET_UNKNOWN."""
    preset = _find(config, name)
    return structs.replace(with_setup(config, setup_of(preset)), strips=config.strips | preset.strips)


def removed(config: Config, name: str) -> Config:
    """Forget a preset; raises PRESET_UNKNOWN."""
    gone = _find(config, name)
    return structs.replace(config, presets=tuple(each for each in config.presets if each is not gone))


def _find(config: Config, name: str) -> Preset:
    found = next((preset for preset in config.presets if preset.name == name), None)
    if found is None:
        raise ConfigError(ErrorCode.PRESET_UNKNOWN, name=name)
    return found
