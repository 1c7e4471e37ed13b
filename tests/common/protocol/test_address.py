import subprocess
import sys

import pytest

from common.errors import ProtocolError
from common.protocol.address import Address


@pytest.mark.parametrize("text", ["unix:/run/x.sock", "tcp:0", "tcp:65535"])
def test_an_address_is_read_as_it_is_written(text):
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", ["", "unix:", "unix:relative", "tcp:65536", "tcp:-1", "tcp:١", "http://x"])
def test_another_address_is_refused(text):
    with pytest.raises(ProtocolError):
        Address.parse(text)


def test_to_know_one_costs_no_http_library():
    asked = "import sys, common.protocol.address; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0  # noqa: S603 - ours
