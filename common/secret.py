"""A token that can't be printed by accident."""

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret text; every way of turning it into text but :meth:`reveal` gives ``Secret(…)``.

    Not a ``str`` and not a msgspec type: an encoder or a log formatter that meets one fails or prints the mask.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret; call it only where the text leaves for its purpose."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        message = "a Secret is not pickled"
        raise TypeError(message)
