"""Errors as they travel, and back. Pure."""

from collections.abc import Sequence

from common.errors import CombinedError, RelayError
from common.protocol.messages import Fault


def faults_of(error: RelayError) -> tuple[Fault, ...]:
    """Return everything that is wrong, as it travels; at least one."""
    errors = error.errors if isinstance(error, CombinedError) else (error,)
    return tuple(Fault(code=each.code, details=each.details) for each in errors)


def error_of(faults: Sequence[Fault]) -> RelayError:
    """Return what travelled as one error; ``faults`` are at least one."""
    errors = [RelayError(fault.code, **fault.details) for fault in faults]
    return errors[0] if len(errors) == 1 else CombinedError(errors)
