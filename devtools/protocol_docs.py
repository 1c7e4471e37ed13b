"""``python -m devtools.protocol_docs``: writes docs/protocol.md from the messages, so that it can't say else."""

import inspect
import sys
from functools import singledispatch
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as shapes

from common.errors import ErrorCode
from common.protocol import bootstrap, messages, meters, spec, state
from common.protocol.codec import MAX_BYTES
from common.protocol.event_queue import CAPACITY
from common.sentences import templates
from common.types import Suppression

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol.md"

HEAD = f"""# Control protocol, version {messages.PROTOCOL_VERSION}

Written by `python -m devtools.protocol_docs` from `common/protocol`; not edited by hand.

A client opens a WebSocket at `/control`, through a Unix socket that only the user who runs the engine can reach, or on
127.0.0.1 where there are no Unix sockets. Every message is one text frame with one JSON object of at most {MAX_BYTES}
bytes; `type` names the message. Fields that are not listed are refused. Ids of Discord are decimal strings.

1. The client sends `hello`. The engine answers `welcome`, or `refused` and hangs up.
2. The engine sends a `snapshot`, then a `changed` for every change; `revision` goes up by one each time. A client that
   reads too slowly (more than {CAPACITY} changes behind) gets another `snapshot` instead of the changes it missed.
3. The client sends a `request` with one command at any time. It gets one `reply` or one `failure` with the same `id`;
   the changes that the command made come before it. Several may be under way at once.
4. `meters` come 25 times a second to those who asked with `subscribe_meters`. Only the newest waits for a slow reader.

A supervisor starts the engine with its standard input and output connected: it writes one `bootstrap` line, the engine
answers with one `listening` line. The engine ends when its standard input closes.
"""

SECTIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("Handshake", (messages.Hello, messages.Welcome, messages.Refused)),
    ("Envelopes", (messages.Request, messages.Reply, messages.Failure, messages.Fault, messages.Pong)),
    ("Commands", get_args(messages.Command)),
    ("Events", get_args(messages.Event)),
    (
        "A session",
        (
            spec.SessionSpec,
            spec.SourceSpec,
            spec.EqualizerSpec,
            spec.DestinationSpec,
            spec.RouteSpec,
            spec.StripSpec,
        ),
    ),
    (
        "The state",
        (
            state.SessionState,
            state.BotState,
            state.TalkerState,
            state.SourceState,
            state.DestinationState,
            state.OutageState,
        ),
    ),
    ("Meters", (meters.TalkerMeter, meters.SourceMeter, meters.DestinationMeter, meters.EngineMeter)),
    ("Start of the engine", (bootstrap.Bootstrap, bootstrap.Listening)),
)
ENUMS = (state.Phase, state.MatchPhase, state.Role, state.LinkState, Suppression)


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for title, structs in SECTIONS:
        parts += [f"## {title}\n", *map(_struct, structs)]
    parts += ["## Words\n", *map(_enum, ENUMS), _presets(), _errors()]
    return "\n".join(parts)


def _struct(kind: Any) -> str:  # noqa: ANN401 - a Struct class; msgspec has no narrower name for one
    tag = kind.__struct_config__.tag
    name = f"`{tag}`" if tag else kind.__name__
    shape = shapes.type_info(kind)
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"{kind} is no struct")
    fields = zip(msgspec.structs.fields(kind), shape.fields, strict=True)
    rows = [f"| `{field.encode_name}` | {_type(seen.type)} | {_default(field)} |" for field, seen in fields]
    table = ["| field | type | default |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"### {name}", _text(kind), "", *table])


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if field.default_factory is not NODEFAULT:
        value = field.default_factory()
    if value is NODEFAULT:
        return "required"
    return "left out" if value is UNSET else f"`{msgspec.json.encode(value).decode()}`"


_PLAIN: dict[Any, str] = {
    shapes.StrType: "text",
    shapes.IntType: "integer",
    shapes.FloatType: "number",
    shapes.BoolType: "true or false",
    shapes.NoneType: "null",
}


@singledispatch
def _type(kind: Any) -> str:  # noqa: ANN401 - msgspec.inspect's classes have no common base that is public
    """Name a type as a reader of JSON would."""
    return _PLAIN[type(kind)] + _bounds(kind)


@_type.register
def _described(kind: shapes.Metadata) -> str:
    description = (kind.extra_json_schema or {}).get("description")
    return f"{_type(kind.type)} ({description})" if description else _type(kind.type)


@_type.register
def _one_of(kind: shapes.UnionType) -> str:
    names = [_type(each) for each in kind.types]
    return "any command" if len(names) == len(get_args(messages.Command)) else " or ".join(names)


@_type.register
def _many(kind: shapes.VarTupleType) -> str:
    return f"list of {_type(kind.item_type)}"


@_type.register
def _map(kind: shapes.DictType) -> str:
    return f"object: {_type(kind.key_type)} → {_type(kind.value_type)}"


@_type.register
def _struct_name(kind: shapes.StructType) -> str:
    return f"`{kind.tag}`" if kind.tag else str(kind.cls.__name__)


@_type.register
def _enum_name(kind: shapes.EnumType) -> str:
    return kind.cls.__name__


@_type.register
def _literal(kind: shapes.LiteralType) -> str:
    return " or ".join(str(value) for value in kind.values)


@_type.register
def _secret(_kind: shapes.CustomType) -> str:
    return "text, secret"


def _bounds(kind: Any) -> str:  # noqa: ANN401 - as in _type
    lowest, highest = getattr(kind, "ge", None), getattr(kind, "le", None)
    if lowest is None:
        return ""
    return f", {lowest} to {highest}" if highest is not None else f", from {lowest}"


def _enum(kind: Any) -> str:  # noqa: ANN401 - an Enum class
    values = ", ".join(f"`{member.value}`" for member in kind)
    return f"### {kind.__name__}\n{_text(kind)}\n\n{values}\n"


def _presets() -> str:
    english, japanese = templates("en"), templates("ja")
    rows = [
        f"| `{code}` | {english[f'preset.{code}']}<br>{japanese[f'preset.{code}']} "
        f"| {bands.low_db:g} | {bands.mid_db:g} | {bands.high_db:g} |"
        for code, bands in spec.EQUALIZER_PRESETS.items()
    ]
    head = ["## Equalizer presets", "", "| code | name | low dB | mid dB | high dB |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _errors() -> str:
    english, japanese = templates("en"), templates("ja")
    rows = [f"| `{code}` | {english[f'error.{code}']}<br>{japanese[f'error.{code}']} |" for code in ErrorCode]
    head = [
        "## ErrorCode",
        "An error travels as its code with `details`; whoever shows it makes the sentence, in the reader's language.",
        "",
        "| code | sentence |",
        "|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _text(kind: Any) -> str:  # noqa: ANN401 - any class
    return " ".join((inspect.getdoc(kind) or "").replace("``", "`").split())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
