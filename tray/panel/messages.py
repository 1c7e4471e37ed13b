"""What the panel page and the tray say to each other over ``/ws``; web/src/gen/protocol.ts is made from it.

The page sends a Call with an id and one command: an engine's (passed on) or one of ours. It gets one Reply or Failure
with the same id. Events come unasked: Desk first and after every change of what the tray knows, and, while an engine
is there, the engine's own Snapshot, Changed and Meters as they are. A token travels from the page to the tray only.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from common.config.schema import Language, Theme
from common.protocol import messages as engine
from common.protocol.messages import Fault, Message, RequestId
from common.protocol.spec import BotName, DestinationSpec, RouteSpec, Snowflake, SourceSpec
from common.protocol.state import OutageState, Role
from common.secret import Secret
from tray.restart_policy import EngineLink

Passphrase = Annotated[Secret, Meta(description="8 to 256 characters")]
PresetName = Annotated[str, Meta(min_length=1, max_length=60)]
TokenText = Annotated[Secret, Meta(description="a bot's token as copied")]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a message."""


# what the tray knows


class SecretsKind(StrEnum):
    """Where tokens are kept; ``none`` until the user chose a passphrase where there is no keychain."""

    KEYCHAIN = "keychain"
    VAULT = "vault"
    NONE = "none"


class TokenStanding(StrEnum):
    """What is known of a bot's token."""

    MISSING = "missing"
    UNCHECKED = "unchecked"
    GOOD = "good"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"


class SecretsInfo(Part, frozen=True):
    """The token store: ``locked`` until it is opened; ``fault`` says why it can't be used."""

    kind: SecretsKind
    locked: bool = False
    fault: Fault | None = None


class BotInfo(Part, frozen=True):
    """One bot of ours. ``user`` and ``application`` are Discord ids, empty while the token was never good."""

    bot: BotName
    role: Role
    standing: TokenStanding
    user: str = ""
    application: str = ""
    name: str = ""
    invite: str = ""
    """Link that invites it with the least permissions that work, the chosen server preselected."""


class LegacyInfo(Part, frozen=True):
    """A settings file of the original application: which bots, how many of their tokens look real, which volumes."""

    path: str
    bots: tuple[str, ...]
    tokens: int
    guild: str = ""
    imported: bool = False


class Preferences(Part, frozen=True):
    """What a person chose about the program itself."""

    language: Language = Language.AUTO
    theme: Theme = Theme.SYSTEM
    start_at_login: bool = False
    notifications: bool = True
    hotkeys: bool = False


