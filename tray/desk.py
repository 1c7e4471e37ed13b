"""What the tray knows, and the one place where its parts meet: settings, tokens, engines, history.

The desk belongs to the tray's event loop. What each command does stands in :mod:`tray.commands`.
"""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from msgspec import structs

from common.config.legacy_env import LegacySettings, find_legacy, legacy_folders, read_legacy
from common.config.schema import BotEntry, Config
from common.errors import ConfigError, ErrorCode, RelayError
from common.protocol.client import ControlClient
from common.protocol.faults import faults_of
from common.protocol.spec import SessionSpec
from common.protocol.state import Phase, Role, SessionState
from common.secret import Secret
from common.tasks import Tasks
from common.version import VERSION
from tray.engine_process import Place
from tray.engines import Engines
from tray.operations.session_log import SessionLog
from tray.panel.messages import (
    BotInfo,
    Desk,
    LegacyInfo,
    Preferences,
    SecretsInfo,
    SecretsKind,
    Setup,
    TokenStanding,
    WizardInfo,
)
from tray.restart_policy import EngineLink
from tray.resume import Memory
from tray.secrets.asking import Secrets
from tray.settings import Settings
from tray.setup import setup_of, with_setup
from tray.supervisor import EngineSupervisor
from tray.wizard import steps
from tray.wizard.discord_api import BotApi, Site
from tray.wizard.invites import invite
from tray.wizard.steps import Facts

_REFUSED: Final = frozenset({ErrorCode.TOKEN_REVOKED, ErrorCode.TOKEN_INVALID})
_NO_TOKEN: Final = frozenset({TokenStanding.MISSING, TokenStanding.INVALID})

log = logging.getLogger(__name__)


