"""Numbers with names: the units and identities the three programs share.

A bare ``int`` says nothing about what it counts; these say it to the reader and to mypy at no run-time cost.
"""

from enum import StrEnum
from typing import NewType

GuildId = NewType("GuildId", int)
"""A Discord server's snowflake."""

ChannelId = NewType("ChannelId", int)
"""A voice channel's snowflake; a source or a destination is named by it."""

UserId = NewType("UserId", int)
"""A Discord account's snowflake, a person's or a bot's; a talker is named by it."""

BotKey = NewType("BotKey", str)
"""The name under which a bot's token is kept (keychain entry, environment variable); never the token itself."""

Ssrc = NewType("Ssrc", int)
"""RTP synchronization source, 32 bits (RFC 3550 section 3)."""

Nanoseconds = NewType("Nanoseconds", int)
"""A reading of a monotonic clock (``time.perf_counter_ns``) or a span of it."""

Gain = NewType("Gain", float)
"""Linear amplitude factor, 0.0 to 2.0 (0 to 200 %)."""


class Suppression(StrEnum):
    """How much noise is taken out of a talker's voice; more costs more delay (see docs/audio-path.md)."""

    OFF = "off"
    STANDARD = "standard"
    STRONG = "strong"
