"""What a member may do in a channel, worked out from roles and overwrites, and who denies what is missing.

The order is Discord's (developer documentation, "Permissions", section "Permission Overwrites"): the owner and
administrators may everything; else the union of the roles, then the channel's overwrites for everybody, then those
of the member's roles (all denials, then all grants), then the member's own. Without VIEW_CHANNEL or CONNECT nothing
else in a voice channel holds, and a member in time-out keeps only the right to look.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag, StrEnum


class Permission(IntFlag):
    """The permission bits a relay asks about."""

    ADMINISTRATOR = 1 << 3
    VIEW_CHANNEL = 1 << 10
    READ_MESSAGE_HISTORY = 1 << 16
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MOVE_MEMBERS = 1 << 24
    SET_VOICE_CHANNEL_STATUS = 1 << 48


EVERYTHING = (1 << 64) - 1
_TIMED_OUT = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY


class Why(StrEnum):
    """What keeps a permission from a member."""

    NO_ROLE_GRANTS = "no role grants it"
    TIMED_OUT = "the bot is in time-out"
    OVERWRITE = "channel overwrite"


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a permission is missing; ``by`` names the roles whose overwrite denies it, or the bot itself."""

    why: Why
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.why}: {', '.join(self.by)}" if self.by else str(self.why)


THE_BOT_ITSELF = "the bot itself"


@dataclass(frozen=True, slots=True)
class Role:
    """A role the member has; ``permissions`` are its bits for the whole guild."""

    id: int
    name: str
    permissions: int


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A channel's exception for one role or one member, named by ``target``."""

    target: int
    allow: int
    deny: int


@dataclass(frozen=True, slots=True)
class Member:
    """Whose permissions are asked. ``everyone`` is the guild's default role; ``roles`` are the others."""

    id: int
    everyone: Role
    roles: tuple[Role, ...] = ()
    owner: bool = False
    timed_out: bool = False


def effective(member: Member, overwrites: Sequence[Overwrite]) -> int:
    """Return the permission bits of ``member`` in a channel with these ``overwrites``."""
    base = _guild_wide(member)
    if member.owner or base & Permission.ADMINISTRATOR:
        return EVERYTHING
    for layer in _layers(member, overwrites):
        base = (base & ~_union(rule.deny for rule in layer)) | _union(rule.allow for rule in layer)
    if member.timed_out:
        base &= _TIMED_OUT
    return base if base & Permission.VIEW_CHANNEL else 0


def missing(member: Member, overwrites: Sequence[Overwrite], wanted: Iterable[Permission]) -> dict[str, Denial]:
    """Name each of ``wanted`` that the member lacks, with who denies it."""
    have = effective(member, overwrites)
    return {_name(bit): _denial(member, overwrites, bit) for bit in wanted if not have & bit}


def _guild_wide(member: Member) -> int:
    return member.everyone.permissions | _union(role.permissions for role in member.roles)


def _layers(member: Member, overwrites: Sequence[Overwrite]) -> tuple[list[Overwrite], ...]:
    """Sort the overwrites that concern the member into the three layers, weakest first."""
    role_ids = {role.id for role in member.roles}
    return (
        [rule for rule in overwrites if rule.target == member.everyone.id],
        [rule for rule in overwrites if rule.target in role_ids],
        [rule for rule in overwrites if rule.target == member.id],
    )


def _denial(member: Member, overwrites: Sequence[Overwrite], bit: Permission) -> Denial:
    """Say which layer took the permission away: the last one that denied it, else that nobody ever gave it."""
    if member.timed_out and not bit & _TIMED_OUT:
        return Denial(Why.TIMED_OUT)
    names = {role.id: role.name for role in member.roles}
    names |= {member.everyone.id: member.everyone.name, member.id: THE_BOT_ITSELF}
    for layer in reversed(_layers(member, overwrites)):
        if any(rule.allow & bit for rule in layer):
            break
        if denying := tuple(names[rule.target] for rule in layer if rule.deny & bit):
            return Denial(Why.OVERWRITE, denying)
    if bit != Permission.VIEW_CHANNEL and not effective(member, overwrites) & Permission.VIEW_CHANNEL:
        return _denial(member, overwrites, Permission.VIEW_CHANNEL)
    return Denial(Why.NO_ROLE_GRANTS)


def _name(bit: Permission) -> str:
    return bit.name or hex(bit)


def _union(bits: Iterable[int]) -> int:
    total = 0
    for each in bits:
        total |= each
    return total
