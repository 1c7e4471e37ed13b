"""Discord's answers: what is read of them, and that no answer does harm."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray.wizard.answers import GuildMember, GuildRole, Refusal

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("_errors"), inner),
    max_leaves=10,
)


@given(json_values)
def test_any_refusal_can_be_read(value):
    for body in (value, {"errors": value}, {"errors": {"username": value}}):
        assert isinstance(Refusal.read(json.dumps(body).encode()).fields(), list)


@given(st.binary())
def test_what_is_no_json_is_an_empty_refusal_or_none_of_its_business(data: bytes):
    assert Refusal.read(data).retry_after >= 0


def test_every_wrong_field_is_listed():
    errors = {"username": {"_errors": [{"code": "A", "message": "a"}, {"code": "B"}]}, "avatar": {"_errors": [{}]}}
    refusal = Refusal.read(json.dumps({"code": 50035, "message": "Invalid Form Body", "errors": errors}).encode())
    assert [(each.code, each.message) for each in refusal.fields()] == [("A", "a"), ("B", ""), ("", "")]


def test_a_time_out_is_a_moment():
    member = msgspec.json.decode(
        b'{"roles": ["1"], "communication_disabled_until": "2026-01-02T03:04:05Z"}', type=GuildMember
    )
    assert member.communication_disabled_until == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("bits", ["", "-1", "1.0", "1\n", "0x10", "１"])
def test_bits_are_decimal_digits(bits: str):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "1", "name": "x", "permissions": bits}, GuildRole)
