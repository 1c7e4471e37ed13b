"""Invites: the least that works, and a server that is set once it is chosen."""

from urllib.parse import parse_qs, urlsplit

import pytest

from common.permissions import Permission
from common.protocol.state import Role
from tray.wizard.invites import invite, permissions

VIEW, CONNECT, SPEAK = Permission.VIEW_CHANNEL, Permission.CONNECT, Permission.SPEAK
STATUS, MOVE = Permission.SET_VOICE_CHANNEL_STATUS, Permission.MOVE_MEMBERS


@pytest.mark.parametrize(
    ("role", "limited", "bits"),
    [
        (Role.SOURCE, False, VIEW | CONNECT | STATUS),
        (Role.SOURCE, True, VIEW | CONNECT | STATUS | MOVE),
        (Role.DESTINATION, False, VIEW | CONNECT | SPEAK),
        (Role.DESTINATION, True, VIEW | CONNECT | SPEAK | MOVE),
    ],
)
def test_each_role_asks_for_what_it_needs_and_nothing_else(role: Role, limited: bool, bits: Permission):
    assert permissions(role, limited=limited) == bits


def test_a_source_s_bot_is_never_allowed_to_speak():
    assert not any(permissions(Role.SOURCE, limited=limited) & SPEAK for limited in (False, True))


def parts(address: str) -> dict[str, list[str]]:
    split = urlsplit(address)
    assert (split.scheme, split.netloc, split.path) == ("https", "discord.com", "/oauth2/authorize")
    return parse_qs(split.query, strict_parsing=True)


def test_the_link_without_and_with_a_server():
    first = parts(invite("123", Role.DESTINATION))
    assert first == {"client_id": ["123"], "scope": ["bot"], "permissions": [str((1 << 10) + (1 << 20) + (1 << 21))]}
    later = parts(invite("123", Role.DESTINATION, guild="77"))
    assert later == first | {"guild_id": ["77"], "disable_guild_select": ["true"]}


def test_a_bot_that_discord_never_described_has_no_link():
    assert invite("", Role.SOURCE, guild="77") == ""
