"""The one error tree of the project, and the codes that travel instead of sentences.

::

    RelayError                  anything we raise on purpose; carries an ErrorCode and details
    ├── ConfigError             the config or a session file can't be used as it is
    ├── SecretsError            a token can't be kept, read or unlocked
    ├── ProtocolError           a control peer said something we don't understand or may not obey
    ├── DiscordError            Discord refused something, or a bot can't do it
    ├── SessionError            a session can't be started, changed or stopped as asked
    └── CombinedError           more than one of them at once; code and details are the first one's

Errors cross processes as a code with details; the sentence is made where it is shown (:mod:`common.sentences`).
"""

from collections.abc import Sequence
from enum import StrEnum


class ErrorCode(StrEnum):
    """Every reason we give, one code each; docs/protocol.md lists them with their sentences."""

    # configuration
    CONFIG_UNREADABLE = "config_unreadable"
    CONFIG_INVALID = "config_invalid"
    CONFIG_NEWER = "config_newer"
    CONFIG_NOT_SAVED = "config_not_saved"
    HISTORY_UNREADABLE = "history_unreadable"
    PRESET_UNKNOWN = "preset_unknown"
    PRESETS_FULL = "presets_full"
    LEGACY_NOT_IMPORTED = "legacy_not_imported"
    LEGACY_NOT_DELETED = "legacy_not_deleted"
    TOKEN_IN_FILE = "token_in_file"  # noqa: S105 - a code, not a secret
    # secrets
    KEYCHAIN_MISSING = "keychain_missing"
    KEYCHAIN_LOCKED = "keychain_locked"
    KEYCHAIN_DENIED = "keychain_denied"
    KEYCHAIN_FAILED = "keychain_failed"
    KEYCHAIN_SILENT = "keychain_silent"
    VAULT_LOCKED = "vault_locked"
    VAULT_BROKEN = "vault_broken"
    SECRET_NOT_SAVED = "secret_not_saved"  # noqa: S105 - a code, not a secret
    PASSPHRASE_WRONG = "passphrase_wrong"  # noqa: S105 - a code, not a secret
    PASSPHRASE_UNFIT = "passphrase_unfit"  # noqa: S105 - a code, not a secret
    PACK_BROKEN = "pack_broken"
    PACK_NEWER = "pack_newer"
    # control protocol
    PROTOCOL_VERSION = "protocol_version"
    PROTOCOL_MALFORMED = "protocol_malformed"
    NOT_AUTHENTICATED = "not_authenticated"
    TOO_MANY_CLIENTS = "too_many_clients"
    # bots and Discord
    TOKEN_MISSING = "token_missing"  # noqa: S105 - a code, not a secret
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a code, not a secret
    TOKEN_DUPLICATE = "token_duplicate"  # noqa: S105 - a code, not a secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a code, not a secret
    TOKEN_NOT_A_BOT = "token_not_a_bot"  # noqa: S105 - a code, not a secret
    TOKEN_IS_CLIENT_SECRET = "token_is_client_secret"  # noqa: S105 - a code, not a secret
    TOKEN_IS_APPLICATION_ID = "token_is_application_id"  # noqa: S105 - a code, not a secret
    TOKEN_IS_PUBLIC_KEY = "token_is_public_key"  # noqa: S105 - a code, not a secret
    TOKEN_INCOMPLETE = "token_incomplete"  # noqa: S105 - a code, not a secret
    TOKEN_MALFORMED = "token_malformed"  # noqa: S105 - a code, not a secret
    BOT_NAME_REFUSED = "bot_name_refused"
    RENAMED_TOO_OFTEN = "renamed_too_often"
    DISCORD_UNREACHABLE = "discord_unreachable"
    RATE_LIMITED = "rate_limited"
    IDENTIFY_BUDGET = "identify_budget"
    GUILD_UNKNOWN = "guild_unknown"
    CHANNEL_UNKNOWN = "channel_unknown"
    CHANNEL_IS_STAGE = "channel_is_stage"
    CHANNEL_NOT_VOICE = "channel_not_voice"
    CHANNEL_FULL = "channel_full"
    CHANNEL_LIMITED = "channel_limited"
    PERMISSION_MISSING = "permission_missing"
    PERMISSION_DENIED = "permission_denied"
    BOT_TIMED_OUT = "bot_timed_out"
    VOICE_TIMEOUT = "voice_timeout"
    VOICE_REFUSED = "voice_refused"
    ENCRYPTION_REQUIRED = "encryption_required"
    KICKED = "kicked"
    SERVER_MUTED = "server_muted"
    SERVER_DEAFENED = "server_deafened"
    # session
    ALREADY_RUNNING = "already_running"
    NOT_RUNNING = "not_running"
    CHANNEL_DUPLICATE = "channel_duplicate"
    SESSION_EMPTY = "session_empty"
    TALKER_UNKNOWN = "talker_unknown"
    ROUTE_UNKNOWN = "route_unknown"
    NO_MONITOR = "no_monitor"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    MATCH_STEP = "match_step"
    MATCH_LIVE = "match_live"
    # sound check
    CHECK_LIVE = "check_live"
    CHECK_BUSY = "check_busy"
    CHECK_KILLED = "check_killed"
    CHECK_LISTENER = "check_listener"
    CHECK_AWAY = "check_away"
    CHECK_NOT_MIXED = "check_not_mixed"
    CHECK_NOT_SENT = "check_not_sent"
    CHECK_NOT_RECEIVED = "check_not_received"
    CHECK_NOT_DECRYPTED = "check_not_decrypted"
    CHECK_NOT_DECODED = "check_not_decoded"
    CHECK_NOT_HEARD = "check_not_heard"
    WIZARD_STEP = "wizard_step"
    # this machine
    OPUS_MISSING = "opus_missing"
    ENGINE_LOST = "engine_lost"
    ENGINE_SILENT = "engine_silent"
    ENGINE_CRASH_LOOP = "engine_crash_loop"
    REHEARSAL_FAILED = "rehearsal_failed"
    REHEARSAL_ON = "rehearsal_on"
    TRAY_UNAVAILABLE = "tray_unavailable"
    ALREADY_OPEN_SILENT = "already_open_silent"
    AUTOSTART_FAILED = "autostart_failed"
    HOTKEYS_WAYLAND = "hotkeys_wayland"
    HOTKEYS_PERMISSION = "hotkeys_permission"
    HOTKEYS_UNAVAILABLE = "hotkeys_unavailable"
    INTERNAL = "internal"


class RelayError(Exception):
    """An error with a code and the details its sentence needs.

    ``details`` are plain strings by name (channel, bot, permission); never a token.
    """

    def __init__(self, code: ErrorCode, /, **details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in sorted(self.details.items()))
        return f"{self.code}({named})" if named else str(self.code)


class ConfigError(RelayError):
    """The config or a session file can't be used as it is."""


class SecretsError(RelayError):
    """A token can't be kept, read or unlocked."""


class ProtocolError(RelayError):
    """A control peer said something we don't understand or may not obey."""


class DiscordError(RelayError):
    """Discord refused something, or a bot can't do it."""


class SessionError(RelayError):
    """A session can't be started, changed or stopped as asked."""


class CombinedError(RelayError):
    """Everything that was found wrong at once; code and details are the first one's, ``also`` lists the other codes."""

    def __init__(self, errors: Sequence[RelayError]) -> None:
        first, *others = errors
        also = {"also": ", ".join(sorted({error.code for error in others} - {first.code}))}
        super().__init__(first.code, **first.details, **{name: text for name, text in also.items() if text})
        self.errors = tuple(errors)
