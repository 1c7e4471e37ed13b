"""Is this a bot's token, and whose? First by its looks, at once; then Discord is asked.

Discord shows five things on the same few pages that people confuse: a bot token, the client secret, the application
id, the public key, and (from a browser's storage) their own account's token. Each gets an answer of its own.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Final

from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from tray.panel.messages import TokenCheck
from tray.wizard.discord_api import BotApi

NEW_BOT: Final = "*new*"
"""Stands for a bot that has no name yet; no bot's name can be that, and the sentences know it."""

_QUOTES: Final = "\"'`“”‘’「」<>"
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_LABEL = re.compile(r"^(?:[A-Za-z][A-Za-z0-9_]*\s*[=:]\s*)?(?:bot\s+)?", re.IGNORECASE)
_PARTS: Final = 3

_LOOKS: Final[tuple[tuple[ErrorCode, re.Pattern[str]], ...]] = (
    (ErrorCode.TOKEN_IS_APPLICATION_ID, re.compile(r"[0-9]{17,20}")),
    (ErrorCode.TOKEN_IS_PUBLIC_KEY, re.compile(r"[0-9a-fA-F]{64}")),
    (ErrorCode.TOKEN_IS_CLIENT_SECRET, re.compile(r"[A-Za-z0-9_-]{32}")),
    (ErrorCode.TOKEN_NOT_A_BOT, re.compile(r"mfa\.[A-Za-z0-9_.-]+")),
)

AskAs = Callable[[Secret, str], BotApi]
"""Makes the questioner for a token; the text is the bot's name in errors."""


def cleaned(pasted: Secret) -> Secret:
    """Take off what comes along with copying: blanks, quotes, a variable's name, the word Bot."""
    text = pasted.reveal().translate(_INVISIBLE).strip().strip(_QUOTES).strip()
    return Secret(_LABEL.sub("", text).strip().strip(_QUOTES).strip())


def checked_shape(pasted: Secret) -> Secret:
    """Return the token without what came along; raises DiscordError naming what it is when it can't be one.

    What merely looks unusual passes: only Discord knows its tokens.
    """
    token = cleaned(pasted)
    text = token.reveal()
    if not text:
        raise _refused(ErrorCode.TOKEN_MISSING)
    for code, look in _LOOKS:
        if look.fullmatch(text):
            raise _refused(code)
    if not (text.isascii() and text.isprintable()) or re.search(r"[\s/:@\\]", text):
        raise _refused(ErrorCode.TOKEN_MALFORMED)
    if account_of(token) and text.count(".") < _PARTS - 1:
        raise _refused(ErrorCode.TOKEN_INCOMPLETE)
    return token


def account_of(token: Secret) -> str:
    """Read the account's id off a token's first part (base64 of its digits); empty when it isn't there."""
    first = token.reveal().split(".", 1)[0]
    try:
        digits = base64.b64decode(first + "=" * (-len(first) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return ""
    return digits.decode() if re.fullmatch(rb"[0-9]{15,20}", digits) else ""


async def check(
    pasted: Secret, ask_as: AskAs, ours: Mapping[str, str], *, witness: Secret | None = None, bot: str = NEW_BOT
) -> TokenCheck:
    """Ask Discord whose token it is; raises DiscordError as ``checked_shape`` and ``BotApi`` do.

    ``ours`` are the user ids of our other bots by name; one with the same account is named in the answer. Discord
    refuses a person's token like a wrong one; a ``witness``, the token of a good bot, tells the two apart.
    """
    token = checked_shape(pasted)
    api = ask_as(token, bot)
    try:
        user = await api.me()
    except DiscordError as error:
        if error.code is ErrorCode.TOKEN_INVALID and witness and await _is_a_person(token, ask_as, witness):
            raise _refused(ErrorCode.TOKEN_NOT_A_BOT, bot) from None
        raise
    if not user.bot:
        raise _refused(ErrorCode.TOKEN_NOT_A_BOT, bot)
    application = await api.application()
    same_as = next((name for name, account in ours.items() if account == user.id), "")
    return TokenCheck(
        user=user.id,
        application=application.id,
        name=user.username,
        same_as=same_as,
        public=application.bot_public,
    )


async def _is_a_person(token: Secret, ask_as: AskAs, witness: Secret) -> bool:
    """Ask, as another bot, whether the account that the token names is a person's; not knowing counts as no."""
    account = account_of(token)
    if not account:
        return False
    try:
        return not (await ask_as(witness, NEW_BOT).user(account)).bot
    except DiscordError:
        return False


def _refused(code: ErrorCode, bot: str = NEW_BOT) -> DiscordError:
    return DiscordError(code, bot=bot)
