"""The two lines that a supervisor and a new engine process exchange before the control socket is there.

The supervisor writes one Bootstrap line to the engine's standard input and keeps it open: when it closes, the engine
ends, unless it was told to stay. The engine writes one Listening line to its standard output. Tokens travel nowhere
else: not as arguments, which every user of the machine can read, and not in the environment, which children inherit.
"""

import msgspec

from common.protocol import codec
from common.protocol.messages import Message
from common.secret import Secret


class Bootstrap(Message, frozen=True):
    """What an engine needs to begin.

    ``address``: where to listen (``unix:/path``, ``tcp:port``). ``token``: what clients must say. ``bots``: each bot's
    token by its name. ``api_base``, ``gateway_url``, ``ca_file``: another Discord; left out means Discord itself.

    ``stay``: do not end with the supervisor but go on, session and all, until Shutdown or a signal. It is for who keeps
    ``address`` and ``token`` where the next supervisor finds them: nobody else can take the engine over, and a second
    engine with the same bots would fight with it over their places.
    """

    address: str
    token: Secret
    bots: dict[str, Secret] = msgspec.field(default_factory=dict)
    api_base: str | None = None
    gateway_url: str | None = None
    ca_file: str | None = None
    stay: bool = False


class Listening(Message, frozen=True):
    """The engine accepts control connections at ``address``."""

    address: str
    pid: int


def write_line(line: Bootstrap | Listening) -> bytes:
    """Encode a line with its newline."""
    return msgspec.json.encode(line, enc_hook=codec.secret_out) + b"\n"


def read_bootstrap(line: bytes) -> Bootstrap:
    """Decode; raises PROTOCOL_MALFORMED."""
    return codec.read(_BOOTSTRAP, line)


def read_listening(line: bytes) -> Listening:
    """Decode; raises PROTOCOL_MALFORMED."""
    return codec.read(_LISTENING, line)


_BOOTSTRAP: msgspec.json.Decoder[Bootstrap] = msgspec.json.Decoder(Bootstrap, dec_hook=codec.secret_in)
_LISTENING: msgspec.json.Decoder[Listening] = msgspec.json.Decoder(Listening)
