"""Only the passphrase opens it; damage and a wrong passphrase are told apart; a strange file can't ask for much."""

import time
import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import ErrorCode, SecretsError
from common.secret import Secret
from tests.tray.secrets.costs import CHEAP
from tray.secrets import sealed
from tray.secrets.sealed import BrokenError, Key, NewerError, parse, unseal

PASSPHRASE = Secret("correct horse")
DATA = Key.new(PASSPHRASE, CHEAP).seal("vault", b"what nobody may read")


def fits(passphrase):
    return len(unicodedata.normalize("NFKC", passphrase)) >= sealed.PASSPHRASES.lowest


def changed(**parts):
    return msgspec.json.encode({**msgspec.json.decode(DATA), **parts})


@given(st.binary(max_size=200), st.text(min_size=8, max_size=40).filter(fits))
@settings(max_examples=30)
def test_the_passphrase_opens_it(plain, passphrase):
    data = Key.new(Secret(passphrase), CHEAP).seal("pack", plain)
    assert unseal(parse("pack", data), Secret(passphrase))[1] == plain


def test_nothing_of_it_can_be_read_and_no_two_are_alike():
    key = Key.new(PASSPHRASE, CHEAP)
    first, second = (key.seal("vault", b"what nobody may read") for _ in range(2))
    assert b"nobody" not in first
    assert msgspec.json.decode(first)["box"] != msgspec.json.decode(second)["box"]


@pytest.mark.parametrize("passphrase", ["wrong horse", "", "x" * 257, "Correct horse"])
def test_another_passphrase_is_wrong(passphrase):
    with pytest.raises(SecretsError) as refused:
        unseal(parse("vault", DATA), Secret(passphrase))
    assert refused.value.code is ErrorCode.PASSPHRASE_WRONG


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [("合言葉はパスフレーズ", "合言葉はハ\u309aスフレース\u3099"), ("abcd1234", "ａｂｃｄ１２３４")],
)
def test_a_passphrase_is_the_same_on_another_system_and_in_another_input_mode(chosen, typed):
    data = Key.new(Secret(chosen), CHEAP).seal("vault", b"x")
    assert unseal(parse("vault", data), Secret(typed))[1] == b"x"


@pytest.mark.parametrize("passphrase", ["", "seven77", "x" * 257])
def test_a_passphrase_has_a_length(passphrase):
    with pytest.raises(SecretsError) as refused:
        Key.new(Secret(passphrase), CHEAP)
    assert refused.value.code is ErrorCode.PASSPHRASE_UNFIT
    assert refused.value.details == {"lowest": "8", "highest": "256"}


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_noticed_before_any_passphrase(place, flip):
    damaged = bytearray(DATA)
    damaged[place] ^= flip
    try:
        found = parse("vault", bytes(damaged))
    except (BrokenError, NewerError):  # the version's own digit may have become a larger one
        return
    assert found == parse("vault", DATA)  # nothing that means anything was hit, such as a bit that base64 ignores


@pytest.mark.parametrize("length", range(0, len(DATA), 7))
def test_a_part_of_one_is_broken(length):
    with pytest.raises(BrokenError):
        parse("vault", DATA[:length])


@given(st.binary(max_size=200))
def test_any_bytes_are_broken(data):
    with pytest.raises(BrokenError):
        parse("vault", data)


@pytest.mark.parametrize(
    "cost",
    [
        {"ops": 1000, "memory": 8192},
        {"ops": 1, "memory": 2**36},
        {"ops": 0, "memory": 8192},
        {"ops": 1, "memory": 1},
        {},
    ],
)
def test_a_file_can_t_ask_for_all_memory_or_for_hours(cost):
    begun = time.monotonic()
    with pytest.raises(BrokenError):
        parse("vault", changed(cost=cost))
    assert time.monotonic() - begun < 1


def test_the_cost_can_t_be_lowered_unnoticed():
    with pytest.raises(BrokenError):
        parse("vault", changed(cost={"ops": 2, "memory": 8192}))


def test_a_pack_is_no_vault():
    with pytest.raises(BrokenError, match="another kind"):
        parse("pack", DATA)


def test_a_newer_version_s_is_told_from_a_broken_one():
    with pytest.raises(NewerError):
        parse("vault", b'{"kind": "vault", "version": 2, "something": "else"}')


def test_too_long_is_not_even_looked_at():
    with pytest.raises(BrokenError, match="longer"):
        parse("vault", b" " * (sealed.LONGEST_BYTES + 1))


def test_the_cost_of_a_real_one_is_what_the_library_calls_moderate():
    key = Key.new(PASSPHRASE)
    assert msgspec.json.decode(key.seal("vault", b"x"))["cost"] == {"ops": 3, "memory": 2**28}
