"""The set-up as a part of what holds it: the settings and each preset have its fields among theirs. Pure."""

import msgspec
from msgspec import structs

from common.config.schema import Config, Preset
from tray.panel.messages import Setup


def setup_of(holder: Config | Preset) -> Setup:
    """Return the set-up that the settings or a preset hold."""
    return msgspec.convert(holder, Setup, from_attributes=True)


def with_setup(config: Config, setup: Setup) -> Config:
    """Return the settings with another set-up."""
    return structs.replace(config, **structs.asdict(setup))
