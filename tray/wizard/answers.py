"""What Discord answers, as far as the set-up reads it; fields of no use here are left out and ignored.

Everything is checked while it is read: an id is digits, a time has its zone.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Digits = Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")]
"""An id or a set of permission bits in decimal."""


class User(Struct, frozen=True):
    """An account; ids are decimal strings here and everywhere below."""

    id: Digits
    username: str
    bot: bool = False


class Application(Struct, frozen=True):
    """What a bot belongs to; its id is the client id of the invite."""

    id: Digits
    name: str
    bot_public: bool = True


class PartialGuild(Struct, frozen=True):
    """A server as listed among one's own."""

    id: Digits
    name: str


class GuildRole(Struct, frozen=True):
    """A server's role; ``permissions`` is a decimal string of bits."""

    id: Digits
    name: str
    permissions: Digits


class Guild(Struct, frozen=True):
    """A server with its roles; the role of everybody has the server's id."""

    id: Digits
    name: str
    owner_id: Digits
    roles: tuple[GuildRole, ...]


class GuildOverwrite(Struct, frozen=True):
    """A channel's exception for one role or member."""

    id: Digits
    allow: Digits
    deny: Digits


class GuildChannel(Struct, frozen=True):
    """A channel or category (type 4) of a server; 2 is voice, 13 a stage."""

    id: Digits
    type: int
    name: str = ""
    position: int = 0
    parent_id: Digits | None = None
    user_limit: int = 0
    permission_overwrites: tuple[GuildOverwrite, ...] = ()


class GuildMember(Struct, frozen=True):
    """The bot in a server; ``communication_disabled_until`` may be past, and means nothing then."""

    roles: tuple[Digits, ...] = ()
    communication_disabled_until: Annotated[datetime, Meta(tz=True)] | None = None


class FieldError(Struct, frozen=True):
    """What Discord says is wrong with one field; ``code`` is a word such as USERNAME_RATE_LIMIT."""

    code: str = ""
    message: str = ""


class FieldErrors(Struct, frozen=True):
    """All that is wrong with one field."""

    errors: tuple[FieldError, ...] = msgspec.field(name="_errors", default=())


class Refusal(Struct, frozen=True):
    """Discord's error body, by which an answer that is not a success explains itself."""

    code: int = 0
    message: str = ""
    retry_after: float = 0.0
    errors: dict[str, Any] = {}

    def fields(self) -> list[FieldError]:
        """List what is wrong with the fields that were sent."""
        found: list[FieldError] = []
        for named in self.errors.values():
            try:
                found += msgspec.convert(named, FieldErrors).errors
            except msgspec.ValidationError:
                continue
        return found

    @classmethod
    def read(cls, data: bytes) -> "Refusal":
        """Read an error's body; an empty one when it isn't Discord's: its front door answers with a page of HTML."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError:
            return cls()
