"""What is refused before anybody logs in; the rest is in tests/journeys/test_sound_check.py and test_new_token.py."""

from types import SimpleNamespace

import pytest

from common.errors import ErrorCode, RelayError
from common.secret import Secret
from engine.session import bench
from engine.session.desk import Desk
from engine.session.errands import Errands


def running(**changes):
    """Return what the bench sees of a session with a source's bot that works."""
    seat = SimpleNamespace(key="red", is_source=True, supervisor=SimpleNamespace(is_over=False, place=30), home=30)
    made = {
        "tokens": {"red": Secret("one"), "blue": Secret("two")},
        "seats": {"red": seat},
        "seat": lambda _key: seat,
        "room": lambda _destination: SimpleNamespace(seat=seat),
        "checked": None,
        "checks": Errands(),
        "desk": Desk(),
    }
    return SimpleNamespace(**{**made, **changes})


async def refused(awaitable):
    with pytest.raises(RelayError) as caught:
        await awaitable
    return caught.value.code


async def test_a_token_that_another_bot_has_is_refused_and_one_s_own_is_not():
    session = running()
    assert await refused(bench.renew(session, "red", Secret("two"))) is ErrorCode.TOKEN_DUPLICATE
    await bench.renew(session, "red", Secret("one"))
    await bench.renew(session, "red", Secret("three"))
    assert session.tokens == {"red": Secret("three"), "blue": Secret("two")}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"checked": 30}, ErrorCode.CHECK_BUSY),
        ({"desk": Desk(kill=True)}, ErrorCode.CHECK_KILLED),
        ({}, ErrorCode.TOKEN_MISSING),
    ],
)
async def test_a_check_that_can_not_be_made_begins_nothing(changes, code):
    session = running(**changes)
    assert await refused(bench.sound_check(session, "30", "spare", {})) is code
    assert session.checked == changes.get("checked")


async def test_a_listener_with_a_token_of_the_session_s_is_refused():
    session = running()
    tokens = {"spare": Secret("one")}
    assert await refused(bench.sound_check(session, "30", "spare", tokens)) is ErrorCode.TOKEN_DUPLICATE
