"""Permissions: Discord's order of roles and overwrites, and the name of who denies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.permissions import (
    EVERYTHING,
    Denial,
    Member,
    Overwrite,
    Permission,
    Role,
    Why,
    effective,
    missing,
)

VIEW, CONNECT, SPEAK, MOVE = (
    Permission.VIEW_CHANNEL,
    Permission.CONNECT,
    Permission.SPEAK,
    Permission.MOVE_MEMBERS,
)
EVERYONE = 1
RELAY = 2
QUIET = 3
BOT = 10
WANTED = (VIEW, CONNECT, SPEAK)

TABLE = [
    ("everyone may", VIEW | CONNECT | SPEAK, (), [], {}),
    ("nobody grants", VIEW | CONNECT, (), [], {"SPEAK": Denial(Why.NO_ROLE_GRANTS)}),
    ("a role grants", VIEW | CONNECT, (Role(RELAY, "relay", SPEAK),), [], {}),
    (
        "the channel denies everyone",
        VIEW | CONNECT | SPEAK,
        (),
        [Overwrite(EVERYONE, 0, SPEAK)],
        {"SPEAK": Denial(Why.OVERWRITE, ("@everyone",))},
    ),
    (
        "a role's grant in the channel beats everyone's denial",
        VIEW | CONNECT,
        (Role(RELAY, "relay", 0),),
        [Overwrite(EVERYONE, 0, SPEAK), Overwrite(RELAY, SPEAK, 0)],
        {},
    ),
    (
        "among roles a grant beats a denial",
        VIEW | CONNECT,
        (Role(RELAY, "relay", 0), Role(QUIET, "quiet", 0)),
        [Overwrite(QUIET, 0, SPEAK), Overwrite(RELAY, SPEAK, 0)],
        {},
    ),
    (
        "a role's denial is named",
        VIEW | CONNECT | SPEAK,
        (Role(QUIET, "quiet", 0),),
        [Overwrite(QUIET, 0, SPEAK)],
        {"SPEAK": Denial(Why.OVERWRITE, ("quiet",))},
    ),
    (
        "the member's own overwrite is last",
        VIEW | CONNECT | SPEAK,
        (Role(RELAY, "relay", SPEAK),),
        [Overwrite(RELAY, SPEAK, 0), Overwrite(BOT, 0, SPEAK)],
        {"SPEAK": Denial(Why.OVERWRITE, ("the bot itself",))},
    ),
    (
        "overwrites of roles one doesn't have are nothing",
        VIEW | CONNECT | SPEAK,
        (),
        [Overwrite(QUIET, 0, SPEAK)],
        {},
    ),
    (
        "a private channel takes everything, and names why",
        VIEW | CONNECT | SPEAK,
        (),
        [Overwrite(EVERYONE, 0, VIEW)],
        dict.fromkeys(("VIEW_CHANNEL", "CONNECT", "SPEAK"), Denial(Why.OVERWRITE, ("@everyone",))),
    ),
]


@pytest.mark.parametrize(
    ("everyone", "roles", "overwrites", "lacking"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_who_denies_what(everyone: int, roles: tuple[Role, ...], overwrites: list[Overwrite], lacking: dict[str, str]):
    member = Member(id=BOT, everyone=Role(EVERYONE, "@everyone", everyone), roles=roles)
    assert missing(member, overwrites, WANTED) == lacking


def test_the_owner_and_administrators_may_everything():
    denied = [Overwrite(EVERYONE, 0, VIEW | CONNECT), Overwrite(BOT, 0, SPEAK)]
    nobody = Role(EVERYONE, "@everyone", 0)
    admin = Role(RELAY, "admin", Permission.ADMINISTRATOR)
    assert effective(Member(BOT, nobody, owner=True), denied) == EVERYTHING
    assert missing(Member(BOT, nobody, roles=(admin,)), denied, (*WANTED, MOVE)) == {}


def test_time_out_leaves_the_right_to_look():
    member = Member(BOT, Role(EVERYONE, "@everyone", VIEW | CONNECT | SPEAK), timed_out=True)
    assert missing(member, [], WANTED) == {"CONNECT": Denial(Why.TIMED_OUT), "SPEAK": Denial(Why.TIMED_OUT)}


def test_a_denial_reads_as_a_sentence_s_end():
    assert str(Denial(Why.NO_ROLE_GRANTS)) == "no role grants it"
    assert str(Denial(Why.OVERWRITE, ("quiet", "@everyone"))) == "channel overwrite: quiet, @everyone"


bits = st.sampled_from([0, VIEW, CONNECT, SPEAK, VIEW | CONNECT, VIEW | CONNECT | SPEAK, MOVE])
overwrite = st.builds(Overwrite, st.sampled_from([EVERYONE, RELAY, QUIET, BOT]), bits, bits)


@given(bits, bits, st.lists(overwrite, max_size=5), st.booleans())
def test_what_is_missing_is_what_is_not_effective_and_has_a_reason(
    everyone: int, role: int, overwrites: list[Overwrite], timed_out: bool
):
    member = Member(
        BOT, Role(EVERYONE, "@everyone", everyone), roles=(Role(RELAY, "relay", role),), timed_out=timed_out
    )
    have = effective(member, overwrites)
    lacking = missing(member, overwrites, WANTED)
    assert set(lacking) == {bit.name for bit in WANTED if not have & bit}
    assert all(denial.by for denial in lacking.values() if denial.why is Why.OVERWRITE)


@given(bits, st.lists(overwrite, max_size=5))
def test_an_own_grant_is_never_overruled(everyone: int, overwrites: list[Overwrite]):
    member = Member(BOT, Role(EVERYONE, "@everyone", everyone))
    others = [rule for rule in overwrites if rule.target != BOT]
    assert missing(member, [*others, Overwrite(BOT, VIEW | CONNECT | SPEAK, 0)], WANTED) == {}
