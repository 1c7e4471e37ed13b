"""Files that come from elsewhere or go elsewhere: the original application's settings, bot packs."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import structs

from common.config.legacy_env import LegacySettings, read_legacy
from common.config.schema import BotEntry, Config
from common.errors import ConfigError, ErrorCode, RelayError, SecretsError
from common.protocol.spec import MOST_STRIPS, StripSpec
from common.secret import Secret
from tray import bot_pack
from tray.bot_pack import Contents
from tray.desk import TrayDesk
from tray.panel import messages as m


async def import_legacy(desk: TrayDesk, _command: m.ImportLegacy) -> None:
    """Take over what the original had been told; bots that have a token here already keep it."""
    desk.refuse_in_rehearsal()
    path = _legacy_path(desk)
    found = await asyncio.to_thread(read_legacy, path)
    await _keep_tokens(desk, {bot: token for bot, token in found.tokens.items() if bot not in desk.tokens})
    desk.change(_with_legacy(desk.config, found))
    _mark_missing(desk)
    desk.note_legacy(path, found, imported=True)


async def delete_legacy(desk: TrayDesk, _command: m.DeleteLegacy) -> None:
    """Delete the file; raises LEGACY_NOT_IMPORTED while a token in it is nowhere else."""
    path = _legacy_path(desk)
    found = await asyncio.to_thread(read_legacy, path)
    if not set(found.tokens.values()) <= set(desk.tokens.values()):
        raise ConfigError(ErrorCode.LEGACY_NOT_IMPORTED, file=str(path))
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(ErrorCode.LEGACY_NOT_DELETED, file=str(path), reason=reason) from error
    desk.forget_legacy()


async def export_pack(desk: TrayDesk, command: m.ExportPack) -> m.Pack:
    """Seal all bots, their tokens and the presets; takes half a second, in a thread."""
    contents = Contents(desk.config.bots, dict(desk.tokens), desk.config.presets)
    data = await asyncio.to_thread(bot_pack.pack, contents, command.passphrase)
    return m.Pack(data=base64.b64encode(data).decode(), file_name=f"bots{bot_pack.SUFFIX}")


async def import_pack(desk: TrayDesk, command: m.ImportPack) -> None:
    """Take in bots, tokens and presets; a bot or preset of the same name is replaced. Not while a session runs."""
    desk.refuse_on_air()
    desk.refuse_in_rehearsal()
    try:
        data = base64.b64decode(command.data, validate=True)
    except binascii.Error:
        raise SecretsError(ErrorCode.PACK_BROKEN, reason="not base64") from None
    contents = await asyncio.to_thread(bot_pack.unpack, data, command.passphrase)
    await _keep_tokens(desk, contents.tokens)
    desk.change(_with_pack(desk.config, contents))
    _mark_missing(desk)


def _legacy_path(desk: TrayDesk) -> Path:
    if desk.legacy is None:
        raise ConfigError(ErrorCode.CONFIG_UNREADABLE, file=".env", reason="not found")
    return Path(desk.legacy.path)


async def _keep_tokens(desk: TrayDesk, tokens: Mapping[str, Secret]) -> None:
    """Put tokens into the store, all or none: what was put before one failed is as it was."""
    kept: list[str] = []
    try:
        for bot, token in tokens.items():
            await desk.keep_token(bot, token)
            kept.append(bot)
    except RelayError:
        for bot in kept:
            with suppress(RelayError):
                await _put_back(desk, bot)
        raise
    for bot, token in tokens.items():
        desk.tokens[bot] = token
        desk.standings[bot] = m.TokenStanding.UNCHECKED
        await desk.give_token(bot, token)


async def _put_back(desk: TrayDesk, bot: str) -> None:
    """Have the store keep what it kept of a bot before."""
    if bot in desk.tokens:
        await desk.secrets.put(bot, desk.tokens[bot])
    else:
        await desk.secrets.remove(bot)


def _mark_missing(desk: TrayDesk) -> None:
    """Say of bots that came without a token that it is missing."""
    for bot in desk.config.bots:
        if bot.bot not in desk.tokens:
            desk.standings[bot.bot] = m.TokenStanding.MISSING
    desk.changed()


def _with_legacy(config: Config, found: LegacySettings) -> Config:
    """Add what is new; what a person has set here since stays."""
    known = {bot.bot for bot in config.bots}
    bots = tuple(BotEntry(bot=bot, role=role) for bot, role in found.roles.items() if bot not in known)
    strips = {user: StripSpec(gain=gain) for user, gain in found.gains.items()} | config.strips
    return structs.replace(
        config,
        bots=(*config.bots, *bots),
        guild=config.guild or found.guild,
        strips=dict(list(strips.items())[-MOST_STRIPS:]),
    )


def _with_pack(config: Config, contents: Contents) -> Config:
    bots = {bot.bot: bot for bot in (*config.bots, *contents.bots)}
    presets = {preset.name: preset for preset in (*config.presets, *contents.presets)}
    return structs.replace(config, bots=tuple(bots.values()), presets=tuple(presets.values()))
