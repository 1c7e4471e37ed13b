import pytest

from common.errors import CombinedError, ErrorCode, RelayError
from common.protocol.faults import error_of, faults_of
from common.protocol.messages import Fault

FAULTS = (Fault(ErrorCode.TOKEN_MISSING, {"bot": "A", "code": "x", "self": "y"}), Fault(ErrorCode.SESSION_EMPTY))


@pytest.mark.parametrize("count", [1, 2])
def test_what_travels_comes_back_as_it_was(count):
    error = error_of(FAULTS[:count])
    assert error.code is ErrorCode.TOKEN_MISSING
    assert isinstance(error, CombinedError) is (count == 2)
    assert faults_of(error) == FAULTS[:count]


def test_one_reason_is_one_fault():
    assert faults_of(RelayError(ErrorCode.ENGINE_LOST)) == (Fault(ErrorCode.ENGINE_LOST),)
