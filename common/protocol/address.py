"""Where somebody of ours listens; apart from what listens there, so that to know an address costs no HTTP library."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.errors import ErrorCode, ProtocolError

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine listens: ``path`` of a Unix socket, or ``port`` on 127.0.0.1 (0 = any free one)."""

    path: Path | None = None
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``unix:/path`` or ``tcp:port``; raises PROTOCOL_MALFORMED."""
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest.startswith("/"):
            return cls(path=Path(rest))
        if kind == "tcp" and rest.isascii() and rest.isdigit() and int(rest) <= 0xFFFF:  # noqa: PLR2004 - 16 bits
            return cls(port=int(rest))
        raise ProtocolError(ErrorCode.PROTOCOL_MALFORMED, path="address", reason="expected unix:/path or tcp:port")

    def __str__(self) -> str:
        return f"tcp:{self.port}" if self.path is None else f"unix:{self.path}"
