"""How a bot looks in Discord: a name, a picture for its role, and a line on what it does for whoever clicks on it."""

import base64
import io
import re
from functools import cache
from typing import Final

from PIL import Image, ImageDraw

from common.errors import DiscordError, ErrorCode
from common.protocol.state import Role
from tray.wizard.discord_api import BotApi

SIDE: Final = 256
"""Pixels of the picture's side as Discord gets it."""
_FINE: Final = SIDE * 4
_BACKGROUND: Final = {Role.SOURCE: "#1f6feb", Role.DESTINATION: "#b3471d"}
_WHITE: Final = "#ffffff"

SHORTEST_NAME: Final = 2
LONGEST_NAME: Final = 32
_FORBIDDEN: Final = ("@", "#", ":", "```", "discord")
_RESERVED: Final = ("everyone", "here")

ABOUT: Final = {
    Role.SOURCE: "このボイスチャンネルの音声を実況席に中継します。\nRelays this voice channel to the casters.",
    Role.DESTINATION: "選手のボイスチャンネルの音声をここで流します。\nPlays the players' voice channels here.",
}
"""In both languages of the product: whoever reads it did not choose one with us."""


def checked_name(name: str, bot: str) -> str:
    """Return the name as Discord will keep it (blanks taken together); raises BOT_NAME_REFUSED.

    The rules are those of Discord's documentation, "Usernames and Nicknames". It has more that it doesn't tell.
    """
    tidy = re.sub(r"\s+", " ", name).strip()
    wrong = next((part for part in _FORBIDDEN if part in tidy.casefold()), None)
    if tidy.casefold() in _RESERVED:
        wrong = tidy
    if not SHORTEST_NAME <= len(tidy) <= LONGEST_NAME:
        wrong = f"{len(tidy)}"
    if wrong is not None:
        raise DiscordError(ErrorCode.BOT_NAME_REFUSED, bot=bot, reason=wrong)
    return tidy


async def dress(api: BotApi, bot: str, role: Role, name: str, *, picture: bool) -> str:
    """Set the bot's name, if it has another, its picture and its description; return the name it has now.

    Each change of name counts against Discord's two an hour, so none is spent on the name that it has.
    Raises DiscordError: BOT_NAME_REFUSED, RENAMED_TOO_OFTEN and what ``BotApi`` raises otherwise.
    """
    wanted = checked_name(name, bot)
    user = await api.me()
    if picture:
        await api.edit_user(avatar=data_uri(role))
        await api.edit_application(description=ABOUT[role], icon=data_uri(role))
    if user.username != wanted:
        user = await api.edit_user(username=wanted)
    return user.username


@cache
def data_uri(role: Role) -> str:
    """Return the role's picture in the form Discord takes."""
    return f"data:image/png;base64,{base64.b64encode(draw(role)).decode()}"


def draw(role: Role) -> bytes:
    """Draw the role's picture as PNG: a microphone for who listens to players, a loudspeaker for who plays to casters.

    Discord cuts a circle out of it; the drawing stays inside. The two differ in shape as well as in colour.
    """
    image = Image.new("RGB", (_FINE, _FINE), _BACKGROUND[role])
    pen = ImageDraw.Draw(image)
    if role is Role.SOURCE:
        _microphone(pen)
    else:
        _loudspeaker(pen)
    file = io.BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _microphone(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle(_box(0.40, 0.20, 0.60, 0.56), radius=_FINE // 10, fill=_WHITE)
    pen.arc(_box(0.31, 0.28, 0.69, 0.66), 0, 180, fill=_WHITE, width=_FINE // 20)
    pen.rectangle(_box(0.475, 0.64, 0.525, 0.76), fill=_WHITE)
    pen.rounded_rectangle(_box(0.37, 0.74, 0.63, 0.79), radius=_FINE // 50, fill=_WHITE)


def _loudspeaker(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle(_box(0.22, 0.41, 0.34, 0.59), fill=_WHITE)
    pen.polygon([_point(0.32, 0.41), _point(0.48, 0.27), _point(0.48, 0.73), _point(0.32, 0.59)], fill=_WHITE)
    for reach in (0.10, 0.19, 0.28):
        pen.arc(_box(0.48 - reach, 0.5 - reach, 0.48 + reach, 0.5 + reach), -48, 48, fill=_WHITE, width=_FINE // 24)


def _point(x: float, y: float) -> tuple[float, float]:
    return x * _FINE, y * _FINE


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return (*_point(left, top), *_point(right, bottom))
