"""The two lines before the control socket."""

import pytest

from common.errors import ErrorCode, ProtocolError
from common.protocol import bootstrap
from common.protocol.bootstrap import Bootstrap, Listening
from common.secret import Secret


def test_what_is_written_is_read():
    given = Bootstrap(address="unix:/x", token=Secret("t"), bots={"A": Secret("a")}, api_base="https://h/api/v10")
    line = bootstrap.write_line(given)
    assert line.count(b"\n") == 1
    assert bootstrap.read_bootstrap(line) == given
    assert bootstrap.read_listening(bootstrap.write_line(Listening(address="tcp:1", pid=2))) == Listening("tcp:1", 2)


def test_a_bootstrap_shows_no_secret():
    assert "hunter2" not in repr(Bootstrap(address="", token=Secret("hunter2"), bots={"A": Secret("hunter2")}))


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type":"bootstrap","address":"x"}', b'{"type":"listening"}'])
def test_anything_else_is_malformed(line):
    with pytest.raises(ProtocolError) as refused:
        bootstrap.read_bootstrap(line)
    assert refused.value.code is ErrorCode.PROTOCOL_MALFORMED
