"""Servers, channels and places of the set-up."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from common.errors import CombinedError, DiscordError, ErrorCode
from tray.desk import TrayDesk
from tray.panel import messages as m
from tray.setup import with_setup
from tray.wizard.answers import PartialGuild
from tray.wizard.channels import propose, voice_channels
from tray.wizard.discord_api import BotApi
from tray.wizard.places import Place
from tray.wizard.places import check_places as check


async def find_guilds(desk: TrayDesk, _command: m.FindGuilds) -> m.Guilds:
    """Ask every bot; raises what each was answered only if none could tell."""
    apis = desk.apis()
    answers = await asyncio.gather(*(api.guilds() for api in apis.values()), return_exceptions=True)
    by_bot = dict(zip(apis, answers, strict=True))
    _note_refused(desk, by_bot)
    found = _joined(by_bot)
    if desk.engines.stage is None:
        desk.absent = next((bool(guild.absent) for guild in found if guild.guild == desk.config.guild), None)
        desk.changed()
    return m.Guilds(found)


async def find_channels(desk: TrayDesk, command: m.FindChannels) -> m.Channels:
    """Ask the first bot that is in the server; raises what the last one was answered."""
    error = DiscordError(ErrorCode.GUILD_UNKNOWN, guild=command.guild)
    for api in desk.apis().values():
        try:
            return await _channels(desk, api, command.guild)
        except DiscordError as refused:
            error = refused
    raise error


async def save_setup(desk: TrayDesk, command: m.SaveSetup) -> None:
    """Keep it; raises CHANNEL_DUPLICATE. A session that runs is not touched."""
    desk.refuse_in_rehearsal()
    setup = command.setup
    channels = [place.channel for place in _places(setup)]
    doubled = sorted({channel for channel in channels if channels.count(channel) > 1})
    if doubled:
        raise CombinedError([DiscordError(ErrorCode.CHANNEL_DUPLICATE, channel=channel) for channel in doubled])
    desk.hindered, desk.warned = None, False  # not asked about these places yet
    desk.change(with_setup(desk.config, setup))


async def check_places(desk: TrayDesk, _command: m.CheckPlaces) -> m.PlaceChecks:
    """Check every bot in its channel."""
    setup = desk.setup
    if setup.guild is None:
        return m.PlaceChecks(())
    checks = await check(setup.guild, _places(setup), desk.apis(), now=dt.datetime.now(dt.UTC))
    if desk.engines.stage is None:
        _note(desk, checks)
    return m.PlaceChecks(checks)


def _note(desk: TrayDesk, checks: Sequence[m.PlaceCheck]) -> None:
    """Have the set-up know what was found."""
    desk.hindered = not all(each.works for each in checks)
    desk.warned = any(each.faults for each in checks)
    full = {each.channel for each in checks for fault in each.faults if fault.code is ErrorCode.CHANNEL_LIMITED}
    desk.limited |= full
    desk.changed()


def _places(setup: m.Setup) -> tuple[Place, ...]:
    return (*setup.sources, *setup.destinations)


async def _channels(desk: TrayDesk, api: BotApi, guild: str) -> m.Channels:
    described, channels = await asyncio.gather(api.guild(guild), api.channels(guild))
    shown = voice_channels(channels)
    desk.limited |= {channel.channel for channel in shown if channel.limit}
    sources, destinations = propose(shown, desk.desk().bots)
    return m.Channels(guild, described.name, shown, sources, destinations)


def _note_refused(desk: TrayDesk, answers: Mapping[str, Sequence[PartialGuild] | BaseException]) -> None:
    """Have the set-up ask for the tokens that Discord refuses."""
    refused = [
        bot
        for bot, answer in answers.items()
        if isinstance(answer, DiscordError) and answer.code is ErrorCode.TOKEN_INVALID
    ]
    if refused and desk.engines.stage is None:
        desk.standings |= dict.fromkeys(refused, m.TokenStanding.INVALID)
        desk.changed()


def _joined(answers: Mapping[str, Sequence[PartialGuild] | BaseException]) -> tuple[m.GuildInfo, ...]:
    """Return every server once, those with all bots first; a bot that could not tell is absent nowhere."""
    refused = [answer for answer in answers.values() if isinstance(answer, BaseException)]
    if refused and len(refused) == len(answers):
        raise refused[0]
    names: dict[str, str] = {}
    present: defaultdict[str, set[str]] = defaultdict(set)
    told = {bot: answer for bot, answer in answers.items() if not isinstance(answer, BaseException)}
    for bot, answer in told.items():
        for guild in answer:
            names[guild.id] = guild.name
            present[guild.id].add(bot)
    found = [
        m.GuildInfo(guild, name, tuple(bot for bot in told if bot not in present[guild]))
        for guild, name in names.items()
    ]
    return tuple(sorted(found, key=lambda info: (len(info.absent), info.name)))
