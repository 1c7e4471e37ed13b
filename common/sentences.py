"""The one place where a code becomes a sentence, in the reader's language.

A sentence says what happened and what to do next. It is a template of ``common/locales/<language>.json``; a detail
that is not known where the sentence is made becomes "?", and one whose value has a translation of its own
(``permission.CONNECT``) is shown in the reader's language.
"""

import json
import locale
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from common.errors import CombinedError, ErrorCode, RelayError

LANGUAGES: Final = ("en", "ja")
DEFAULT_LANGUAGE: Final = "en"


def system_language() -> str:
    """Return the language that this computer's user set, among ours."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    chosen = next((name for name in names if name), "") or locale.getlocale()[0] or ""
    return next((language for language in LANGUAGES if chosen.lower().startswith(language)), DEFAULT_LANGUAGE)


def error_sentence(code: ErrorCode, details: Mapping[str, str], language: str = DEFAULT_LANGUAGE) -> str:
    """Say what an error means."""
    return _filled(f"error.{code}", details, language)


def sentences_of(error: RelayError, language: str = DEFAULT_LANGUAGE) -> tuple[str, ...]:
    """Say everything that is wrong, one sentence (or two) for each reason, in the order found."""
    errors = error.errors if isinstance(error, CombinedError) else (error,)
    return tuple(error_sentence(each.code, each.details, language) for each in errors)


def outage_sentence(cause: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say why a bot's connection was lost; ``cause`` as in OutageState (``abort``, ``close_4006``)."""
    kind, _, number = cause.rpartition("_") if cause[-1:].isdigit() else (cause, "", "")
    key = f"outage.{kind}"
    return _filled(key if key in templates(language) else "outage.unknown", {"code": number, "cause": cause}, language)


def notice_sentence(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say what is worth knowing though nothing is wrong (``kill_on``, ``kill_off``)."""
    return _filled(f"notice.{name}", {}, language)


@cache
def templates(language: str) -> Mapping[str, str]:
    """Return all templates of a language by key; of English for a language there is none of."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    text = resources.files("common").joinpath("locales", f"{known}.json").read_text("utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


class _Details(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return "?"


def _filled(key: str, details: Mapping[str, str], language: str) -> str:
    """Fill a template; a channel without a known name is named by its id, and our own words are translated too."""
    known = templates(language)
    named = {"name": details.get("channel", "?"), **details}
    return known[key].format_map(_Details({name: known.get(f"{name}.{text}", text) for name, text in named.items()}))