class Setup(Part, frozen=True):
    """The session that Start starts."""

    guild: Snowflake | None = None
    guild_name: str = ""
    sources: tuple[SourceSpec, ...] = ()
    destinations: tuple[DestinationSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()


class WizardInfo(Part, frozen=True):
    """Where the set-up stands: the step that is open, and those that are done; ``tray.wizard.steps`` names them."""

    step: str
    done: tuple[str, ...] = ()


class Desk(Message, frozen=True):
    """Everything the tray knows; the engine's state is in its own events. ``shown`` is the language in force."""

    version: str
    engine: EngineLink
    engine_fault: Fault | None
    restarts: int
    rehearsing: bool
    shown: str
    preferences: Preferences
    secrets: SecretsInfo
    bots: tuple[BotInfo, ...]
    setup: Setup
    presets: tuple[str, ...]
    wizard: WizardInfo
    legacy: LegacyInfo | None = None


# our commands


class SetPreferences(Message, frozen=True):
    """Replace the preferences."""

    preferences: Preferences


class Start(Message, frozen=True):
    """Start the session of the set-up, everybody sounding as the last time."""


class StartRehearsal(Message, frozen=True):
    """Run the whole program against the simulated Discord that comes with it; refused while a session runs."""


class StopRehearsal(Message, frozen=True):
    """End the rehearsal and go back to the real bots."""


class QuitProgram(Message, frozen=True):
    """End the program and with it the session; ``sure`` while the match is live, else it is refused (match_live)."""

    sure: bool = False


class CheckToken(Message, frozen=True):
    """Ask Discord whose token this is; answered by TokenCheck within a second, or a Failure. Nothing is kept."""

    token: TokenText


class TokenCheck(Message, frozen=True):
    """Whose token it is; ``same_as`` names a bot of ours that has the same account."""

    user: str
    application: str
    name: str
    same_as: str = ""
    public: bool = True


class SaveBot(Message, frozen=True):
    """Keep a bot's token, checked once more; also gives a running session's bot its new token."""

    bot: BotName
    role: Role
    token: TokenText


class RemoveBot(Message, frozen=True):
    """Forget a bot and its token; its places in the set-up go too."""

    bot: BotName


class DressBot(Message, frozen=True):
    """Set a bot's name and picture on Discord (PATCH /users/@me and /applications/@me)."""

    bot: BotName
    name: Annotated[str, Meta(min_length=2, max_length=32)]
    picture: bool = True
    """Whether to set ours for its role."""


class FindGuilds(Message, frozen=True):
    """Ask which servers our bots are in; answered by Guilds."""


class GuildInfo(Part, frozen=True):
    """A server, and which of our bots are not in it yet."""

    guild: Snowflake
    name: str
    absent: tuple[BotName, ...] = ()


class Guilds(Message, frozen=True):
    """The servers that at least one of our bots is in, those with all of them first."""

    guilds: tuple[GuildInfo, ...]


class FindChannels(Message, frozen=True):
    """Ask for a server's voice channels; answered by Channels."""

    guild: Snowflake


class ChannelInfo(Part, frozen=True):
    """A voice channel; ``proposed`` is what its name suggests, ``limit`` its user limit (0 = none)."""

    channel: Snowflake
    name: str
    category: str = ""
    limit: int = 0
    stage: bool = False
    proposed: Role | None = None


class Channels(Message, frozen=True):
    """A server's channels in Discord's order, and the places that are proposed for our bots."""

    guild: Snowflake
    guild_name: str
    channels: tuple[ChannelInfo, ...]
    sources: tuple[SourceSpec, ...] = ()
    destinations: tuple[DestinationSpec, ...] = ()


class SaveSetup(Message, frozen=True):
    """Keep the session that Start starts."""

    setup: Setup


class CheckPlaces(Message, frozen=True):
    """Ask whether every bot may do its work in its channel; answered by PlaceChecks."""


class PlaceCheck(Part, frozen=True):
    """One bot in its channel; no faults means all is well. It ``works`` if they are only worth knowing."""

    channel: Snowflake
    name: str
    bot: BotName
    faults: tuple[Fault, ...] = ()
    works: bool = True


class PlaceChecks(Message, frozen=True):
    """All places, sources first."""

    places: tuple[PlaceCheck, ...]


class WizardGo(Message, frozen=True):
    """Open a step of the wizard; what was entered elsewhere stays."""

    step: str


class WizardDone(Message, frozen=True):
    """Mark a step as done and open the next one."""

    step: str


class SavePreset(Message, frozen=True):
    """Keep channels, routes, strips and names under a name; replaces one of that name."""

    name: PresetName


class LoadPreset(Message, frozen=True):
    """Take a preset as the set-up; refused while a session runs."""

    name: PresetName


class RemovePreset(Message, frozen=True):
    """Forget a preset."""

    name: PresetName


class GetHistory(Message, frozen=True):
    """Ask for the sessions so far; answered by History."""


class PastSession(Part, frozen=True):
    """One session: when (ms since the epoch; ``ended_ms`` ``None`` = now), where, and what was lost meanwhile."""

    started_ms: int
    ended_ms: int | None
    guild_name: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    outages: tuple[OutageState, ...] = ()
    restarts: int = 0


class History(Message, frozen=True):
    """The last sessions, newest first."""

    sessions: tuple[PastSession, ...]


class GetAbout(Message, frozen=True):
    """Ask what is inside; answered by About."""


class Ingredient(Part, frozen=True):
    """A library that comes with the program."""

    name: str
    version: str
    licence: str


class About(Message, frozen=True):
    """Version, licence, and what is inside."""

    version: str
    ingredients: tuple[Ingredient, ...]


class UnlockSecrets(Message, frozen=True):
    """Open the passphrase vault, or make one where there is no keychain; also asks a locked keychain again."""

    passphrase: Passphrase | None = None


class ImportLegacy(Message, frozen=True):
    """Take over the original application's file: tokens to the store, server and volumes to the settings."""


class DeleteLegacy(Message, frozen=True):
    """Delete that file, once everything in it was taken over."""


class ExportPack(Message, frozen=True):
    """Ask for all bots, presets and names as one encrypted file; answered by Pack."""

    passphrase: Passphrase


class Pack(Message, frozen=True):
    """The file as base64."""

    data: str
    file_name: str


class ImportPack(Message, frozen=True):
    """Take in a file that ExportPack made."""

    data: str
    passphrase: Passphrase


PanelCommand = (
    SetPreferences
    | Start
    | StartRehearsal
    | StopRehearsal
    | QuitProgram
    | CheckToken
    | SaveBot
    | RemoveBot
    | DressBot
    | FindGuilds
    | FindChannels
    | SaveSetup
    | CheckPlaces
    | WizardGo
    | WizardDone
    | SavePreset
    | LoadPreset
    | RemovePreset
    | GetHistory
    | GetAbout
    | UnlockSecrets
    | ImportLegacy
    | DeleteLegacy
    | ExportPack
    | ImportPack
)
"""What the tray itself carries out."""

PanelPayload = TokenCheck | Guilds | Channels | PlaceChecks | History | About | Pack
"""What the tray's own commands are answered with."""


class Call(Message, frozen=True):
    """One command from the page."""

    id: RequestId
    command: engine.Command | PanelCommand


class Answer(Message, frozen=True):
    """The command was carried out."""

    id: RequestId
    payload: PanelPayload | engine.Payload | None = None


class Unanswered(Message, frozen=True):
    """The command was not carried out; every reason that was found, at least one."""

    id: RequestId
    faults: Annotated[tuple[Fault, ...], Meta(min_length=1)]


FromPage = Call
FromTray = Answer | Unanswered | Desk | engine.Snapshot | engine.Changed | engine.Meters
