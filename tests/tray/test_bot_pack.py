"""A pack goes from one computer to another with nothing to read on the way."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config.schema import CONFIG_VERSION, BotEntry, Preset
from common.errors import ErrorCode, SecretsError
from common.protocol.spec import SourceSpec, StripSpec
from common.protocol.state import Role
from common.secret import Secret
from tests.tray.secrets.costs import CHEAP
from tray.bot_pack import Contents, pack, unpack
from tray.secrets.sealed import Key

PASSPHRASE = Secret("correct horse")
CONTENTS = Contents(
    bots=(BotEntry("red", Role.SOURCE, name="赤チーム"), BotEntry("casters", Role.DESTINATION)),
    tokens={"red": Secret("MTIz.invented.token-of-a-pack")},
    presets=(Preset("final", "7", sources=(SourceSpec(channel="5", bot="red"),), strips={"9": StripSpec(gain=0.5)}),),
)


def refusal(data, passphrase=PASSPHRASE):
    with pytest.raises(SecretsError) as refused:
        unpack(data, passphrase)
    return refused.value.code


def sealed(**parts):
    inside = {"config": CONFIG_VERSION, "bots": [], "tokens": {}, "presets": [], **parts}
    return Key.new(PASSPHRASE, CHEAP).seal("pack", msgspec.json.encode(inside))


def test_everything_arrives():
    assert unpack(pack(CONTENTS, PASSPHRASE, CHEAP), PASSPHRASE) == CONTENTS


def test_an_empty_one_arrives_too():
    assert unpack(sealed(), PASSPHRASE) == Contents(bots=(), tokens={})


def test_nothing_can_be_read_on_the_way_or_printed():
    data = pack(CONTENTS, PASSPHRASE, CHEAP)
    assert not [word for word in (b"invented", b"red", b"final", b"horse") if word in data]
    assert "invented" not in repr(CONTENTS)


def test_it_wants_its_passphrase():
    assert refusal(pack(CONTENTS, PASSPHRASE, CHEAP), Secret("wrong horse")) is ErrorCode.PASSPHRASE_WRONG
    with pytest.raises(SecretsError) as refused:
        pack(CONTENTS, Secret("short"), CHEAP)
    assert refused.value.code is ErrorCode.PASSPHRASE_UNFIT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pack(CONTENTS, PASSPHRASE, CHEAP)[:-9],
        Key.new(PASSPHRASE, CHEAP).seal("vault", b"{}"),
        Key.new(PASSPHRASE, CHEAP).seal("pack", b"\xff"),
        sealed(tokens={"red": "x"}),
        sealed(bots=[{"bot": "red", "role": "source"}] * 2),
        sealed(bots=[{"bot": "../x", "role": "source"}]),
        sealed(bots=[{"bot": "red", "role": "source"}], tokens={"red": ""}),
        sealed(bots=[{"bot": f"b{number}", "role": "source"} for number in range(101)]),
        sealed(something="else"),
    ],
)
def test_what_is_no_whole_pack_is_refused(data):
    assert refusal(data) is ErrorCode.PACK_BROKEN


def test_a_newer_version_s_is_told_apart():
    assert refusal(sealed(config=CONFIG_VERSION + 1, something="else")) is ErrorCode.PACK_NEWER
    assert refusal(b'{"kind": "pack", "version": 9}') is ErrorCode.PACK_NEWER


def test_one_that_could_not_be_read_again_is_not_made():
    crowd = Contents(bots=(), tokens={}, presets=(Preset("x" * 100_000, "7"),) * 50)
    with pytest.raises(SecretsError) as refused:
        pack(crowd, PASSPHRASE, CHEAP)
    assert refused.value.code is ErrorCode.PACK_BROKEN


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    assert refusal(data) is ErrorCode.PACK_BROKEN
