"""Invariants of what page and tray say to each other."""

from typing import get_args

import msgspec
import pytest

from common.protocol import messages as engine
from tray.panel import messages as m

OURS = get_args(m.PanelCommand)
SAID = {*OURS, *get_args(engine.Command), *get_args(m.PanelPayload), *get_args(m.FromTray), m.Call}


def test_every_message_has_a_tag_of_its_own():
    tags = [each.__struct_config__.tag for each in SAID]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("command", OURS)
def test_whatever_is_secret_in_a_command_is_a_secret(command):
    for field in msgspec.structs.fields(command):
        if {"token", "passphrase"} & set(field.name.split("_")):
            assert "Secret" in repr(field.type)


def test_nothing_that_goes_to_the_page_can_hold_a_secret():
    for each in {*get_args(m.PanelPayload), m.Desk, m.BotInfo, m.SecretsInfo, m.LegacyInfo, m.Setup}:
        assert not [field.name for field in msgspec.structs.fields(each) if "common.secret.Secret" in repr(field.type)]
