"""Bots and their tokens."""

from msgspec import structs

from common.config.schema import BotEntry, Config
from common.errors import DiscordError, ErrorCode
from common.secret import Secret
from tray.desk import TrayDesk
from tray.panel import messages as m
from tray.wizard import dress, tokens
from tray.wizard.tokens import NEW_BOT, checked_shape


async def check_token(desk: TrayDesk, command: m.CheckToken) -> m.TokenCheck:
    """Ask Discord whose token it is."""
    desk.refuse_in_rehearsal()
    return await _check(desk, command.token, NEW_BOT)


async def save_bot(desk: TrayDesk, command: m.SaveBot) -> None:
    """Check the token, keep it, hand it to the engine; raises TOKEN_DUPLICATE for an account that we have already."""
    desk.refuse_in_rehearsal()
    found = await _check(desk, command.token, command.bot)
    if found.same_as:
        raise DiscordError(ErrorCode.TOKEN_DUPLICATE, bot=found.same_as)
    token = checked_shape(command.token)
    await desk.keep_token(command.bot, token)
    entry = BotEntry(
        bot=command.bot, role=command.role, user=found.user, application=found.application, name=found.name
    )
    desk.tokens[command.bot] = token
    desk.standings[command.bot] = m.TokenStanding.GOOD
    desk.change(structs.replace(desk.config, bots=_with(desk.config.bots, entry)))
    await desk.give_token(command.bot, token)


async def remove_bot(desk: TrayDesk, command: m.RemoveBot) -> None:
    """Forget a bot, its token and its places; raises ALREADY_RUNNING while a session runs."""
    desk.refuse_on_air()
    desk.refuse_in_rehearsal()
    await desk.secrets.remove(command.bot)
    desk.engines.forget_token(command.bot)
    desk.tokens.pop(command.bot, None)
    desk.standings.pop(command.bot, None)
    desk.change(_without(desk.config, command.bot))


async def dress_bot(desk: TrayDesk, command: m.DressBot) -> None:
    """Give a bot its name and picture on Discord."""
    desk.refuse_in_rehearsal()
    entry = next((bot for bot in desk.bots if bot.bot == command.bot), None)
    if entry is None:
        raise DiscordError(ErrorCode.TOKEN_MISSING, bot=command.bot)
    api = desk.api(desk.token(command.bot), command.bot)
    name = await dress.dress(api, command.bot, entry.role, command.name, picture=command.picture)
    dressed = structs.replace(entry, name=name)
    desk.change(structs.replace(desk.config, bots=_with(desk.config.bots, dressed)))


async def _check(desk: TrayDesk, token: Secret, bot: str) -> m.TokenCheck:
    others = {each.bot: each.user for each in desk.bots if each.bot != bot}
    witness = next((desk.tokens[name] for name, at in desk.standings.items() if _good(desk, name, at)), None)
    return await tokens.check(token, desk.api, others, witness=witness, bot=bot)


def _good(desk: TrayDesk, bot: str, standing: m.TokenStanding) -> bool:
    return standing is m.TokenStanding.GOOD and bot in desk.tokens


def _with(bots: tuple[BotEntry, ...], entry: BotEntry) -> tuple[BotEntry, ...]:
    """Return the bots with one of that name replaced, in its place, or added."""
    if any(bot.bot == entry.bot for bot in bots):
        return tuple(entry if bot.bot == entry.bot else bot for bot in bots)
    return (*bots, entry)


def _without(config: Config, bot: str) -> Config:
    """Return the settings without a bot and everything that hangs on it."""
    sources = tuple(place for place in config.sources if place.bot != bot)
    destinations = tuple(place for place in config.destinations if place.bot != bot)
    left = {place.channel for place in sources} | {place.channel for place in destinations}
    return structs.replace(
        config,
        bots=tuple(each for each in config.bots if each.bot != bot),
        sources=sources,
        destinations=destinations,
        routes=tuple(route for route in config.routes if {route.source, route.destination} <= left),
    )
