"""The link that brings a bot into a server, with the least permissions that work. Pure.

Who follows it grants them to the bot's own role; following it again with others replaces them. Each has its reason:

- VIEW_CHANNEL, CONNECT: without the first nothing else holds, without the second there is no way in.
- SPEAK, destinations only: that is where the mix is played. A source's bot never sends sound, and should it ever try,
  Discord itself holds it back: the one-way rule is kept twice.
- SET_VOICE_CHANNEL_STATUS, sources only: the line under the channel's name tells players that they are relayed.
- MOVE_MEMBERS, only where a chosen channel has a user limit: Discord lets a bot into a full channel with nothing
  else. It also lets it disconnect people, so it isn't asked for on the chance.

Receiving needs no permission of its own, and talking into a channel by a bot doesn't ask for voice activity.
"""

from typing import Final
from urllib.parse import urlencode

from common.permissions import Permission
from common.protocol.state import Role

AUTHORIZE: Final = "https://discord.com/oauth2/authorize"
NEW_APPLICATION: Final = "https://discord.com/developers/applications?new_application=true"
"""Opens Discord's dialog for a new application."""
BOT_PAGE: Final = "https://discord.com/developers/applications/select/bot"
"""Asks which of one's applications, then opens the page where its token is made."""

_NEEDED: Final = {
    Role.SOURCE: Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.SET_VOICE_CHANNEL_STATUS,
    Role.DESTINATION: Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.SPEAK,
}


def permissions(role: Role, *, limited: bool = False) -> Permission:
    """Return what a bot of this role needs; ``limited`` when its channel has a user limit."""
    return _NEEDED[role] | (Permission.MOVE_MEMBERS if limited else Permission(0))


def invite(application: str, role: Role, *, guild: str | None = None, limited: bool = False) -> str:
    """Return the address of Discord's page; ``guild``, once one is chosen, is set there and can't be changed.

    ``application`` is the client id; an empty one, while the token was never good, gives an empty address.
    """
    if not application:
        return ""
    query = {"client_id": application, "scope": "bot", "permissions": str(int(permissions(role, limited=limited)))}
    if guild:
        query |= {"guild_id": guild, "disable_guild_select": "true"}
    return f"{AUTHORIZE}?{urlencode(query)}"
