"""Which voice channels a server has, in the order people see them, and what each is likely to be for. Pure.

A proposal is read off names alone and changed with a click, so a wrong one costs little; a stage is never proposed,
since stages can't be relayed. Names are compared without case and width (NFKC), in Latin letters word by word, so
that "shared" isn't red, in Japanese by what they contain.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

from common.protocol.spec import DestinationSpec, SourceSpec
from common.protocol.state import Role
from tray.panel.messages import BotInfo, ChannelInfo
from tray.wizard.answers import GuildChannel

VOICE: Final = 2
CATEGORY: Final = 4
STAGE: Final = 13

_CASTERS: Final = re.compile(
    r"cast(er|ers|ing)?|comment(ary|ator|ators)|broadcast(er|ers)?|shoutcast|stream(ing)?|analysts?"
)
_CASTERS_JA: Final = ("実況", "解説", "放送", "配信", "キャスター", "コメンタリー")
_TEAMS: Final = re.compile(
    r"(team|player|attacker|defender)s?|squad|roster|home|away|radiant|dire|alpha|bravo"
    r"|red|blue|green|yellow|orange|purple|black|white"
)
_TEAMS_JA: Final = ("チーム", "選手", "プレイヤー", "プレーヤー", "赤", "青", "紅", "白組", "黒組", "先攻", "後攻")
_NEITHER: Final = re.compile(
    r"lobby|general|chat|afk|waiting|staff|(admin|moderator|mod|spectator)s?|audience|music|test"
)
_NEITHER_JA: Final = ("待機", "雑談", "運営", "観戦", "スタッフ", "控室", "控え室", "受付", "休憩", "寝落ち")
_WORDS: Final = re.compile(r"[a-z]+|[0-9]+")
_NUMBERED: Final = re.compile(r"(?:[a-h]|[1-9]|1[0-6])")


class _Guess(IntEnum):
    """What a name says; the strong ones are words, the weak one a mere letter or number at the end."""

    NOTHING = 0
    NEITHER = 1
    NUMBERED = 2
    TEAM = 3
    CASTERS = 4


def voice_channels(channels: Sequence[GuildChannel]) -> tuple[ChannelInfo, ...]:
    """List a server's voice channels and stages in Discord's order, each with what its name suggests.

    The order is: outside of categories first, then category by category; in each by position, equal ones by id.
    Letters and numbers alone ("VC 1", "A") count as teams only where no channel says so in words.
    """
    categories = {each.id: each for each in channels if each.type == CATEGORY}
    shown = sorted(
        (each for each in channels if each.type in (VOICE, STAGE)), key=lambda each: _place(each, categories)
    )
    guesses = {each.id: _guess(each, categories) for each in shown}
    weakest = _Guess.TEAM if _Guess.TEAM in guesses.values() else _Guess.NUMBERED
    return tuple(
        ChannelInfo(
            channel=each.id,
            name=each.name,
            category=_category_name(each, categories),
            limit=each.user_limit if each.type == VOICE else 0,
            stage=each.type == STAGE,
            proposed=_role(guesses[each.id], weakest),
        )
        for each in shown
    )


def propose(
    channels: Sequence[ChannelInfo], bots: Sequence[BotInfo]
) -> tuple[tuple[SourceSpec, ...], tuple[DestinationSpec, ...]]:
    """Give our bots places, in the order of both: the first source's bot gets the first source, and so on.

    Bots or channels that are left over get nothing.
    """
    sources = tuple(
        SourceSpec(channel=channel.channel, bot=bot.bot, name=channel.name)
        for channel, bot in _pairs(channels, bots, Role.SOURCE)
    )
    destinations = tuple(
        DestinationSpec(channel=channel.channel, bot=bot.bot, name=channel.name)
        for channel, bot in _pairs(channels, bots, Role.DESTINATION)
    )
    return sources, destinations


def _pairs(channels: Sequence[ChannelInfo], bots: Sequence[BotInfo], role: Role) -> list[tuple[ChannelInfo, BotInfo]]:
    free = [channel for channel in channels if channel.proposed is role and not channel.stage]
    return list(zip(free, (bot for bot in bots if bot.role is role), strict=False))


def _place(channel: GuildChannel, categories: Mapping[str, GuildChannel]) -> tuple[int, int, int, int]:
    category = categories.get(channel.parent_id or "")
    above = (-1, 0) if category is None else (category.position, int(category.id))
    return (*above, channel.position, int(channel.id))


def _category_name(channel: GuildChannel, categories: Mapping[str, GuildChannel]) -> str:
    category = categories.get(channel.parent_id or "")
    return "" if category is None else category.name


def _role(guess: _Guess, weakest: _Guess) -> Role | None:
    if guess is _Guess.CASTERS:
        return Role.DESTINATION
    return Role.SOURCE if weakest <= guess <= _Guess.TEAM else None


def _guess(channel: GuildChannel, categories: Mapping[str, GuildChannel]) -> _Guess:
    """Judge by the channel's name; by its category's words where that says nothing or a number."""
    if channel.type == STAGE:
        return _Guess.NEITHER
    own = _read(channel.name)
    if own not in (_Guess.NOTHING, _Guess.NUMBERED):
        return own
    above = _read(_category_name(channel, categories))
    return above if above > _Guess.NUMBERED else own


def _read(name: str) -> _Guess:
    """Judge one name; who waits, watches or organizes is neither, even if the name speaks of teams."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    words = _WORDS.findall(plain)
    if _says(plain, words, _CASTERS, _CASTERS_JA):
        return _Guess.CASTERS
    if _says(plain, words, _NEITHER, _NEITHER_JA):
        return _Guess.NEITHER
    if _says(plain, words, _TEAMS, _TEAMS_JA):
        return _Guess.TEAM
    return _Guess.NUMBERED if words and _NUMBERED.fullmatch(words[-1]) else _Guess.NOTHING


def _says(plain: str, words: Sequence[str], latin: re.Pattern[str], japanese: tuple[str, ...]) -> bool:
    return any(latin.fullmatch(word) for word in words) or any(part in plain for part in japanese)
