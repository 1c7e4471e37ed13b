"""The bots of one session, started together: all of them or none."""

import asyncio
from collections.abc import Mapping, Sequence

from common.errors import CombinedError, DiscordError, ErrorCode, RelayError
from common.secret import Secret
from common.types import BotKey, UserId
from engine.gateway.bot import START_SECONDS, Bot


def equal_tokens(tokens: Mapping[BotKey, Secret]) -> list[RelayError]:
    """Find bots that were given the same token, before anybody logs in with it: one error per group."""
    groups: list[tuple[Secret, list[BotKey]]] = []
    for key, token in tokens.items():
        same = next((keys for other, keys in groups if other == token), None)
        if same is None:
            groups.append((token, [key]))
        else:
            same.append(key)
    return [
        DiscordError(ErrorCode.TOKEN_DUPLICATE, bot=keys[0], bots=", ".join(keys))
        for _, keys in groups
        if len(keys) > 1
    ]


class Pool:
    """Starts and closes bots together."""

    def __init__(self, bots: Mapping[BotKey, Bot]) -> None:
        self.bots = dict(bots)

    async def start(self, timeout: float = START_SECONDS) -> None:  # noqa: ASYNC109 - each bot's own, handed down
        """Start every bot; when one fails all are closed and what went wrong is raised, each with its bot's key."""
        try:
            outcomes = await asyncio.gather(*(bot.start(timeout) for bot in self.bots.values()), return_exceptions=True)
        except BaseException:
            await self.close()
            raise
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            await self.close()
            raise_all(failures)

    def identities(self) -> dict[BotKey, UserId]:
        """Return whose account each bot is."""
        return {key: bot.user for key, bot in self.bots.items()}

    async def close(self) -> None:
        """Close every bot, at the same time; completes within 5 s."""
        await asyncio.gather(*(bot.close() for bot in self.bots.values()))


def raise_all(failures: Sequence[BaseException]) -> None:
    """Raise what was collected: an error that isn't ours as it is, ours alone or combined; nothing when empty."""
    ours = [failure for failure in failures if isinstance(failure, RelayError)]
    for failure in failures:
        if not isinstance(failure, RelayError):
            raise failure
    if len(ours) == 1:
        raise ours[0]
    if ours:
        raise CombinedError(ours)
