"""``python -m web.gen.protocol``: writes web/src/gen/protocol.ts from the messages, so that the page can't say else.

A field with a default may be left out of a command; whatever the tray sends has all its fields (but Changed, whose
fields are those that changed). Error codes stay plain strings: the page looks their sentences up by them.
"""

import inspect
import sys
from enum import StrEnum
from functools import singledispatch
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as shapes

from common.config.schema import Language
from common.errors import ErrorCode
from common.protocol import spec
from common.protocol.messages import Command
from common.types import Suppression
from tray.panel import messages
from tray.wizard import invites
from tray.wizard.steps import Step

FILE: Final = Path(__file__).resolve().parents[1] / "src" / "gen" / "protocol.ts"

HEAD: Final = """// Written by `python -m web.gen.protocol` from the messages in Python; not edited by hand.
"""
RANGES: Final = {
    "gain": spec.GAINS,
    "band_db": spec.BANDS_DB,
    "pan": spec.PANS,
    "delay_s": spec.DELAYS_S,
    "duck_db": spec.DUCKINGS_DB,
    "loudness": spec.LOUDNESSES,
}
_COMMANDS: Final = frozenset((*get_args(Command), *get_args(messages.PanelCommand)))
_PLAIN: Final[dict[Any, str]] = {
    shapes.StrType: "string",
    shapes.IntType: "number",
    shapes.FloatType: "number",
    shapes.BoolType: "boolean",
    shapes.NoneType: "null",
    shapes.CustomType: "string",
}


def page() -> str:
    """Return the text of the file."""
    structs, enums = _reachable((messages.FromPage, *get_args(messages.FromTray)))
    parts = [
        HEAD,
        *(_enum(kind) for kind in sorted(enums, key=lambda kind: kind.__name__)),
        *(_interface(kind) for kind in structs),
        _union("EngineCommand", get_args(Command)),
        _union("PanelCommand", get_args(messages.PanelCommand)),
        _union("FromTray", get_args(messages.FromTray)),
        "export type Command = EngineCommand | PanelCommand;\n",
        _constants(),
    ]
    return "\n".join(parts)


def _reachable(roots: tuple[Any, ...]) -> tuple[list[Any], set[Any]]:
    """Return every struct class that ``roots`` lead to, in the order met, and every enum."""
    structs: dict[Any, None] = {}
    enums: set[Any] = set()

    def visit(kind: Any) -> None:  # noqa: ANN401 - msgspec.inspect's classes have no common base that is public
        if isinstance(kind, shapes.EnumType):
            enums.add(kind.cls)
        if isinstance(kind, shapes.StructType) and kind.cls not in structs:
            structs[kind.cls] = None
            for field in kind.fields:
                visit(field.type)
        for part in _parts(kind):
            visit(part)

    for root in roots:
        visit(shapes.type_info(root))
    return list(structs), enums - {ErrorCode}


def _parts(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as in visit
    if isinstance(kind, shapes.UnionType):
        return tuple(kind.types)
    found = (getattr(kind, name, None) for name in ("type", "item_type", "key_type", "value_type"))
    return tuple(part for part in found if part is not None)


def _enum(kind: type[StrEnum]) -> str:
    values = " | ".join(f'"{member.value}"' for member in kind)
    return f"{_comment(kind)}export type {kind.__name__} = {values};\n"


def _interface(kind: Any) -> str:  # noqa: ANN401 - a Struct class; msgspec has no narrower name for one
    shape = shapes.type_info(kind)
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"{kind} is no struct")
    fields = zip(msgspec.structs.fields(kind), shape.fields, strict=True)
    lines = [f"  {field.encode_name}{_optional(kind, field)}: {_type(seen.type)};" for field, seen in fields]
    tag = kind.__struct_config__.tag
    head = [f'  type: "{tag}";'] if tag else []
    return "\n".join([f"{_comment(kind)}export interface {kind.__name__} {{", *head, *lines, "}\n"])


def _optional(kind: Any, field: msgspec.structs.FieldInfo) -> str:  # noqa: ANN401 - as in _interface
    has_default = field.default is not NODEFAULT or field.default_factory is not NODEFAULT
    return "?" if field.default is UNSET or (kind in _COMMANDS and has_default) else ""


def _union(name: str, kinds: tuple[Any, ...]) -> str:
    return f"export type {name} =\n" + "\n".join(f"  | {kind.__name__}" for kind in kinds) + ";\n"


@singledispatch
def _type(kind: Any) -> str:  # noqa: ANN401 - as in visit
    """Name a type as TypeScript would."""
    return _PLAIN[type(kind)]


@_type.register
def _described(kind: shapes.Metadata) -> str:
    return _type(kind.type)


@_type.register
def _one_of(kind: shapes.UnionType) -> str:
    if len(kind.types) > len(get_args(Command)):
        return "Command"
    return " | ".join(map(_type, kind.types))


@_type.register
def _many(kind: shapes.VarTupleType) -> str:
    inner = _type(kind.item_type)
    return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"


@_type.register
def _map(kind: shapes.DictType) -> str:
    return f"Readonly<Record<string, {_type(kind.value_type)}>>"


@_type.register
def _struct_name(kind: shapes.StructType) -> str:
    return str(kind.cls.__name__)


@_type.register
def _enum_name(kind: shapes.EnumType) -> str:
    return "string" if kind.cls is ErrorCode else str(kind.cls.__name__)


@_type.register
def _literal(kind: shapes.LiteralType) -> str:
    return " | ".join(msgspec.json.encode(value).decode() for value in kind.values)


def _constants() -> str:
    ranges = {name: {"lowest": span.lowest, "highest": span.highest} for name, span in RANGES.items()}
    values = {
        "RANGES": ranges,
        "EQUALIZER_PRESETS": dict(spec.EQUALIZER_PRESETS),
        "SUPPRESSIONS": tuple(Suppression),
        "LANGUAGES": tuple(Language),
        "DEFAULT_LOUDNESS": spec.DEFAULT_LOUDNESS,
        "WIZARD_STEPS": tuple(Step),
        "LINKS": {"new_application": invites.NEW_APPLICATION, "bot_page": invites.BOT_PAGE},
    }
    written = {name: msgspec.json.encode(value).decode() for name, value in values.items()}
    return "\n".join(f"export const {name} = {value} as const;" for name, value in written.items()) + "\n"


def _comment(kind: Any) -> str:  # noqa: ANN401 - any class
    text = " ".join((inspect.getdoc(kind) or "").split())
    return f"/** {text} */\n"


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
    sys.stdout.write(f"{FILE}\n")