class TrayDesk:
    """Owns everything but the faces. ``place`` is the Discord outside of rehearsals."""

    def __init__(self, settings: Settings, secrets: Secrets, history: SessionLog, place: Place | None = None) -> None:
        self.settings = settings
        self.secrets = secrets
        self.history = history
        self.engines = Engines(self._supervisor, place or Place(), {})
        self.state: SessionState | None = None
        """The session as last told; kept while the engine is away."""
        self.tokens: dict[str, Secret] = {}
        self.standings: dict[str, TokenStanding] = {}
        self.legacy: LegacyInfo | None = None
        self.on_quit: Callable[[], None] = lambda: None
        """Ends the program."""
        self.absent: bool | None = None
        """Whether some bot was not in the chosen server when Discord was last asked."""
        self.hindered: bool | None = None
        """Whether some bot could not do its work in its channel when Discord was last asked."""
        self.warned = False
        """Whether something was found then that a person should read, even if it hinders nothing."""
        self.limited: frozenset[str] = frozenset()
        """Channels that are known to have a user limit: a bot needs a permission more to enter them when full."""
        self._site = Site() if place is None or place.api_base is None else Site(place.api_base, place.ca_file)
        self._https: dict[Site, aiohttp.ClientSession] = {}
        self._listeners: set[Callable[[], None]] = set()
        self._tasks = Tasks()
        self._facts = self.facts()

    async def start(self) -> None:
        """Start the engine and open the token store, each in its own time; what hinders either is shown."""
        self._tasks.start(self._start_engine(), name="engine")
        self._tasks.start(self._open_secrets(), name="secrets")
        self._tasks.start(self._look_for_legacy(), name="legacy")

    async def close(self) -> None:
        """End everything in good order."""
        await self._tasks.close()
        await self.engines.close()
        for http in self._https.values():
            await http.close()
        self.secrets.close()
        self.history.close()
        await self.settings.close()

    # as the faces see it

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after every change of what is known, and whenever there is another engine."""
        self._listeners.add(callback)
        return lambda: self._listeners.discard(callback)

    def changed(self) -> None:
        """Tell the faces to look again, once the set-up has moved on with what is known now."""
        before, self._facts = self._facts, self.facts()
        place = steps.moved_on(self.config.wizard, before, self._facts)
        if place != self.config.wizard:
            self.settings.change(structs.replace(self.config, wizard=place))
        for callback in tuple(self._listeners):
            callback()

    def client(self) -> ControlClient:
        """Return the connection to the engine that runs now; raises why there is none."""
        return self.engines.client

    def desk(self) -> Desk:
        """Return everything the tray knows."""
        config, failure = self.config, self.engines.supervisor.failure
        return Desk(
            version=VERSION,
            engine=self.engines.link,
            engine_fault=None if failure is None else faults_of(failure)[0],
            restarts=self.engines.supervisor.restarts,
            rehearsing=self.engines.stage is not None,
            shown=self.settings.language,
            preferences=msgspec.convert(config, Preferences, from_attributes=True),
            secrets=self._secrets_info(),
            bots=tuple(self._bot_info(bot) for bot in self.bots),
            setup=self.setup,
            presets=tuple(preset.name for preset in config.presets),
            wizard=self._wizard_info(),
            legacy=self.legacy,
        )

    # what commands work with

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self.settings.config

    def change(self, config: Config) -> None:
        """Put other settings in force; remembered strips hold from the next session on."""
        if config.strips != self.config.strips and self.engines.stage is None:
            self.engines.supervisor.take_strips(config.strips)
        self.settings.change(config)
        self.changed()

    @property
    def bots(self) -> tuple[BotEntry, ...]:
        """Our bots, or the rehearsal's."""
        stage = self.engines.stage
        return self.config.bots if stage is None else stage.bots

    @property
    def setup(self) -> Setup:
        """The session that Start starts, or the rehearsal's."""
        stage = self.engines.stage
        return setup_of(self.config) if stage is None else stage.setup

    def session(self) -> SessionSpec:
        """Return the session to start; raises GUILD_UNKNOWN while none was set up."""
        spec = with_setup(self.config, self.setup).session()
        if spec is None:
            raise ConfigError(ErrorCode.GUILD_UNKNOWN, guild="")
        return spec

    def facts(self) -> Facts:
        """Return what the set-up needs to know of the world. It is about the real bots, also during a rehearsal."""
        config, problem = self.config, self.secrets.problem
        standings = [(bot.role, self.standings.get(bot.bot, TokenStanding.UNCHECKED)) for bot in config.bots]
        usable = Counter(role for role, standing in standings if standing not in _NO_TOKEN)
        return Facts(
            has_keychain=self.secrets.kind is SecretsKind.KEYCHAIN,
            locked=problem is not None,
            sources=usable[Role.SOURCE],
            destinations=usable[Role.DESTINATION],
            refused=len(standings) - usable.total(),
            absent=self.absent,
            guild=config.guild is not None,
            chosen=config.guild is not None and bool(config.sources and config.destinations),
            hindered=self.hindered,
            warned=self.warned,
            relaying=self.on_air and self.engines.stage is None,
        )

    @property
    def on_air(self) -> bool:
        """Whether a session runs, starts or stops, as far as is known."""
        return self.state is not None and self.state.phase is not Phase.IDLE

    def refuse_on_air(self) -> None:
        """Raise ALREADY_RUNNING while a session runs: what was asked for would touch it."""
        if self.on_air:
            raise RelayError(ErrorCode.ALREADY_RUNNING)

    def refuse_in_rehearsal(self) -> None:
        """Raise REHEARSAL_ON during a rehearsal: whose bots and channels were meant would not be clear."""
        if self.engines.stage is not None:
            raise RelayError(ErrorCode.REHEARSAL_ON)

    async def keep_token(self, bot: str, token: Secret) -> None:
        """Put a token into the store; raises what hinders it, which is shown as the store's fault too."""
        try:
            await self.secrets.put(bot, token)
        finally:
            self.changed()

    def token(self, bot: str) -> Secret:
        """Return a bot's token; raises TOKEN_MISSING."""
        stage = self.engines.stage
        token = (self.tokens if stage is None else stage.tokens).get(bot)
        if token is None:
            raise RelayError(ErrorCode.TOKEN_MISSING, bot=bot)
        return token

    def api(self, token: Secret, bot: str) -> BotApi:
        """Return what asks Discord as the bot with this token."""
        stage = self.engines.stage
        site = self._site if stage is None else Site(stage.place.api_base or "", stage.place.ca_file)
        http = self._https.get(site)
        if http is None:
            http = self._https[site] = site.open()
        return BotApi(http, site, token, bot)

    def apis(self) -> Mapping[str, BotApi]:
        """Return one for each of our bots that has a token."""
        apis = {}
        for bot in self.bots:
            with suppress(RelayError):
                apis[bot.bot] = self.api(self.token(bot.bot), bot.bot)
        return apis

    async def load_tokens(self) -> None:
        """Read every bot's token and hand it to the engine; raises what keeps the store from telling."""
        self.tokens = await self.secrets.all(bot.bot for bot in self.config.bots)
        for bot in self.config.bots:
            self.standings.setdefault(bot.bot, TokenStanding.UNCHECKED)
            if bot.bot not in self.tokens:
                self.standings[bot.bot] = TokenStanding.MISSING
        self.changed()
        for bot_name, token in self.tokens.items():
            await self.give_token(bot_name, token)

    async def give_token(self, bot: str, token: Secret) -> None:
        """Hand a bot's token to the engine; one that is away gets it when it comes."""
        try:
            await self.engines.set_token(bot, token)
        except RelayError as error:
            log.warning("the engine does not take the token of bot %s: %s", bot, error)

    def note_legacy(self, path: Path, found: LegacySettings, *, imported: bool) -> None:
        """Show that the original application's file is there."""
        self.legacy = LegacyInfo(
            path=str(path),
            bots=tuple(found.roles),
            tokens=len(found.tokens),
            guild=found.guild or "",
            imported=imported,
        )
        self.changed()

    def forget_legacy(self) -> None:
        """Show it no more."""
        self.legacy = None
        self.changed()

    # how it hears of things

    def _supervisor(self, bots: Mapping[str, Secret], place: Place) -> EngineSupervisor:
        self.state = None
        return EngineSupervisor(
            bots,
            place,
            strips=self.config.strips,
            on_change=self._remember,
            on_state=self._told,
            on_link=self._linked,
        )

    def _remember(self, memory: Memory) -> None:
        if self.engines.stage is None:
            self.settings.change(structs.replace(self.config, strips=dict(memory.strips)))

    def _told(self, state: SessionState) -> None:
        self.state = state
        if self.engines.stage is None:
            self.history.follow(state, guild_name=self.config.guild_name, restarts=self.engines.supervisor.restarts)
            refused = (bot.bot for bot in state.bots if bot.cause in _REFUSED)
            self.standings |= dict.fromkeys(refused, TokenStanding.INVALID)
        self.changed()

    def _linked(self) -> None:
        """Take in that the engine is away or back; one that was given up took its session with it."""
        if self.engines.link is EngineLink.FAILED and self.state is not None:
            self._told(SessionState())
            return
        self.changed()

    async def _start_engine(self) -> None:
        """Start it; what hinders it stays to be seen as the link's fault, and Start tries again."""
        with suppress(RelayError):
            await self.engines.start()

    async def _open_secrets(self) -> None:
        await self.secrets.open()
        self.changed()
        with suppress(RelayError):  # it is in ``secrets.problem``
            await self.load_tokens()

    async def _look_for_legacy(self) -> None:
        path = await asyncio.to_thread(find_legacy, legacy_folders(os.environ, Path.cwd()))
        if path is not None:
            with suppress(RelayError):  # it was good a moment ago
                self.note_legacy(path, await asyncio.to_thread(read_legacy, path), imported=False)

    def _secrets_info(self) -> SecretsInfo:
        problem = self.secrets.problem
        fault = None if problem is None else faults_of(problem)[0]
        return SecretsInfo(kind=self.secrets.kind, locked=self.secrets.locked, fault=fault)

    def _wizard_info(self) -> WizardInfo:
        shown = steps.view(self.config.wizard, self._facts)
        return WizardInfo(step=shown.step, done=shown.done)

    def _bot_info(self, bot: BotEntry) -> BotInfo:
        stage, setup = self.engines.stage, self.setup
        limited = any(
            each.bot == bot.bot and each.channel in self.limited for each in setup.sources + setup.destinations
        )
        return BotInfo(
            bot=bot.bot,
            role=bot.role,
            standing=TokenStanding.GOOD if stage else self.standings.get(bot.bot, TokenStanding.UNCHECKED),
            user=bot.user,
            application=bot.application,
            name=bot.name,
            invite=invite(bot.application, bot.role, guild=setup.guild, limited=limited),
        )
