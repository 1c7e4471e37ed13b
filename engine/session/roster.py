"""Who can be heard on which source, and what was set for each of them.

People appear when they are in the channel, not when they first speak, under the name the guild gives them, and are
forgotten when they leave, or once a delay line no longer holds what they said; only a strip that somebody set outlives
the visit, by user id and bounded.
Our own bots are never talkers (that would be an echo); other people's bots are, marked, so that nothing audible in
the channel is silently missing.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from common.protocol.spec import MOST_STRIPS, StripSpec
from common.types import ChannelId, UserId
from engine.gateway.views import VoiceMember


@dataclass(frozen=True, slots=True)
class Talker:
    """One person on one source. ``source`` is the session's name of it, also while the bot was moved elsewhere."""

    user: UserId
    name: str
    source: ChannelId
    bot: bool = False


class StripMemory:
    """Strips by user id; holds only those that differ from what everybody gets, at most ``capacity``."""

    def __init__(self, capacity: int = MOST_STRIPS) -> None:
        self._capacity = capacity
        self._strips: OrderedDict[UserId, StripSpec] = OrderedDict()

    def __len__(self) -> int:
        return len(self._strips)

    def get(self, user: UserId) -> StripSpec:
        """Return what was set for ``user``, or what everybody gets."""
        return self._strips.get(user, StripSpec())

    def put(self, user: UserId, strip: StripSpec) -> None:
        """Remember ``strip``; the longest untouched one goes when the memory is full."""
        self._strips.pop(user, None)
        if strip != StripSpec():
            self._strips[user] = strip
        while len(self._strips) > self._capacity:
            self._strips.popitem(last=False)

    def touch(self, users: Iterable[UserId]) -> None:
        """Keep the strips of these, who are there, longer than all others."""
        for user in users:
            if user in self._strips:
                self._strips.move_to_end(user)


class Roster:
    """The talkers of every source, replaced source by source from what its bot sees."""

    def __init__(self, own_bots: Iterable[UserId]) -> None:
        self._own_bots = frozenset(own_bots)
        self._talkers: dict[ChannelId, tuple[Talker, ...]] = {}

    def update(self, source: ChannelId, members: Iterable[VoiceMember]) -> bool:
        """Make the talkers of ``source`` those of ``members`` that aren't our bots; return whether that changed.

        Who is seen on another source meanwhile has moved there: nobody is in two channels of a guild at once.
        """
        present = sorted(
            (
                Talker(user=member.user, name=member.name, source=source, bot=member.bot)
                for member in members
                if member.user not in self._own_bots
            ),
            key=lambda talker: talker.user,
        )
        before = dict(self._talkers)
        self._talkers[source] = tuple(present)
        self._take_from_others(source, {talker.user for talker in present})
        return self._talkers != before

    def talkers(self) -> tuple[Talker, ...]:
        """Return everybody, source by source in the order the sources were first seen, by user id within."""
        return tuple(talker for talkers in self._talkers.values() for talker in talkers)

    def __contains__(self, user: UserId) -> bool:
        return any(talker.user == user for talker in self.talkers())

    def _take_from_others(self, source: ChannelId, users: set[UserId]) -> None:
        for other, talkers in self._talkers.items():
            if other != source:
                self._talkers[other] = tuple(talker for talker in talkers if talker.user not in users)


class Departed:
    """Who left and may still be heard, since a delay line goes on with what they said before."""

    def __init__(self) -> None:
        self._left: dict[UserId, tuple[Talker, int]] = {}

    def note(self, before: Iterable[Talker], after: Iterable[Talker], at_ms: int) -> None:
        """Take in that at ``at_ms`` those of ``before`` left who are not in ``after``."""
        present = {talker.user for talker in after}
        known = self._left | {talker.user: (talker, at_ms) for talker in before}
        self._left = {user: found for user, found in known.items() if user not in present}

    def since(self, at_ms: int) -> tuple[Talker, ...]:
        """Return who left at ``at_ms`` or later; forget the others."""
        self._left = {user: (talker, left) for user, (talker, left) in self._left.items() if left >= at_ms}
        return tuple(talker for talker, _ in self._left.values())
