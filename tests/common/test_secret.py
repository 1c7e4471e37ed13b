"""A token that can't be printed by accident."""

import copy
import pickle

import msgspec
import pytest

from common.secret import Secret

TOKEN = Secret("hunter2")


@pytest.mark.parametrize("shown", [repr(TOKEN), str(TOKEN), f"{TOKEN}", f"{[TOKEN]}", "%s" % TOKEN, f"{TOKEN!r:>20}"])  # noqa: UP031 - as a log record does it
def test_no_way_of_printing_shows_it(shown):
    assert "hunter2" not in shown


def test_it_is_revealed_on_request():
    assert TOKEN.reveal() == "hunter2"


def test_it_compares_by_value_with_its_like_only():
    assert Secret("hunter2") == TOKEN
    assert Secret("other") != TOKEN
    assert TOKEN != "hunter2"
    assert Secret("ü") != Secret("u")


@pytest.mark.parametrize("writer", [pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.msgpack.encode])
def test_no_encoder_takes_it(writer):
    with pytest.raises(TypeError):
        writer(TOKEN)
